"""What the database refuses, as a problem that the caller can mend: a rule of a table is no bug."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from sqlalchemy import MetaData, Table
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from portal.kernel.db import Base, db
from portal.web.problems import constraint_problem

#: Stands for the table when the database does not name it.
_NO_TABLE = Table("unknown", MetaData())
_FAILED = re.compile(r"constraint failed: (\w+)\.")


def refused_by_rules(view: Callable[..., Any]) -> Callable[..., Any]:
    """Let the view raise a ``PortalError`` (409 or 422) where its transaction breaks a rule of a table."""

    @wraps(view)
    def call(*arguments: Any, **keywords: Any) -> Any:
        try:
            return view(*arguments, **keywords)
        except (IntegrityError, DataError) as error:
            db.session.rollback()
            table = Base.metadata.tables.get(_table_name(error), _NO_TABLE)
            raise constraint_problem(error, table, deleting=request.method == "DELETE") from error

    return call


def _table_name(error: DBAPIError) -> str:
    found = _FAILED.search(str(error.orig))
    if found:
        return found.group(1)
    return str(getattr(getattr(error.orig, "diag", None), "table_name", None) or "")
