"""Base views over Flask-Admin, error pages, navigation and theme: everything a page of the panel stands on."""
