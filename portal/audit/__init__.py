"""The append-only record of every write, made in the same transaction."""
