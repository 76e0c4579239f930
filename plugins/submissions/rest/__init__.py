"""What programs may call: the ledger and the grader queue under ``/api/v1``, and the queue in its old shape."""

from plugins.submissions.rest import graders, scores  # noqa: F401 - they add their operations to the blueprint
from plugins.submissions.rest.answers import submissions
from plugins.submissions.rest.xqueue import xqueue
from portal.sdk.rest import RestApi

REST = (RestApi(blueprint=submissions), RestApi(blueprint=xqueue, outside="xqueue"))

__all__ = ["REST"]
