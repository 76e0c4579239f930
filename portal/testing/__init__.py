"""Public test services for the portal and for plugin authors: real databases, queue server, workers, application.

In a plugin's ``conftest.py``: ``pytest_plugins = ["portal.testing.fixtures"]``.
"""
