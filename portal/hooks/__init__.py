"""How the portal and its plugins meet: hook specifications, declarations, events, the manager and the registry."""
