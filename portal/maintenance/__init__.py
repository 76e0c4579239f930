"""Maintenance mode: a window in which the portal is closed to all but those who may pass."""
