"""Hook implementations of the submissions plugin; its models and jobs are not part of this release."""

PORTAL_API = "1"
NAME = "submissions"
TITLE = "Submissions"
