"""What the processes write about themselves: lines for people or JSON, with request and job ids, without personal data.

Errors appear with their type, their code and the places in the code they went through. Their message appears only when
it is the system's own, because that of any other error may name a person.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, WrappedLogger

from portal.kernel.errors import PortalError

LogFormat = Literal["console", "json"]
REMOVED = "[removed]"
#: Keys whose values are people's, or secrets, whoever logs them.
PERSONAL_KEYS = re.compile(
    r"(^|_)(names?|emails?|mail|addresses|address|phones?|birth\w*|passports?|photo|sign_in\w*|username|login|"
    r"registration\w*|reg_number|student_number|external_id|person\w*|password|secret|token|authorization|cookie)($|_)",
    re.IGNORECASE,
)
#: Keys that only look like those.
OWN_KEYS = frozenset({"logger_name"})
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_PASSWORD_IN_URL = re.compile(r"(\w+://[^/\s:@]*:)[^@\s/]+@")
#: Their messages speak of code, files and connections, not of people.
_TELLING = (OSError, ImportError, NameError, AttributeError, MemoryError, RecursionError, RedisError)
_CHATTY = ("alembic", "fontTools", "PIL", "weasyprint", "urllib3")
_ROOT = f"{Path(__file__).resolve().parents[2]}/"
_FRAMES = 30


def configure_logs(level: str, form: LogFormat, stream: TextIO | None = None) -> None:
    """Let this process write its log to ``stream`` (standard error), every library's lines too."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(_without_messages_of_errors)
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.ExtraAdder(),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _explain_error if form == "json" else _explain_error_in_lines,
                remove_personal,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    sys.excepthook = _log_end


def log_context(**facts: str) -> AbstractContextManager[None]:
    """Add facts (``request_id``, ``job_id``) to every line that is written inside the block."""
    return _bound(facts)


def remove_personal(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Return the line without values of personal keys, e-mail addresses and passwords in URLs."""
    return {key: _cleaned(key, value) for key, value in event.items()}


def safe_words(error: BaseException) -> str:
    """Return what may be written of an error: type, code or SQLSTATE, and the message where it is the system's own."""
    name = type(error).__name__
    if isinstance(error, PortalError):
        return f"{name} {error.code}"
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        diagnosis = getattr(error.orig, "diag", None)
        constraint = getattr(diagnosis, "constraint_name", None)
        if error.connection_invalidated or state is None:
            state = state or _first_words(error)
        return " ".join(str(part) for part in (name, state, constraint) if part)
    if isinstance(error, _TELLING):
        return f"{name}: {error}"
    return name


def explained(error: BaseException) -> list[dict[str, Any]]:
    """Return an error and what led to it, newest first: ``error`` in safe words, ``at`` the places in the code."""
    found: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(found) < 10:
        places = traceback.extract_tb(current.__traceback__)[-_FRAMES:]
        at = [f"{place.filename.removeprefix(_ROOT)}:{place.lineno} {place.name}" for place in places]
        found.append({"error": safe_words(current), "at": at})
        hidden = current.__suppress_context__
        current = current.__cause__ or (None if hidden else current.__context__)
    return found


@contextmanager
def _bound(facts: Mapping[str, str]) -> Iterator[None]:
    with structlog.contextvars.bound_contextvars(**facts):
        yield


def _first_words(error: DBAPIError) -> str:
    """Return what SQLite says, up to where it names values: it has no codes of its own here."""
    return str(error.orig).partition(":")[0][:80]


def _cleaned(key: str, value: Any) -> Any:
    if key not in OWN_KEYS and PERSONAL_KEYS.search(key):
        return REMOVED
    if isinstance(value, str):
        return _EMAIL.sub(REMOVED, _PASSWORD_IN_URL.sub(rf"\1{REMOVED}@", value))
    if isinstance(value, Mapping):
        return {name: _cleaned(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned("", inner) for inner in value]
    return value


def _without_messages_of_errors(record: logging.LogRecord) -> bool:
    """Put safe words in place of errors among the arguments of a line; libraries' lines lose what may be a person's."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            safe_words(item) if isinstance(item, BaseException) else _own(record.name, item)
            for item in record.args
        )
    if record.name.startswith("rq"):
        # It writes whole tracebacks into the message.
        record.msg, record.args = record.getMessage().partition("\n")[0], None
    return True


def _own(logger_name: str, value: object) -> object:
    if logger_name.startswith("gunicorn") and isinstance(value, str) and value.startswith("/"):
        return value.partition("?")[0]
    return value


def _error_of(event: EventDict) -> BaseException | None:
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, tuple):
        info = info[1]
    return info if isinstance(info, BaseException) else None


def _explain_error(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    error = _error_of(event)
    if error is not None:
        event["exception"] = explained(error)
    return event


def _explain_error_in_lines(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    error = _error_of(event)
    if error is not None:
        event["exception"] = "\n".join(
            line for item in explained(error) for line in (item["error"], *(f"    {at}" for at in item["at"]))
        )
    return event


def _log_end(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, at)
        return
    logging.getLogger("portal").critical("this process ends with an error", exc_info=(kind, error, at))
