"""The core's own plugin: its permissions, pages and commands."""
