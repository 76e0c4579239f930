"""``python -m benchmarks …``: what the portal costs, measured."""

import json
from typing import Any, Literal

import click

from benchmarks import enrollments as partner_rows
from benchmarks import lists as long_lists
from benchmarks import sheet as long_sheet
from benchmarks import students as main_job
from benchmarks import submissions as score_book
from portal.testing.sandboxes import ENGINES, EngineName


@click.group()
def benchmarks() -> None:
    """Measure the portal with real databases, a real queue server and real worker processes."""


@benchmarks.command()
@click.option("--count", type=click.IntRange(10, 1_000_000), default=2_000, show_default=True)
@click.option("--database", type=click.Choice(ENGINES), default="sqlite", show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option(
    "--render", type=click.Choice(["auto", "full"]), default="auto", help="full: no compiled slips."
)
@click.option("--runs", type=click.IntRange(1, 20), help="Default: 3, with more than 5,000 applicants 1.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def students(
    count: int,
    database: EngineName,
    workers: int,
    render: Literal["auto", "full"],
    runs: int | None,
    as_json: bool,
) -> None:
    """The main job: student records with slips, from admitted applicants."""
    default = 1 if count > 5_000 or render == "full" else 3
    figures: dict[str, Any] = main_job.measure(count, database, workers, render, runs or default)
    if as_json:
        click.echo(json.dumps(figures))


@benchmarks.command()
@click.option(
    "--scale", type=click.IntRange(1, 100), default=1, show_default=True, help="Times 20,000 in the top list."
)
@click.option("--database", type=click.Choice(ENGINES), default="sqlite", show_default=True)
@click.option("--summaries", type=click.IntRange(0, 10_000_000), default=1_000_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def submissions(scale: int, database: EngineName, summaries: int, as_json: bool) -> None:
    """Answers and scores: every call and stream on the old system's workload."""
    figures = score_book.measure(scale, database, summaries)
    if as_json:
        click.echo(json.dumps(figures))


@benchmarks.command()
@click.option("--rows", type=click.IntRange(1_000, 10_000_000), default=1_000_000, show_default=True)
@click.option("--database", type=click.Choice(ENGINES), default="sqlite", show_default=True)
@click.option("--explain", is_flag=True, help="Print how the database answers each page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def lists(rows: int, database: EngineName, explain: bool, as_json: bool) -> None:
    """Pages and searches of a long list: SQL time and statements of each."""
    figures = long_lists.measure(rows, database, explain=explain)
    if as_json:
        click.echo(json.dumps(figures))


@benchmarks.command()
@click.option("--rows", type=click.IntRange(1_000, 1_000_000), default=10_000, show_default=True)
@click.option("--database", type=click.Choice(ENGINES), default="sqlite", show_default=True)
@click.option("--runs", type=click.IntRange(1, 20), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def enrollments(rows: int, database: EngineName, runs: int, as_json: bool) -> None:
    """Enrollments in bulk, beside the limit that plain set-based SQL reaches in the same run."""
    figures = partner_rows.measure(rows, database, runs)
    if as_json:
        click.echo(json.dumps(figures))


@benchmarks.command()
@click.option("--rows", type=click.IntRange(1_000, 10_000_000), default=100_000, show_default=True)
@click.option("--database", type=click.Choice(ENGINES), default="sqlite", show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
def sheet(rows: int, database: EngineName, workers: int, as_json: bool) -> None:
    """A long sheet of learners through its job: time, statements and memory."""
    figures = long_sheet.measure(rows, database, workers)
    if as_json:
        click.echo(json.dumps(figures))


if __name__ == "__main__":
    benchmarks()
