"""Writes the demo university's applicants as a sheet (CSV) and their photos (ZIP), streamed."""

import csv
import random
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from plugins.admissions.demo.chance import chance_of
from plugins.admissions.demo.people import Person, people
from plugins.admissions.demo.portraits import portrait
from plugins.admissions.demo.university import CONTAINERS, DISCONTINUED, SESSION, DemoContainer, codes_of

COLUMNS = (
    "container_code", "application_number", "reg_number", "firstname", "middlename", "lastname", "sex",
    "date_of_birth", "email", "phone", "course1", "course2", "course_admitted", "state", "application_date",
    "photo", "history",
)  # fmt: skip
#: One record in so many is bad on purpose.
FLAW_EVERY = 50
_ZIP_DAY = (SESSION, 3, 1, 12, 0, 0)
_CUT_OFF_BYTES = 4_000


@dataclass(kw_only=True)
class Record:
    """One line of the sheet on its way, with the photo that goes into the ZIP under ``cells['photo']``."""

    cells: dict[str, str]
    photo: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class DemoFiles:
    """What was written: the sheet, the photos, and how many records are bad by kind of flaw."""

    sheet: Path
    photos: Path
    records: int
    flaws: dict[str, int] = field(default_factory=dict)


Flaw = Callable[[Record, Record | None], None]
PhotoOf = Callable[[int, int], bytes]


def _cut_off_photo(record: Record, earlier: Record | None) -> None:
    record.photo = (record.photo or b"")[:_CUT_OFF_BYTES]


def _no_birth_date(record: Record, earlier: Record | None) -> None:
    record.cells["date_of_birth"] = ""


def _no_course(record: Record, earlier: Record | None) -> None:
    record.cells |= {"course_admitted": "", "state": "admitted"}


def _same_number(record: Record, earlier: Record | None) -> None:
    if earlier is not None:
        record.cells["reg_number"] = earlier.cells["reg_number"]


def _discontinued_course(record: Record, earlier: Record | None) -> None:
    record.cells["course_admitted"] = DISCONTINUED


def _unknown_course(record: Record, earlier: Record | None) -> None:
    record.cells["course_admitted"] = "BSC-ALCHEMY"


def _wrong_date(record: Record, earlier: Record | None) -> None:
    year, month, day = record.cells["date_of_birth"].split("-")
    record.cells["date_of_birth"] = f"{day}/{month}/{year[2:]}"


def _unprintable_name(record: Record, earlier: Record | None) -> None:
    # Egyptian hieroglyphs: no font that the slip prints with has them.
    record.cells["middlename"] = "\U00013000\U00013001"


#: In turn; in a small university the first ones occur.
FLAWS: dict[str, Flaw] = {
    "cut-off photo": _cut_off_photo,
    "certificate discontinued meanwhile": _discontinued_course,
    "no date of birth": _no_birth_date,
    "name that no font can print": _unprintable_name,
    "no admitted course": _no_course,
    "registration number of somebody else": _same_number,
    "unknown certificate": _unknown_course,
    "date in the wrong form": _wrong_date,
}
#: The flaws that the last container shows: they pass the import and are refused by the creation.
_LAST_FLAWS = ("no date of birth", "no admitted course")


