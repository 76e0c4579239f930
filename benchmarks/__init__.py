"""Measures and wears out the portal: real databases, a real queue server, real worker processes, real records."""
