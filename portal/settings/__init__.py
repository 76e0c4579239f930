"""Typed settings of the portal and its plugins that people change while it runs."""
