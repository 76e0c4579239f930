"""The base of every list, detail page and form over a model: deny by default, read-only by default."""

from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_admin.contrib.sqla import ModelView
from flask_admin.contrib.sqla.fields import QuerySelectField, QuerySelectMultipleField
from sqlalchemy import select
from wtforms.fields.core import UnboundField

from portal.access.policy import may, narrow, require
from portal.access.routes import RouteAccess
from portal.kernel.actor import current_actor
from portal.kernel.db import db
from portal.kernel.errors import Forbidden, InvalidInput, NotFound, PluginLoadError, PortalError
from portal.web.actions import action_permission
from portal.web.counting import COUNT_CAP, capped_count
from portal.web.filters import RelatedFilter
from portal.web.formatting import badge, column_type_formatters
from portal.web.list_export import ListExport
from portal.web.list_rules import check_list
from portal.web.lookups import NarrowedLoader, find_visible, key_value, primary_key
from portal.web.paged_lists import PagedLists
from portal.web.record_jobs import RecordJobs
from portal.web.saving import Saving
from portal.web.views import GuardedView

MAX_PAGE_SIZE = 200
MAX_SELECTED = 2_000
_WRITING_ROUTES = {
    "create_view": "create",
    "edit_view": "edit",
    "delete_view": "delete",
    "export_list": "export",
}
_NEVER = {"export", "ajax_update"}


