"""Models of answers, filled from records."""

from typing import Any, TypeVar

from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)


def from_record(model: type[M], record: Any, **given: Any) -> M:
    """Return the model with what is given, and every other field from the record's attribute of the same name.

    What the record would have to load for it must be loaded by the statement that found it.
    """
    same = {name: getattr(record, name) for name in model.model_fields if name not in given}
    return model(**same, **given)
