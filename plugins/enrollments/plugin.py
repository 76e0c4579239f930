"""Hook implementations of the enrollments plugin; its models and jobs are not part of this release."""

PORTAL_API = "1"
NAME = "enrollments"
TITLE = "Enrollments"
