"""What a training leaves for people: a page that loads nothing, and a model card."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from smartcam.edge.files import replace_file
from tools.page import page
from training.classifier.judging import FilmVerdict, begin_of
from training.classifier.learning import Learned, Lesson, in_words
from training.evaluate import scores_of
from training.footage.cutting import FootageUse
from training.footage.gathering import Gathered

PAGE: Final = "report.html"
CARD: Final = "card.md"
_WORST: Final = 8
_SIDE: Final = 220
_STYLE: Final = """
table { border-collapse: collapse } td, th { padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
figure { display: inline-block; margin: 0 1.5em 1em 0 } svg { border: 1px solid #999 }
li { width: 240px; overflow-wrap: anywhere }
"""
Points = Sequence[tuple[float, float]]


def write_report(
    folder: Path, learned: Learned, lesson: Lesson, gathered: Gathered, skipped: Sequence[tuple[str, str]]
) -> Path:
    """Writes page and card, which only their owner can read; returns the page's path. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    body = "".join(_page(learned, lesson, gathered, [*skipped, *gathered.unusable]))
    replace_file(folder / PAGE, page("smartcam train", _STYLE, body))
    replace_file(folder / CARD, "\n".join(_card(learned, lesson, gathered)).encode())
    return folder / PAGE


def _page(learned: Learned, lesson: Lesson, gathered: Gathered, skipped: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"<h1>{escape(lesson.target)}: {escape(str(lesson.network))} network</h1>\n"
    yield "<p><strong>There may be pictures of real people here: keep this page to yourself.</strong></p>\n"
    yield f"<p>{escape(lesson.command)}</p>\n<p>On held-out time: {escape(in_words(learned.test))}.</p>\n"
    yield f"<p>{_thresholds(learned, lesson)}</p>\n"
    watched = learned.watched[FootageUse.TEST]
    yield _figure("ROC: targets found against others taken for one", [roc(watched.scores, watched.looks.shows)])
    passes = max(len(learned.curve.training), 1)
    top = max((*learned.curve.training, *learned.curve.validation, 1e-9))
    curves = [
        [((place + 0.5) / passes, loss / top) for place, loss in enumerate(losses)]
        for losses in (learned.curve.training, learned.curve.validation)
    ]
    yield _figure(f"Loss by pass, up to {top:.2f}: training (black), held out (red)", curves)
    yield _figure(
        "Calibration: share of targets by score", [[(mean, share) for mean, share, _ in learned.test.calibration]]
    )
    yield "<h2>Footage</h2>\n"
    head = ("", "hours", "at night", "target in sight", "visits", "pictures", "the same")
    rows = [
        (
            str(use), f"{share.seconds / 3600:.3f}", f"{share.night_s / 3600:.3f}", f"{share.shown_s / 3600:.3f}",
            share.visits, share.pictures, share.same,
        )
        for use, share in gathered.shares.items()
    ]  # fmt: skip
    yield _table(head, rows)
    yield "<h2>Pictures of the test</h2>\n"
    yield _table(("", "right without", "wrong without", "right with", "wrong with"), _counts(learned.test))
    if not any(begin_of(name) for name in gathered.films):
        yield "<p>Nothing by hour: no name says when its film begins, as gate-2026-11-30T14-05-00.mp4 does.</p>\n"
    yield "<h2>Worst mistakes</h2>\n"
    yield from _worst(learned, gathered)
    if skipped:
        yield "<h2>Left out</h2>\n"
        yield _table(("file", "why"), skipped)


def _card(learned: Learned, lesson: Lesson, gathered: Gathered) -> Iterator[str]:
    share = gathered.shares[FootageUse.TRAIN]
    yield f"# {lesson.target}\n"
    yield (
        f"- **What it is**: a {lesson.network} classifier of whole pictures, int8, {len(learned.exported):,} bytes; it"
        f" raises `{lesson.event}` when {lesson.target!r} is in sight."
    )
    yield (
        f"- **Made by**: `{lesson.command}`, seed {lesson.fitting.seed}, best pass {learned.curve.best + 1} of "
        f"{len(learned.curve.training)}."
    )
    yield (
        f"- **Learned from**: {lesson.source}; {share.seconds / 3600:.2f} h, {share.visits} visits, "
        f"{share.night_s / 3600:.2f} h of it at night."
    )
    yield f"- **Held-out time that chose the thresholds**: {in_words(learned.validation)}."
    yield f"- **Held-out time that was looked at last**: {in_words(learned.test)}."
    yield f"- **Thresholds**: {_thresholds(learned, lesson)}"
    yield f"- **Parity**: the file differs from the network by at most {learned.parity:.3f} in a probability."
    yield (
        "- **What it is not for**: another camera, or another place. It has seen these films only; nobody has looked"
        " whether it treats people alike.\n"
    )


def _thresholds(learned: Learned, lesson: Lesson) -> str:
    keeps = "keep" if learned.keeps_budget else "do not keep"
    proven = learned.validation.alarms.most_false_per_day
    return (
        f"Raised at {learned.thresholds.raise_at}, over at {learned.thresholds.clear_at}. "
        f"On the held-out time they {keeps} the budget of {lesson.budget_per_day:g} false alarms a day; so little time "
        f"proves no more than at most {proven:,.0f} a day."
    )


def roc(scores: NDArray[np.float32], shows: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Shares of others and of targets above each threshold, from (0, 0) to (1, 1)."""
    order = np.argsort(-scores, kind="stable")
    hits, misses = np.cumsum(shows[order]), np.cumsum(~shows[order])
    # Pictures of one score pass the threshold together.
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, scores.size > 0)).tolist()
    points = [
        (float(misses[place] / max(int((~shows).sum()), 1)), float(hits[place] / max(int(shows.sum()), 1)))
        for place in last
    ]
    return [(0.0, 0.0), *points]


def _counts(verdict: FilmVerdict) -> Iterator[tuple[object, ...]]:
    for each in verdict.confusions:
        yield each.name, each.right_without, each.wrong_without, each.right_with, each.wrong_with


def _worst(learned: Learned, gathered: Gathered) -> Iterator[str]:
    """The test's pictures on which the model is most wrong, the worst first."""
    test = gathered.examples[FootageUse.TEST]
    scores = scores_of(learned.exported, test.rgb)
    wrong = np.where(test.shows, 1 - scores, scores)
    yield "<ul>\n"
    for place in np.argsort(-wrong, kind="stable")[:_WORST].tolist():
        film = gathered.films[int(test.looks.film[place])]
        what = "shows it" if test.shows[place] else "does not show it"
        line = f"{film} at {test.looks.at_s[place]:.1f} s {what}; score {scores[place]:.2f}"
        bgr = cv2.cvtColor(test.rgb[place], cv2.COLOR_RGB2BGR)
        coded = base64.b64encode(cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, 85))[1].tobytes()).decode()
        yield f'<li><img src="data:image/jpeg;base64,{coded}" alt="{escape(line)}">{escape(line)}</li>\n'
    yield "</ul>\n"


def _figure(title: str, lines: Iterable[Points]) -> str:
    drawn = ""
    for colour, points in zip(("#222", "#c62828"), lines, strict=False):
        at = " ".join(f"{x * _SIDE:.1f},{(1 - y) * _SIDE:.1f}" for x, y in points)
        drawn += f'<polyline points="{at}" fill="none" stroke="{colour}" stroke-width="2"/>'
    return (
        f'<figure><svg width="{_SIDE}" height="{_SIDE}" viewBox="0 0 {_SIDE} {_SIDE}">{drawn}</svg>'
        f"<figcaption>{escape(title)}</figcaption></figure>\n"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<table>\n<tr>{cells}</tr>\n{body}</table>\n"
