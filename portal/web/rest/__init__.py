"""The base of the REST interface: blueprints, access, problems, idempotency, preconditions, cursors, document."""
