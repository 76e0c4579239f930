"""What a row job may add to the three functions it must have: undo, a brake, the models of its records."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from portal.jobs.rows import Brake, Outcome, Problem, UndoWork
from portal.kernel.errors import Conflict

P = TypeVar("P", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


class RowOptions(Generic[P, R]):
    """Base of ``RowJob``; every method here may be left as it is."""

    #: Above it a second person must release the job.
    brake: ClassVar[Brake | None] = None
    #: Model of the records that the outcomes' ``record_id`` names, so that their pages list the job.
    record_model: ClassVar[type[Any] | None] = None
    #: Model of the records that the rows' ``subject`` names; None when the subject is no record's key.
    subject_model: ClassVar[type[Any] | None] = None

    def brake_of(self, params: P) -> Brake | None:
        """Return the brake for these parameters."""
        return self.brake

    def existing_count(self, params: P) -> int | None:
        """Return how many records there are that such a job could change: what the brake's shares are of.

        One fast statement. None: the shares are of the job's own rows.
        """
        return None

    @property
    def can_undo(self) -> bool:
        """Whether the kind implements :meth:`undo`."""
        return type(self).undo is not RowOptions.undo

    def check_undo(self, rows: Sequence[UndoWork[R]], params: P) -> Sequence[Problem | None]:
        """Say for each row, in order, why it will be kept, or None; reads only, for the preview of an undo."""
        return [None] * len(rows)

    def undo(self, rows: Sequence[UndoWork[R]], params: P) -> Sequence[Outcome]:
        """Take back what was done, inside one transaction of the engine; no commit; one outcome per row, same order.

        Implement it to let a whole job be undone. The rows come last first, at most ``chunk_rows`` at a time. A row
        whose record was changed or used since is kept: ``Outcome.refused(code, why)``. It is checked here again,
        whatever :meth:`check_undo` has said. A fixed number of statements for any number of rows.
        """
        raise Conflict("undo-not-possible", "What this kind of job does cannot be undone as a whole.")
