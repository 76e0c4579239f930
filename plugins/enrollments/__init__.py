"""The enrollments plugin."""
