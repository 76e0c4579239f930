"""The submissions plugin."""
