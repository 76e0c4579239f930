"""Scenarios of the old enrollments system."""
