"""Stored files: bytes under their content hash, durable before any row names them; safe images; the sweeper."""