def write_university_files(
    folder: Path, size: int, seed: int, *, state: str = "submitted", flawed: bool = True
) -> DemoFiles:
    """Write ``applicants.csv`` and ``photos.zip`` and return them. Streamed: memory stays small for any size.

    The same arguments give the same bytes.

    Args:
        folder: Exists; files of these names are written anew.
        size: Number of records.
        seed: Of every random choice.
        state: State of the records: ``submitted`` goes on through the workflow, ``admitted`` skips it.
        flawed: Whether one record in fifty is bad on purpose and one in thirty is in another state.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = DemoFiles(sheet=folder / "applicants.csv", photos=folder / "photos.zip", records=size)
    with (
        written.sheet.open("w", encoding="utf-8", newline="") as sheet,
        zipfile.ZipFile(written.photos, "w", zipfile.ZIP_STORED) as archive,
    ):
        writer = csv.DictWriter(sheet, COLUMNS)
        writer.writeheader()
        for record in records(size, seed, state=state, flawed=flawed, flaws=written.flaws):
            writer.writerow(record.cells)
            if record.photo is not None:
                archive.writestr(zipfile.ZipInfo(record.cells["photo"], _ZIP_DAY), record.photo)
    return written


def records(
    size: int,
    seed: int,
    *,
    state: str,
    flawed: bool,
    flaws: dict[str, int] | None = None,
    photo_of: PhotoOf = portrait,
) -> Iterator[Record]:
    """Give the records, streamed, container after container.

    Args:
        flaws: Gets the number of bad records by kind of flaw.
        photo_of: Seed and number of a person → the photo as JPEG.
    """
    counted = flaws if flaws is not None else {}
    containers = _containers_in_order(size)
    left_for_newcomer = CONTAINERS[-1]
    earlier: Record | None = None
    for person, container in zip(people(size, seed), containers, strict=True):
        chance = chance_of("application", seed, person.number)
        is_last = container is left_for_newcomer
        record = _record(person, container, chance, state)
        if record.cells["photo"]:
            record.photo = photo_of(seed, person.number)
        flaw = _flaw_of(person.number, is_last) if flawed else None
        if flaw is not None:
            FLAWS[flaw](record, earlier)
            counted[flaw] = counted.get(flaw, 0) + 1
        elif flawed and not is_last and chance.random() < 1 / 30:
            record.cells["state"] = chance.choice(("started", "paid", "not admitted", "processed"))
        earlier = record
        yield record


def _containers_in_order(size: int) -> Iterator[DemoContainer]:
    last = CONTAINERS[-1]
    left = min(last.most, round(size * last.share))
    second = round((size - left) * CONTAINERS[1].share)
    counts = (size - left - second, second, left)
    for container, count in zip(CONTAINERS, counts, strict=True):
        for _ in range(count):
            yield container


def _flaw_of(number: int, is_last: bool) -> str | None:
    if is_last:
        return _LAST_FLAWS[number % 2] if number % 17 == 5 else None
    place, rest = divmod(number, FLAW_EVERY)
    return list(FLAWS)[place % len(FLAWS)] if rest == FLAW_EVERY // 2 else None


def _record(person: Person, container: DemoContainer, chance: random.Random, state: str) -> Record:
    offered = codes_of(container.category)
    first, second = chance.sample(offered, 2)
    submitted_at, history = _history(person, chance)
    has_photo = chance.random() >= 0.02
    cells = {
        "container_code": container.code,
        "application_number": str(100_000 + person.number % 900_000),
        "reg_number": f"R{SESSION % 100}{person.number + 1:07d}",
        "date_of_birth": person.date_of_birth.isoformat(),
        "course1": first,
        "course2": second,
        "course_admitted": first if chance.random() < 0.8 else second,
        "state": state,
        "application_date": f"{submitted_at:%Y-%m-%d %H:%M:%S}",
        "photo": f"{container.code}_{person.number + 1:06d}.jpg" if has_photo else "",
        "history": history,
    }
    for name in ("firstname", "middlename", "lastname", "sex", "email", "phone"):
        cells[name] = getattr(person, name)
    return Record(cells=cells)


_MIDDLE_LINES = (
    ("Passport picture uploaded", "applicant"),
    ("E-mail address confirmed", "applicant"),
    ("Payment approved", "Bursary"),
    ("Form saved", "applicant"),
    ("School certificate seen", "Admissions Office"),
    ("Second choice changed", "applicant"),
)


def _history(person: Person, chance: random.Random) -> tuple[datetime, str]:
    """Return the instant of submission (UTC) and 3 to 9 lines of history."""
    at = datetime(SESSION, 2, 1, 8, tzinfo=UTC) + timedelta(minutes=chance.randrange(100 * 24 * 60))
    middle = [
        _MIDDLE_LINES[place]
        for place in sorted(chance.sample(range(len(_MIDDLE_LINES)), chance.randrange(7)))
    ]
    lines = [("Application initialized", "system"), ("Application started", "applicant"), *middle]
    written = []
    for text, by in [*lines, ("Application submitted", "applicant")]:
        written.append(f"{at:%Y-%m-%d %H:%M:%S} UTC - {text} by {by}")
        submitted_at = at
        at += timedelta(minutes=chance.randrange(3, 4000))
    return submitted_at, "\n".join(written)
