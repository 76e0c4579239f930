"""The queue of external graders as people see it: how long it is, and entries put back that stick or have failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal, select, true, union_all, update

from plugins.submissions.api.sessions import execute, plain_errors, reads
from plugins.submissions.errors import SubmissionRequestError
from plugins.submissions.models import GraderEntry, GraderState
from portal.sdk import AuditRow, record_many, utc_now

MOST_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class PutBack:
    """What became of entries: ``done`` ids are put back; the others with the state that they are in (None: gone)."""

    done: tuple[int, ...]
    left: Mapping[int, str | None]


#: States of entries that are not done: few, however many were done before.
OPEN = (GraderState.PENDING, GraderState.RETRY, GraderState.PULLED, GraderState.FAILED)


def queue_counts(*states: GraderState) -> dict[str, dict[GraderState, int]]:
    """Return queue → state → number of entries, by name; one statement that reads no entry of another state.

    Queues without an entry in these states have an empty dict.

    Args:
        states: Which to count; all when none is given.
    """
    jumps = _jumps()
    wanted = union_all(*(select(literal(state.value).label("status")) for state in states or GraderState))
    asked = wanted.subquery()
    number = (
        select(func.count())
        .where(GraderEntry.queue_name == jumps.c.name, GraderEntry.status == asked.c.status)
        .correlate(jumps, asked)
        .scalar_subquery()
    )
    statement = select(jumps.c.name, asked.c.status, number).where(jumps.c.name.is_not(None))
    found: dict[str, dict[GraderState, int]] = {}
    for queue, state, count in execute(statement.join_from(jumps, asked, true())):
        counts = found.setdefault(queue, {})
        if count:
            counts[GraderState(state)] = count
    return dict(sorted(found.items()))


def queue_names() -> list[str]:
    """Return the queues that have entries, by name; one statement that jumps along an index."""
    jumps = _jumps()
    return list(execute(select(jumps.c.name).where(jumps.c.name.is_not(None))).scalars())


def _jumps() -> Any:
    """Return a table of the names of queues, the last of them nothing."""
    name = GraderEntry.queue_name
    steps = select(func.min(name).label("name")).cte("jumps", recursive=True)
    further = select(func.min(name)).where(name > steps.c.name).scalar_subquery()
    return steps.union_all(select(further).where(steps.c.name.is_not(None)))


def stuck_entries(queue_name: str | None = None, limit: int = MOST_AT_ONCE) -> list[int]:
    """Return entries that were handed out and whose lease has ended, the oldest first; one statement."""
    statement = select(GraderEntry.id).where(
        GraderEntry.status == GraderState.PULLED, GraderEntry.lease_until < utc_now()
    )
    if queue_name is not None:
        statement = statement.where(GraderEntry.queue_name == queue_name)
    with reads() as connection:
        return list(connection.execute(statement.order_by(GraderEntry.id).limit(limit)).scalars())


def unstick(entries: Sequence[int]) -> PutBack:
    """Offer up to 500 entries anew that were handed out and not answered; each counts a failure.

    Two statements and the audit's. Needs an open transaction; does not commit.

    Raises:
        SubmissionRequestError: for more than 500.
    """
    failed = {"num_failures": GraderEntry.num_failures + 1, "lease_until": None}
    return _put_back(entries, GraderState.PULLED, GraderState.RETRY, failed)


def retry(entries: Sequence[int]) -> PutBack:
    """Let up to 500 entries wait again that have failed; they keep their count of failures.

    Two statements and the audit's. Needs an open transaction; does not commit.

    Raises:
        SubmissionRequestError: for more than 500.
    """
    return _put_back(entries, GraderState.FAILED, GraderState.PENDING, {})


def _put_back(
    entries: Sequence[int], source: GraderState, target: GraderState, more: Mapping[str, Any]
) -> PutBack:
    if len(entries) > MOST_AT_ONCE:
        raise SubmissionRequestError(f"At most {MOST_AT_ONCE} entries at once.")
    statement = select(GraderEntry.id, GraderEntry.status).where(GraderEntry.id.in_(entries))
    with plain_errors():
        found = {row.id: row.status for row in execute(statement.order_by(GraderEntry.id).with_for_update())}
        done = tuple(key for key in entries if found.get(key) == source)
        if done:
            values = {"status": target, "status_time": utc_now(), **more}
            execute(update(GraderEntry).where(GraderEntry.id.in_(done)).values(**values))
            change = {"status": [source, target]}
            record_many(
                [
                    AuditRow(
                        action="put back",
                        target="submissions_grader_entry",
                        record_id=str(key),
                        changes=change,
                    )
                    for key in done
                ]
            )
    return PutBack(done=done, left={key: found.get(key) for key in entries if key not in done})
