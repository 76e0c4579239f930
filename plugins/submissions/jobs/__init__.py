"""The bulk operations of submissions."""

from plugins.submissions.jobs.uploading import UploadScores

KINDS = (UploadScores,)

__all__ = ["KINDS", "UploadScores"]
