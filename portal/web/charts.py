"""Charts on pages: a table that everybody can read, which the browser draws a picture of."""

import re
from typing import Literal

from flask import g, render_template
from markupsafe import Markup

from portal.hooks.cards import Chart
from portal.web.formatting import count

Size = Literal["small", "medium", "large"]

_KIND_TITLES = {
    "bar": "Bar chart",
    "stacked-bar": "Stacked bar chart",
    "line": "Line chart",
    "doughnut": "Doughnut chart",
    "horizontal-bar": "Bar chart",
}
_FLAG = "portal_has_charts"
THIN_SPACE = "\u202f"


def chart(drawn: Chart, title: str, *, key: str = "", size: Size = "medium") -> Markup:
    """Return a chart with the table behind it; the page then loads the script that draws it.

    Without a script, and when the drawing fails, the table stands in its place.

    Args:
        drawn: What to show.
        title: What the chart is about, for the table's caption and for those who cannot see the picture.
        key: Tells apart the charts of a page that have the same title.
        size: Height of the picture; lying bars take what they need.
    """
    setattr(g, _FLAG, True)
    name = re.sub(r"[^a-z0-9]+", "-", (key or title).lower()).strip("-")
    return Markup(  # noqa: S704 - a template that escapes made it
        render_template(
            "portal/chart.html",
            chart=drawn,
            title=title,
            kind_title=_KIND_TITLES[drawn.kind],
            name=f"chart-{name}",
            size=size,
            number=number,
        )
    )


def has_charts() -> bool:
    """Say whether the page being made holds a chart, or a place for one."""
    return bool(g.get(_FLAG))


def expect_charts() -> str:
    """Let the page load the script of charts, because cards come later; returns nothing to show."""
    setattr(g, _FLAG, True)
    return ""


def number(value: float | str | None) -> str:
    """Return a figure as it is shown: whole numbers with thousands apart, others with one decimal."""
    if isinstance(value, str):
        return value
    if value is None or float(value).is_integer():
        return count(None if value is None else int(value))
    return f"{value:,.1f}".replace(",", THIN_SPACE)
