"""All fixtures are the public ones of ``portal.testing``."""

pytest_plugins = ["portal.testing.fixtures", "portal.testing.browsing"]
