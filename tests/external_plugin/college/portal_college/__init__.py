"""The slip and the student numbers of a college."""
