"""Student numbers: a letter and seven digits, drawn from a counter that only rises."""

import hashlib
import re
from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from plugins.admissions.hooks import NumbersWanted, NumberWanted
from plugins.admissions.models import NumberCounter, Student
from plugins.admissions.settings import AdmissionsSettings
from portal.sdk import Conflict, PluginReactionFailed, db, first_answer, get_settings, savepoint

FIRST = 1_000_000
#: How many numbers there are with seven digits that do not begin with 0.
SERIES = 9_000_000
COUNTER = "student"
ALLOCATE = "admissions_allocate_student_numbers"
#: What a plugin's own numbers may be: sign-in names and names of folders on every system.
OWN_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
_HALF_BITS = 12
_HALF = (1 << _HALF_BITS) - 1
_ROUNDS = 4


def student_number(position: int, letter: str, spread_seed: int | None = None) -> str:
    """Return the number at a position (from 0) of the series; different positions give different numbers.

    Args:
        spread_seed: None counts upwards; a seed gives an order of its own, which cannot be guessed without it.
    """
    if position >= SERIES or spread_seed is None:
        # Beyond the series the numbers go on with eight digits.
        return f"{letter}{FIRST + position}"
    offset = _shuffled(position, spread_seed)
    while offset >= SERIES:
        offset = _shuffled(offset, spread_seed)
    return f"{letter}{FIRST + offset}"


def _shuffled(value: int, seed: int) -> int:
    """Map 24 bits onto 24 bits one to one: a Feistel network, whose rounds can be undone whatever they compute."""
    key = seed.to_bytes(8, "big")
    left, right = value >> _HALF_BITS, value & _HALF
    for number in range(_ROUNDS):
        digest = hashlib.blake2s(bytes((number, right >> 8, right & 255)), key=key, digest_size=2).digest()
        left, right = right, left ^ (int.from_bytes(digest, "big") & _HALF)
    return left << _HALF_BITS | right


def allocate(wanted: Sequence[NumberWanted]) -> list[str]:
    """Return a number for each applicant, of the first plugin that gives some, else of the portal's series.

    Needs an open transaction; does not commit. Numbers of a plugin are checked all at once, with one statement.

    Raises:
        PluginReactionFailed: a plugin gave too few or too many numbers, or one that is malformed, doubled or taken.
    """
    if not wanted:
        return []
    answer = first_answer(ALLOCATE, event=NumbersWanted(applicants=tuple(wanted)))
    if answer is None:
        return reserve(len(wanted))
    plugin, numbers = answer
    problem = _problem(numbers, len(wanted))
    if problem:
        raise PluginReactionFailed(plugin, ALLOCATE, problem)
    return list(numbers)


def _problem(numbers: object, count: int) -> str:
    """Say what is wrong with a plugin's numbers; empty when nothing is."""
    if isinstance(numbers, str) or not isinstance(numbers, Sequence) or len(numbers) != count:
        given = (
            len(numbers) if isinstance(numbers, Sequence) and not isinstance(numbers, str) else "no list of"
        )
        return f"it gave {given} numbers for {count} applicants. It must give one for each, in their order."
    for number in numbers:
        if not isinstance(number, str) or not OWN_NUMBER.fullmatch(number):
            return (
                f"{str(number)[:40]!r} cannot be a student number: 1 to 20 letters a-z, digits, dots, hyphens and "
                "underscores, beginning with a letter or digit."
            )
    if len({number.casefold() for number in numbers}) != count:
        twice = next(
            number
            for number in numbers
            if sum(number.casefold() == other.casefold() for other in numbers) > 1
        )
        return f"it gave {twice!r} to two applicants. Every number is given once."
    taken = db.session.scalars(
        select(Student.student_id).where(Student.student_id.in_(numbers)).limit(1)
    ).first()
    return f"{taken!r} is another student's number. A number is never given again." if taken else ""


def reserve(count: int) -> list[str]:
    """Return ``count`` numbers that nobody was or will be given. Needs an open transaction; does not commit.

    The counter's row is locked until the transaction ends, so keep that short. Numbers that a student has
    already (imported, or made before ``spread`` was switched) are left out. What is not used leaves a gap.
    """
    if count < 1:
        return []
    settings = get_settings(AdmissionsSettings)
    numbers: list[str] = []
    while len(numbers) < count:
        wanted = count - len(numbers)
        first, seed = _advance(wanted)
        spread = seed if settings.student_number_spread else None
        drawn = [
            student_number(position, settings.student_number_letter, spread)
            for position in range(first, first + wanted)
        ]
        taken = set(db.session.scalars(select(Student.student_id).where(Student.student_id.in_(drawn))))
        numbers += [number for number in drawn if number not in taken]
    return numbers


def _advance(count: int) -> tuple[int, int]:
    """Raise the counter by ``count`` and return the first position of the block, and the seed."""
    for _ in range(2):
        found = db.session.execute(
            update(NumberCounter)
            .where(NumberCounter.name == COUNTER)
            .values(issued_count=NumberCounter.issued_count + count)
            .returning(NumberCounter.issued_count, NumberCounter.seed)
            .execution_options(synchronize_session=False)
        ).one_or_none()
        if found is not None:
            return found.issued_count - count, found.seed
        _make_counter()
    raise Conflict("number-counter-missing", "The counter of student numbers could not be made. Try again.")


def _make_counter() -> None:
    try:
        with savepoint():
            db.session.add(NumberCounter(name=COUNTER, issued_count=0))
    except IntegrityError:
        # Another worker has made it between our two looks; the next round uses it.
        return


def last_issued() -> str | None:
    """Return the student number issued last, or None before the first."""
    settings = get_settings(AdmissionsSettings)
    counter = db.session.execute(
        select(NumberCounter.issued_count, NumberCounter.seed).where(NumberCounter.name == COUNTER)
    ).one_or_none()
    if counter is None or not counter.issued_count:
        return None
    spread = counter.seed if settings.student_number_spread else None
    return student_number(counter.issued_count - 1, settings.student_number_letter, spread)
