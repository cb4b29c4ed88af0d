"""The report as one page: scores over time, what each threshold costs, and the most unusual pictures."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from infra.alerts.runtime.words.english import ENGLISH
from smartcam.contract.event import EventKind
from smartcam.edge.files import replace_file
from smartcam.vision.normal.calibration import BudgetPoint, budget_curve
from tools.normal.playing import OddPicture, PlayedClip
from tools.normal.report import SceneReport, lines
from tools.page import page

PAGE: Final = "index.html"
_WIDTH: Final = 900
_HEIGHT: Final = 160
_STEPS: Final = 400
_MOST_CLIPS: Final = 200
"""Beyond that, tested clips have no picture of their scores: no browser would show such a page."""
_STYLE: Final = """
pre { overflow-x: auto; background: #f4f4f4; padding: 1em }
svg { border: 1px solid #999; max-width: 100%; display: block } figure { margin: 0 0 1em 0 }
li { width: 320px; overflow-wrap: anywhere } img { background: #ddd }
"""
Points = Sequence[tuple[float, float]]


def write_scene_page(folder: Path, report: SceneReport) -> Path:
    """Writes the page, which only its owner can read, and returns its path. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(folder / PAGE, page("smartcam normal", _STYLE, "".join(_parts(report))))
    return folder / PAGE


def _parts(report: SceneReport) -> Iterator[str]:
    yield "<h1>smartcam normal</h1>\n"
    yield "<p><strong>There may be pictures of real people here: keep this page to yourself.</strong></p>\n"
    yield f"<pre>{escape(chr(10).join(lines(report)))}</pre>\n"
    threshold = report.threshold
    if report.verdict is not None:
        yield "<h2>Scores of what was tested</h2>\n"
        yield "<p>Grey: labelled as odd. Red line: the threshold. Red marks: alerts.</p>\n"
        for each in report.verdict.clips[:_MOST_CLIPS]:
            yield scores_drawn([each.clip], threshold, each.odd)
    yield "<h2>Scores while learning</h2>\n"
    yield scores_drawn(report.learned, threshold)
    yield "<h2>Budget</h2>\n"
    yield budget_drawn(budget_curve(report.scene.minutes, _STEPS), threshold, report.scene.budget)
    yield "<h2>Most unusual</h2>\n"
    if not report.pictures:
        yield "<p>No picture of this footage has a score above 0.</p>\n"
        return
    yield "<ul>\n"
    yield from (_shown(each) for each in report.pictures)
    yield "</ul>\n"


def scores_drawn(clips: Sequence[PlayedClip], threshold: float | None, odd: Sequence[tuple[float, float]] = ()) -> str:
    """The highest score of each piece of time, with the odd times of the first clip, and the alerts of all."""
    scores: list[tuple[float, float]] = []
    alerts: list[float] = []
    begins_s = 0.0
    for clip in clips:
        scores += [(begins_s + look.at_s, look.score) for look in clip.looks]
        alerts += [begins_s + alert.at_s for alert in clip.alerts]
        begins_s += clip.seconds
    length = max(begins_s, 1e-9)
    top = 1.1 * max((threshold or 0.0, *(score for _, score in scores), 1e-9))
    highest: dict[int, float] = {}
    for at_s, score in scores:
        column = min(int(at_s / length * _WIDTH), _WIDTH - 1)
        highest[column] = max(score, highest.get(column, 0.0))
    drawn = "".join(
        f'<rect x="{first / length * _WIDTH:.1f}" y="0" width="{max((last - first) / length * _WIDTH, 1):.1f}" '
        f'height="{_HEIGHT}" fill="#ddd"/>'
        for first, last in odd
    )
    drawn += _line([(column, score / top) for column, score in sorted(highest.items())], "#222")
    drawn += "" if threshold is None else _line([(0, threshold / top), (_WIDTH, threshold / top)], "#c62828")
    drawn += "".join(
        f'<rect x="{at_s / length * _WIDTH - 1:.1f}" y="0" width="3" height="12" fill="#c62828"/>' for at_s in alerts
    )
    name = clips[0].name if len(clips) == 1 else f"{len(clips)} clips"
    return _figure(drawn, f"{name}: {length:.0f} s, scores up to {top:.2f}")


def budget_drawn(curve: Sequence[BudgetPoint], threshold: float | None, budget: float) -> str:
    """Alerts a day by threshold, with the band of the 90 % Poisson bounds."""
    if not curve:
        return "<p>Nothing could be judged by so little footage.</p>\n"
    right = 1.1 * max(threshold or 0.0, curve[-1].threshold, 1e-9)
    # Low thresholds have hundreds a day, which nobody wants to see.
    top = 4 * max(budget, curve[-1].most)

    def places(rates: Iterable[float]) -> Points:
        return [
            (each.threshold / right * _WIDTH, min(rate / top, 1.0)) for each, rate in zip(curve, rates, strict=True)
        ]

    band = [*places(each.most for each in curve), *reversed(places(each.least for each in curve))]
    drawn = f'<polygon points="{_at(band)}" fill="#cfe0f5"/>' + _line(places(each.a_day for each in curve), "#222")
    drawn += _line([(0, budget / top), (_WIDTH, budget / top)], "#2a8f4b")
    if threshold is not None:
        drawn += _line([(threshold / right * _WIDTH, 0), (threshold / right * _WIDTH, 1)], "#c62828")
    return _figure(
        drawn,
        f"Alerts a day (up to {top:.1f}) by threshold (up to {right:.2f}), with the 90 % Poisson band; green: the "
        f"budget of {budget:g} a day; red: the threshold",
    )


def _shown(each: OddPicture) -> str:
    why = ENGLISH.causes.get((EventKind.ANOMALY, each.reason), "")
    line = f"{each.clip} at {each.at_s:.1f} s: score {each.score:.2f}{'. ' if why else ''}{why}"
    coded = base64.b64encode(each.jpeg).decode()
    return f'<li><img src="data:image/jpeg;base64,{coded}" alt="{escape(line)}">{escape(line)}</li>\n'


def _at(points: Points) -> str:
    return " ".join(f"{x:.1f},{(1 - y) * _HEIGHT:.1f}" for x, y in points)


def _line(points: Points, colour: str) -> str:
    return f'<polyline points="{_at(points)}" fill="none" stroke="{colour}"/>'


def _figure(drawn: str, title: str) -> str:
    view = f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">{drawn}</svg>'
    return f"<figure>{view}<figcaption>{escape(title)}</figcaption></figure>\n"
