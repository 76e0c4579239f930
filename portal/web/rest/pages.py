"""``/api/openapi.json`` and the page that shows it, from files of our own, for whoever is signed in."""

from apiflask import APIFlask
from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response as AnyResponse

from portal.access.routes import signed_in_only
from portal.auth.bearer import API_ROOT
from portal.web.errors import API_PAGE
from portal.web.rest.document import openapi_document

pages = Blueprint("api_pages", __name__)


def init_api_pages(app: APIFlask) -> None:
    """Register document and page."""
    app.register_blueprint(pages)


@pages.get(f"{API_ROOT}openapi.json")
@signed_in_only
def document() -> AnyResponse:
    """Answer with the OpenAPI document of every operation, the plugins' included."""
    response = jsonify(openapi_document())
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    return response.make_conditional(request)


@pages.get(API_PAGE)
@signed_in_only
def page() -> ResponseReturnValue:
    """Show the document, and let the reader try the operations as the signed-in user."""
    return render_template("portal/api_docs.html")
