"""Outgoing mail: written to the outbox inside the transaction that causes it, delivered afterwards."""
