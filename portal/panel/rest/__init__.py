"""The core's operations of the REST interface: who calls, what can be done in bulk, jobs."""
