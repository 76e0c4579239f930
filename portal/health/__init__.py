"""Health checks and the two pages that report them."""
