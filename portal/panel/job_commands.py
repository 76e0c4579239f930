"""``portal jobs submit``: any kind of job from the command line, with or without a sheet."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_origin

import click

from portal.jobs.console import drive, job_options
from portal.jobs.intake import draft_sheet
from portal.jobs.kinds import AnyKind, SheetJob, kind_named
from portal.jobs.sheets.dates import DateOrder
from portal.jobs.sheets.reading import Decisions
from portal.jobs.submitting import draft
from portal.jobs.uploads import Upload, store_upload
from portal.kernel.actor import current_actor

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("submit")
@click.argument("kind", metavar="KIND")
@click.argument("sheet", metavar="[FILE]", required=False, type=_FILE)
@click.option(
    "--map",
    "mapped",
    multiple=True,
    metavar="COLUMN=FIELD",
    help="What a column means; FIELD may be 'ignore'.",
)
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; again for a list.")
@click.option("--file", "files", multiple=True, metavar="ROLE=PATH", help="A further file of the kind.")
@click.option(
    "--dates", multiple=True, metavar="FIELD=ORDER", help="How a date field is written: dmy, mdy or iso."
)
@click.option(
    "--confirm-ids",
    "confirmed",
    multiple=True,
    metavar="FIELD",
    help="Its ids are right although they look mangled.",
)
@job_options
def submit_job(
    kind: str,
    sheet: Path | None,
    mapped: Sequence[str],
    params: Sequence[str],
    files: Sequence[str],
    dates: Sequence[str],
    confirmed: Sequence[str],
    **switches: bool,
) -> None:
    """Plan a job of KIND, show the plan, ask, and do it.

    FILE is the sheet (CSV or XLSX) of kinds that take one. Exit status 1 when nothing could be done.
    """
    found = kind_named(kind)
    given = _params(found, params)
    uploads = {role: _uploaded(_checked_path(path)) for role, path in _pairs(files, "--file").items()}
    if isinstance(found, SheetJob):
        if sheet is None:
            raise click.UsageError(f"{found.title} needs a sheet: give FILE.")
        request = draft_sheet(
            kind,
            given,
            current_actor(),
            _uploaded(sheet),
            mapping=_pairs(mapped, "--map"),
            files=uploads,
            decisions=Decisions(dates=_orders(dates), confirmed=confirmed),
        )
    elif sheet is not None or mapped or dates or confirmed:
        raise click.UsageError(f"{found.title} takes no sheet.")
    else:
        request = draft(kind, given, current_actor(), files=uploads)
    drive(request, **switches)


def _pairs(words: Sequence[str], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        name, sign, value = word.rpartition("=") if option == "--map" else word.partition("=")
        if not sign or not name.strip():
            raise click.UsageError(f"{option} {word!r} is not written NAME=VALUE.")
        pairs[name.strip()] = value.strip()
    return pairs


def _params(kind: AnyKind, words: Sequence[str]) -> Mapping[str, Any]:
    """Return the parameters as text, lists where the kind wants lists; its model converts and judges them."""
    values: dict[str, Any] = {}
    for word in words:
        ((name, value),) = _pairs([word], "--param").items()
        field = kind.Params.model_fields.get(name)
        if field is None:
            known = ", ".join(kind.Params.model_fields) or "none"
            raise click.UsageError(f"{kind.title} has no parameter {name!r}. Known: {known}.")
        if get_origin(field.annotation) in (list, tuple, set, frozenset):
            values.setdefault(name, []).append(value)
        else:
            values[name] = value
    return values


def _orders(words: Sequence[str]) -> dict[str, DateOrder]:
    known = {order.value: order for order in DateOrder}
    orders = {}
    for name, word in _pairs(words, "--dates").items():
        if word not in known:
            raise click.UsageError(f"--dates {name}={word}: the order is one of {', '.join(known)}.")
        orders[name] = known[word]
    return orders


def _checked_path(word: str) -> Path:
    path = Path(word)
    if not path.is_file():
        raise click.UsageError(f"There is no file {word}.")
    return path


def _uploaded(path: Path) -> Upload:
    with path.open("rb") as stream:
        return store_upload(stream, path.name)
