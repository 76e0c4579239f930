"""Who may do what: judges actors, knows no users."""
