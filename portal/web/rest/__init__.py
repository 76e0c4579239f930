"""The base of the REST interface: blueprints, access, problems, repeated calls, preconditions, cursors, document."""
