"""The Python API of admissions: reads and writes without web, queue or commit. Public for other plugins."""
