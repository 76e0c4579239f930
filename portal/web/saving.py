"""How a model view writes: one ``transaction()`` per form, refusals shown in the form, nothing committed elsewhere."""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import ObjectDeletedError
from wtforms import HiddenField, ValidationError

from portal.kernel.db import Versioned, db
from portal.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, PortalError
from portal.kernel.transaction import transaction
from portal.web.problems import constraint_problem, is_unusable_value, show_problem

T = TypeVar("T")
VERSION_FIELD = "seen_version"


class SeenVersion(HiddenField):  # type: ignore[misc]
    """The version of the record when the form was opened; never written to the record."""

    def populate_obj(self, record: Any, name: str) -> None:
        """Leave the record alone."""


class Saving:
    """Create, update and delete of a ``PortalModelView``.

    Override ``on_model_change`` and ``on_model_delete`` for checks and for what belongs to the same transaction;
    raise ``PortalError`` (with ``facts={"field": …}`` to point at a field) to refuse.
    """

    model: type

    def get_edit_form(self) -> Any:
        """Return the form class; a versioned model's form carries the version that its editor saw."""
        form = super().get_edit_form()  # type: ignore[misc]
        if issubclass(self.model, Versioned):
            setattr(form, VERSION_FIELD, SeenVersion())
        return form

    def edit_form(self, obj: Any = None) -> Any:
        """Return the filled form."""
        form = super().edit_form(obj)  # type: ignore[misc]
        if VERSION_FIELD in form and not form[VERSION_FIELD].data:
            form[VERSION_FIELD].data = str(obj.version)
        return form

    def create_model(self, form: Any) -> Any:
        """Return the new record, or False when it was refused (the reason is shown)."""

        def write(session: Session) -> Any:
            record = self.build_new_instance()  # type: ignore[attr-defined]
            with session.no_autoflush:
                form.populate_obj(record)
                self.on_model_change(form, record, True)  # type: ignore[attr-defined]
            session.add(record)
            session.flush()
            return record

        record = self._write(form, write)
        if record is not None:
            self.after_model_change(form, record, True)  # type: ignore[attr-defined]
        return record or False

    def update_model(self, form: Any, model: Any) -> bool:
        """Say whether the record was changed; when not, the reason is shown."""

        def write(session: Session) -> Any:
            self._refuse_changed(form, model)
            with session.no_autoflush:
                form.populate_obj(model)
                self.on_model_change(form, model, False)  # type: ignore[attr-defined]
            session.flush()
            return model

        if self._write(form, write) is None:
            return False
        self.after_model_change(form, model, False)  # type: ignore[attr-defined]
        return True

    def delete_model(self, model: Any) -> bool:
        """Say whether the record was deleted; when not, the reason is shown."""

        def write(session: Session) -> Any:
            self.on_model_delete(model)  # type: ignore[attr-defined]
            session.delete(model)
            session.flush()
            return model

        if self._write(None, write, deleting=True) is None:
            return False
        self.after_model_delete(model)  # type: ignore[attr-defined]
        return True

    def _refuse_changed(self, form: Any, record: Any) -> None:
        if VERSION_FIELD not in form:
            return
        if str(record.version) != form[VERSION_FIELD].data:
            raise Conflict(
                "changed-meanwhile",
                "Somebody else changed this record while you were editing it. Open it again.",
            )

    def _write(self, form: Any, write: Callable[[Session], T], *, deleting: bool = False) -> T | None:
        """Run ``write`` in its transaction; show what refuses it and return None then."""
        try:
            with transaction() as session:
                return write(session)
        except Forbidden:
            raise
        except PortalError as problem:
            show_problem(form, problem)
        except ObjectDeletedError:
            show_problem(form, NotFound("record-missing", "This record was deleted meanwhile."))
        except (IntegrityError, DataError) as error:
            table: Any = self.model.__table__  # type: ignore[attr-defined]
            show_problem(form, constraint_problem(error, table, deleting=deleting))
        except (StatementError, OverflowError) as error:
            if not is_unusable_value(error):
                raise
            show_problem(
                form, InvalidInput("value-not-stored", "The database cannot store one of these values.")
            )
        except ValidationError as error:
            show_problem(form, InvalidInput("not-valid", str(error)))
        db.session.rollback()
        return None