class PortalModelView(Saving, PagedLists, ListExport, RecordJobs, GuardedView, ModelView):  # type: ignore[misc]
    """List, detail page and, where permitted, forms of one model.

    Set ``permission_create`` / ``permission_edit`` / ``permission_delete`` to open these; a route without its
    permission does not exist. List, count and details are narrowed together (``portal_narrow_rows``).
    A foreign key in a form must be in ``form_ajax_refs``; ``column_editable_list`` is refused.
    """

    permission_create: str | None = None
    permission_edit: str | None = None
    permission_delete: str | None = None
    #: Columns of text whose values are shown as badges, and tones beyond the usual ones (word → tone).
    column_badges: ClassVar[tuple[str, ...]] = ()
    badge_tones: ClassVar[dict[str, str]] = {}
    column_formatters: ClassVar[dict[str, Any]] = {}
    #: Columns whose every value is so frequent that a list filtered by it needs no index.
    column_filters_walked: ClassVar[tuple[str, ...]] = ()
    #: One sentence under the title of the list.
    introduction: str = ""
    #: Buttons above the list: (endpoint, title, permission) of pages that start something bigger.
    list_links: ClassVar[tuple[tuple[str, str, str], ...]] = ()

    column_type_formatters = column_type_formatters()
    column_type_formatters_detail = column_type_formatters
    can_view_details = True
    can_export = False
    can_set_page_size = True
    page_size = 50
    page_size_options = (20, 50, 100, 200)
    column_display_actions = True
    action_disallowed_list = ("delete",)
    list_template = "portal/model/list.html"
    details_template = "portal/model/details.html"
    create_template = "portal/model/create.html"
    edit_template = "portal/model/edit.html"

    def __init__(self, model: type, *arguments: Any, **keywords: Any) -> None:
        badges = dict.fromkeys(self.column_badges, self._badge)
        self.column_formatters = {**badges, **self.column_formatters}  # type: ignore[misc]  # its own copy
        super().__init__(model, db, *arguments, **keywords)
        self._check_declaration()

    @property
    def can_create(self) -> bool:
        return self._holds(self.permission_create)

    @property
    def can_edit(self) -> bool:
        return self._holds(self.permission_edit)

    @property
    def can_delete(self) -> bool:
        return self._holds(self.permission_delete)

    def _holds(self, permission: str | None) -> bool:
        return permission is not None and may(current_actor(), permission)

    def _badge(self, view: Any, context: Any, record: Any, name: str) -> Any:
        value = self._get_field_value(record, name)
        word = str(getattr(value, "value", value)).lower()
        return badge(value, self.badge_tones.get(word))

    def _check_declaration(self) -> None:
        name = type(self).__name__
        if self.column_editable_list:
            raise PluginLoadError(
                "editable-list", f"{name}: column_editable_list is not allowed; it skips permissions."
            )
        if self.page_size > MAX_PAGE_SIZE or max(self.page_size_options) > MAX_PAGE_SIZE:
            raise PluginLoadError("page-size", f"{name}: a page has at most {MAX_PAGE_SIZE} rows.")
        for title, permission, form in (
            ("create", self.permission_create, self._create_form_class),
            ("edit", self.permission_edit, self._edit_form_class),
        ):
            if permission is None:
                continue
            for field, unbound in vars(form).items():
                if isinstance(unbound, UnboundField) and issubclass(
                    unbound.field_class, QuerySelectField | QuerySelectMultipleField
                ):
                    raise PluginLoadError(
                        "form-loads-table",
                        f"{name}: {field} in the {title} form would load its whole table; "
                        "name it in form_ajax_refs or leave it out of form_columns.",
                    )
        check_list(self)

    def create_blueprint(self, admin: Any) -> Any:
        """Register only the routes that somebody may use."""
        self._urls = [item for item in self._urls if self._is_open(item[1])]
        return super().create_blueprint(admin)

    def _is_open(self, route: str) -> bool:
        if route in _NEVER:
            return False
        if route in _WRITING_ROUTES:
            return getattr(self, f"permission_{_WRITING_ROUTES[route]}") is not None
        if route == "action_view":
            return self.has_actions()
        if route == "ajax_lookup":
            return bool(self.form_ajax_refs) and (self.permission_create or self.permission_edit) is not None
        return route != "details_view" or self.can_view_details

    def has_actions(self) -> bool:
        """Say whether the view declares any list action."""
        return any(action_permission(function) for function, _, _ in self._actions_data.values())

    def route_access(self, name: str) -> RouteAccess:
        """Return who may call a route: writing routes need their own permission."""
        if name in _WRITING_ROUTES:
            return RouteAccess(permission=getattr(self, f"permission_{_WRITING_ROUTES[name]}"))
        return super().route_access(name)

    # Reading: list, count and single record are narrowed by the same rule.

    def get_query(self) -> Any:
        return narrow(db.session.query(self.model), current_actor(), self.permission, self.model)

    def get_count_query(self) -> Any:
        return narrow(capped_count(db.session(), self.model), current_actor(), self.permission, self.model)

    def get_one(self, id: Any) -> Any:  # noqa: A002 - the name that the callers use
        """Return the record.

        Raises:
            NotFound: when there is none, or not for this actor.
        """
        found = find_visible(self.model, self.permission, id)
        if found is None:
            raise NotFound("record-missing", "There is no such record, or you may not see it.")
        return found

    def _get_filter_groups(self) -> Any:
        # Menus of related records are read when the page is shown; at start nothing touches the database.
        groups = super()._get_filter_groups()
        for items in (groups or {}).values():
            for item in items:
                chosen = self._filters[item["index"]]
                if isinstance(chosen, RelatedFilter):
                    item["options"] = list(chosen.choices())
        return groups

    def _create_ajax_loader(self, name: str, options: dict[str, Any]) -> NarrowedLoader:
        related = getattr(self.model, name).property.mapper.class_
        return NarrowedLoader(name, related, lambda: self.permission, **options)

    def render(self, template: str, **facts: Any) -> Any:
        facts.setdefault("count_cap", COUNT_CAP)
        if template == self.list_template:
            facts.update(self.pager_facts(facts.get("count")))
        return super().render(template, **facts)

    # Actions on selected rows.

    def is_action_allowed(self, name: str) -> bool:
        function = self._actions_data.get(name, (None,))[0]
        permission = action_permission(function) if function else None
        return super().is_action_allowed(name) and self._holds(permission)

    def handle_action(self, return_view: str | None = None) -> Any:
        """Run the chosen action on the selected rows that the actor may see.

        Raises:
            Forbidden: without the action's permission.
            InvalidInput: for an action that does not exist.
        """
        name = request.form.get("action", "")
        function = self._actions_data.get(name, (None,))[0]
        permission = action_permission(function) if function else None
        if function is None or permission is None:
            raise InvalidInput("unknown-action", "This list has no such action.")
        require(current_actor(), permission)
        try:
            response = function(self._visible_ids(request.form.getlist("rowid")))
        except Forbidden:
            raise
        except PortalError as problem:
            flash(problem.message, "error")
            response = None
        return response if response is not None else redirect(self.get_save_return_url(None))

    def _visible_ids(self, sent: list[str]) -> list[str]:
        if not sent:
            raise InvalidInput("nothing-selected", "Select at least one record first.")
        if len(sent) > MAX_SELECTED:
            raise InvalidInput("too-many-selected", f"Select at most {MAX_SELECTED} records at once.")
        key = primary_key(self.model)
        wanted = [value for text in dict.fromkeys(sent) if (value := key_value(self.model, text)) is not None]
        statement = narrow(select(key).where(key.in_(wanted)), current_actor(), self.permission, self.model)
        visible = set(db.session.scalars(statement))
        return [str(value) for value in wanted if value in visible]
