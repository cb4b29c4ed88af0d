"""The page that draws the day: a curve for each column, the stretches one after the other; pure."""

from collections.abc import Sequence
from html import escape
from typing import Final

from measure.day.verdict import COLUMNS, DayFigure, Row

_WIDE, _HIGH = 900, 120
_HEAD: Final = """<!doctype html><meta charset="utf-8"><title>A day in the life</title>
<style>body{font:14px sans-serif;margin:2em}svg{background:#f4f4f4;display:block}polyline{fill:none;stroke:#06c}
line{stroke:#bbb}.bad{color:#c00}</style><h1>A day in the life</h1>"""


def page(stretches: Sequence[Sequence[Row]], found: Sequence[DayFigure]) -> str:
    """As HTML, which needs nothing else."""
    verdicts = "".join(_line(one) for one in found)
    drawn = [column for column in COLUMNS if column != "minute" and not column.endswith("_pid")]
    return _HEAD + "".join(_curve(stretches, column) for column in drawn) + f"<ul>{verdicts}</ul>\n"


def _line(one: DayFigure) -> str:
    return f"<li{'' if one.is_good else ' class=bad'}>{escape(one.what)}: {one.value:g}, at most {one.most:g}"


def _curve(stretches: Sequence[Sequence[Row]], column: str) -> str:
    values = [row[column] for rows in stretches for row in rows if column in row]
    most = max(values, default=0) or 1
    minutes = sum(len(rows) for rows in stretches)
    lines, at = [], 0
    for rows in stretches:
        points = [(at + place, row[column]) for place, row in enumerate(rows) if column in row]
        drawn = " ".join(f"{x * _WIDE / minutes:.1f},{_HIGH * (1 - 0.9 * y / most):.1f}" for x, y in points)
        begins = at * _WIDE / minutes
        lines.append(f'<line x1="{begins:.1f}" x2="{begins:.1f}" y1="0" y2="{_HIGH}"/><polyline points="{drawn}"/>')
        at += len(rows)
    title = f"{column}: {min(values, default=0):g} to {max(values, default=0):g}"
    return f'<h3>{escape(title)}</h3><svg width="{_WIDE}" height="{_HIGH}">{"".join(lines)}</svg>'
