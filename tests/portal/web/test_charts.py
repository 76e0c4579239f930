"""Charts on pages: the table that is drawn, the script where it is needed, colours that stand out, files that ship."""

import re
from pathlib import Path

import pytest
from flask import Flask
from setuptools import Distribution

from portal.hooks.cards import Chart, Series
from portal.testing.clients import PortalClient
from portal.web import charts
from portal.web.pages import STATIC

ROOT = Path(__file__).resolve().parents[3]
#: What WCAG 2.2 asks of graphics and large figures, and of text (1.4.11, 1.4.3).
GRAPHICS, TEXT = 3.0, 4.5


def drawn(chart: Chart, title: str = "Books") -> str:
    return " ".join(str(charts.chart(chart, title)).split())


def test_a_chart_is_a_table_with_raw_values(app: Flask) -> None:
    with app.test_request_context():
        shown = drawn(
            Chart(
                kind="bar",
                labels=["<i>A</i>", "B"],
                series=[Series(name="Lent", values=[1.25, None], tone="run")],
                unit="books",
                label_title="Shelf",
            )
        )
        assert charts.has_charts()
    assert '<th scope="col" class="number" data-tone="run">Lent</th>' in shown
    assert '<th scope="row">&lt;i&gt;A&lt;/i&gt;</th><td class="number" data-value="1.25">1.2</td>' in shown
    assert '<th scope="row">B</th><td class="number">–</td>' in shown
    assert '<canvas role="img" aria-label="Bar chart: Books.' in shown
    assert 'aria-controls="chart-books"' in shown
    assert "style=" not in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1234567, "1\u202f234\u202f567"), (2.0, "2"), (-0.5, "-0.5"), (None, "–"), ("8 %", "8 %")],
)
def test_numbers_are_shown_for_people(value: float | str | None, shown: str) -> None:
    assert charts.number(value) == shown


def test_pages_without_charts_load_no_script_for_them(reader: PortalClient) -> None:
    assert "cards.js" not in reader.get("/panel/library/books/").get_data(as_text=True)


def test_the_charting_library_comes_from_here_with_its_licence(
    reader: PortalClient, client: PortalClient
) -> None:
    folder = "/static/portal/vendor/chartjs"
    assert "Chart.js v4.6.1" in client.get(f"{folder}/chart.umd.min.js").get_data(as_text=True)[:200]
    assert "MIT" in client.get(f"{folder}/LICENSE.txt").get_data(as_text=True)


def test_every_static_file_is_in_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    distribution = Distribution({"script_name": "setup.py"})
    distribution.parse_config_files(["pyproject.toml"])
    # What the project's own patterns name; sources under version control are another matter.
    distribution.include_package_data = False
    build = distribution.get_command_obj("build_py")
    build.ensure_finalized()
    packed = {Path(source) / name for _, source, _, names in build.data_files for name in names}
    static = {path.relative_to(ROOT) for path in STATIC.rglob("*") if path.is_file()}
    assert static - packed == set()


def colours(theme: str) -> dict[str, str]:
    """Return the colours that a theme's style sheets set, by name."""
    found: dict[str, str] = {}
    for sheet in ("portal.css", "cards.css"):
        text = (STATIC / sheet).read_text(encoding="utf-8")
        blocks = re.findall(r"^:root(\[data-theme=\"dark\"\])? \{(.*?)^\}", text, re.MULTILINE | re.DOTALL)
        for dark, body in blocks:
            if not dark or theme == "dark":
                found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", body))
    return found


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_of_charts_and_figures_stand_out(theme: str) -> None:
    known = colours(theme)
    surface = known["surface"]
    graphics = {name: contrast(value, surface) for name, value in known.items() if name.startswith("chart-")}
    words = ("text", "muted", "good", "bad", "wait", "run", "calm", "accent")
    text = {name: contrast(known[name], surface) for name in words}

    assert len(graphics) == 13
    assert {name: ratio for name, ratio in graphics.items() if ratio < GRAPHICS} == {}
    assert {name: ratio for name, ratio in text.items() if ratio < TEXT} == {}
