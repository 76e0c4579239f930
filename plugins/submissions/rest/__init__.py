"""What programs may call: the queue of external graders in its old shape."""

from plugins.submissions.rest.xqueue import xqueue
from portal.sdk.rest import RestApi

REST = (RestApi(blueprint=xqueue, outside="xqueue"),)

__all__ = ["REST"]
