"""The report as one page: a picture of each event, found, doubled or false, and of each object that was missed."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from smartcam.edge.files import replace_file
from tools.page import page
from tools.score.intervals import ScoreError
from tools.score.matching import Judged, MatchResult, MatchVerdict
from tools.score.measuring import ScorePlan
from tools.score.report import ClipScore, Score, as_table, described
from tools.score.stills import Instant, stills
from tools.score.targets import Target

PAGE: Final = "index.html"
MOST_PICTURES: Final = 2000
"""Beyond that, events are listed without a picture: no browser would show such a page."""
_MISSED: Final = "missed"
_WORDS: Final = {
    MatchVerdict.FALSE: "false",
    MatchVerdict.DUPLICATE: "twice",
    MatchVerdict.UNSURE: "unsure",
    MatchVerdict.FOUND: "found",
}
_STYLE: Final = """
pre { overflow-x: auto; background: #f4f4f4; padding: 1em }
li { width: 320px; border-top: 6px solid #999; padding-top: .3em; overflow-wrap: anywhere }
li.found { border-color: #2a8f4b } li.missed { border-color: #a02ac0 }
li.twice { border-color: #e0a100 } li.false { border-color: #c62828 }
img { background: #ddd }
"""
_TITLE: Final = "smartcam score"
_BEGINNING: Final = """\
<h1>smartcam score</h1>
<p><strong>These are pictures of real people: keep this page to yourself, and delete it when you are done.</strong></p>
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One picture of the page: what it is, in a word and in a line."""

    verdict: str
    line: str
    moment: Instant


def write_page(folder: Path, plan: ScorePlan, score: Score) -> Path:
    """Writes the page, which only its owner can read, and returns its path.

    Raises:
        ScoreError: it cannot be written.
    """
    file = folder / PAGE
    parts = [_BEGINNING, f"<pre>{escape(as_table(score))}</pre>\n"]
    left = MOST_PICTURES
    for video, clip in zip(plan.videos, score.clips, strict=True):
        cards = list(cards_of(clip.outcome))
        parts += _clip(clip, cards, stills(video, [card.moment for card in cards[:left]], plan.capture.turn))
        left = max(left - len(cards), 0)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(file, page(_TITLE, _STYLE, "".join(parts)))
    except OSError as error:
        raise ScoreError(f"report {file}: {error.strerror or error}") from error
    return file


def cards_of(outcome: MatchResult) -> Iterator[Card]:
    """What is to be seen of a clip: missed objects and events, in order of time."""
    cards = [_event(each, outcome) for each in outcome.judged] + [_missed(target) for target in outcome.missed]
    yield from sorted(cards, key=lambda card: card.moment.at_s)


def _event(judged: Judged, outcome: MatchResult) -> Card:
    moment = Instant(judged.event.start_s, judged.event.box)
    return Card(_WORDS[judged.verdict], described(judged, outcome), moment)


def _missed(target: Target) -> Card:
    span, sight = target.spans[0]
    middle = (sight.interval.first + sight.interval.last) / 2
    return Card(_MISSED, str(target), Instant((span.start_s + span.end_s) / 2, sight.box_at(middle)))


def _clip(clip: ClipScore, cards: list[Card], pictures: Mapping[Instant, bytes]) -> Iterator[str]:
    yield f"<h2>{escape(clip.video)}</h2>\n<ul>\n"
    for card in cards:
        yield f'<li class="{card.verdict}">'
        picture = pictures.get(card.moment)
        if picture is not None:
            coded = base64.b64encode(picture).decode()
            yield f'<img src="data:image/jpeg;base64,{coded}" alt="{escape(card.line)}">'
        yield f"<b>{card.verdict}</b> {escape(card.line)}</li>\n"
    yield "</ul>\n" if cards else "</ul>\n<p>Nothing was expected, and nothing was raised.</p>\n"
