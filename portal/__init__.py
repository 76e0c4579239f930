"""Campus Portal: a plugin-based admin portal for institutions that admit, enrol and grade students in bulk."""

__version__ = "0.1.0"
