"""The REST interface, for plugins: operations, lists in pages, preconditions, repeated calls. Re-exports only."""

from portal.auth.programs import sign_in_program, sign_out_program
from portal.hooks.declarations import RestApi
from portal.kernel.paging import PageOrder, order_of
from portal.web.lookups import find_visible, get_visible, narrowed_select
from portal.web.rest.conditional import check_match, etag_of, quoted, tagged, version_etag
from portal.web.rest.cursors import Listing, PageQuery, list_page, opened_cursor, signed_cursor
from portal.web.rest.operations import SIGNED_IN, api_blueprint, api_route
from portal.web.rest.outside import program_blueprint
from portal.web.rest.repeating import job_key, sent_key
from portal.web.rest.shapes import from_record

__all__ = [
    "SIGNED_IN",
    "Listing",
    "PageOrder",
    "PageQuery",
    "RestApi",
    "api_blueprint",
    "api_route",
    "check_match",
    "etag_of",
    "find_visible",
    "from_record",
    "get_visible",
    "job_key",
    "list_page",
    "narrowed_select",
    "opened_cursor",
    "order_of",
    "program_blueprint",
    "quoted",
    "sent_key",
    "sign_in_program",
    "sign_out_program",
    "signed_cursor",
    "tagged",
    "version_etag",
]
