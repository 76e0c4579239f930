"""``/health/live`` and ``/health/ready``: for load balancers and process managers, open to everybody, always."""

from http import HTTPStatus

from flask import Blueprint, Flask, jsonify
from flask.typing import ResponseReturnValue

from portal.access.routes import RouteAccess, declare_endpoint
from portal.health.checks import is_ready, run_checks

pages = Blueprint("health", __name__, url_prefix="/health")


@pages.get("/live")
def live() -> ResponseReturnValue:
    """Answer 200 as long as this process serves requests. Touches nothing else."""
    return jsonify(live=True)


@pages.get("/ready")
def ready() -> ResponseReturnValue:
    """Answer 200 when every critical check passes, else 503; names each check, keeps its words for `portal doctor`."""
    results = run_checks()
    passed = is_ready(results)
    answer = jsonify(ready=passed, checks={name: result.ok for name, result in results.items()})
    answer.headers["Cache-Control"] = "no-store"
    return answer, HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE


def init_health(app: Flask) -> None:
    """Register both pages; they stay open during maintenance."""
    app.register_blueprint(pages)
    for endpoint in ("health.live", "health.ready"):
        declare_endpoint(app, endpoint, RouteAccess(public=True, during_maintenance=True))
