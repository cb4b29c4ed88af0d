"""Captions: which events were on when, and a file that players read as it was meant."""

import html
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.capture.recording.captions import Cue, EventTimes, caption_of, webvtt
from smartcam.contract.clip import ClipRequest
from smartcam.contract.event import Event, Phase
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from tests.clip_events import event_of

_TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMES = re.compile(f"{_TIME} --> {_TIME}")
MS = 1_000_000


def parsed(content: bytes) -> list[Cue]:
    """The cues as a player takes them (W3C WebVTT, 6.1): lines end in LF, CR or both, an empty one ends a cue."""
    lines = re.split("\r\n|\n|\r", content.decode().replace("\0", "\ufffd"))
    assert lines[:2] == ["WEBVTT", ""]
    assert lines[-1] == ""
    cues, at = [], 2
    while at < len(lines) and lines[at]:
        found = _TIMES.fullmatch(lines[at])
        assert found is not None, lines[at]
        one = [int(each) for each in found.groups()]
        begin, end = (((h * 60 + m) * 60 + s) * 1000 + ms for h, m, s, ms in (one[:4], one[4:]))
        text = []
        at += 1
        while lines[at]:
            assert "-->" not in lines[at]
            assert "<" not in lines[at]
            text.append(html.unescape(lines[at]))
            at += 1
        at += 1
        cues.append(Cue(begin * MS, end * MS, "\n".join(text)))
    assert lines[at:] in ([], [""])
    return cues


def ask(event: Event, from_s: float, to_s: float) -> ClipRequest:
    return ClipRequest(event, *(MonotonicNs(round(each * NS_PER_S)) for each in (from_s, to_s)))


def mono(second: float) -> MonotonicNs:
    return MonotonicNs(round(second * NS_PER_S))


def shown(times: EventTimes, began_s: float = 95, length_s: float = 60) -> list[tuple[float, float, str]]:
    cues = parsed(webvtt(times.cues(mono(began_s), round(length_s * NS_PER_S))))
    return [(cue.begin_ns / NS_PER_S, cue.end_ns / NS_PER_S, cue.text) for cue in cues]


PERSON = replace(event_of(1), rule="door")


def test_an_event_is_captioned_from_its_beginning_to_its_end_with_what_is_known_of_it() -> None:
    times = EventTimes()
    times.hear(ask(PERSON, 100, 160), mono(100))
    assert shown(times) == [(5, 60, "person 0.80, rule door")]
    over = replace(PERSON, phase=Phase.CLEARED, ended_at=UtcNs(PERSON.started_at + NS_PER_S), score=0.95)
    times.hear(ask(over, 100, 112.5), mono(112.7))
    assert shown(times) == [(5, 17.5, "person 0.80, rule door")]


def test_what_a_renewed_request_says_otherwise_holds_from_then_on() -> None:
    times = EventTimes()
    times.hear(ask(replace(event_of(1), label="motion", score=0.5), 100, 160), mono(100))
    times.hear(ask(PERSON, 100, 161), mono(101.25))
    times.hear(ask(PERSON, 100, 170), mono(121))
    assert shown(times) == [(5, 6.25, "motion 0.50"), (6.25, 60, "person 0.80, rule door")]


def test_other_events_of_the_camera_that_overlap_are_in_it_too_and_what_is_outside_the_clip_is_not() -> None:
    times = EventTimes()
    for number, (from_s, to_s) in enumerate(((10, 20), (80, 97), (100, 110), (105, 300), (200, 210))):
        times.hear(ask(replace(event_of(number), label=f"n{number}"), from_s, to_s), mono(from_s))
    assert shown(times) == [(0, 2, "n1 0.80"), (5, 15, "n2 0.80"), (10, 60, "n3 0.80")]


def test_what_is_over_at_once_is_shown_for_a_second() -> None:
    times = EventTimes()
    times.hear(ask(event_of(1), 100, 100), mono(100))
    assert shown(times) == [(5, 6, "person 0.80")]


def test_a_kind_stands_where_there_is_no_label() -> None:
    assert caption_of(replace(event_of(1), label=None)) == "person 0.80"
    assert caption_of(replace(event_of(1), label="\n\t ", rule="\r\n")) == "person 0.80"


@pytest.mark.parametrize(
    "text",
    [
        "a --> b",
        "00:00:01.000 --> 00:00:02.000",
        "<v Bob>&amp;",
        "one\n\ntwo",
        "a\r\rb",
        "NOTE x",
        "\u2028x\u2029",
        "\0",
        "&lt;",
        "\u202e",
    ],
)
def test_no_name_makes_a_cue_of_its_own_or_markup(text: str) -> None:
    cue = Cue(0, NS_PER_S, caption_of(replace(event_of(1), label=text, rule=text)))
    assert parsed(webvtt([cue])) == [cue]


@given(
    requests=st.lists(
        st.tuples(
            st.integers(0, 5),
            st.integers(0, 10**13),
            st.integers(0, 2**63 - 1),
            st.text(max_size=100) | st.none(),
            st.booleans(),
        ),
        max_size=40,
    ),
    began=st.integers(0, 10**13),
    length=st.integers(0, 10**13),
)
def test_whatever_is_asked_for_the_file_parses_back_and_its_cues_are_in_order_and_inside_the_clip(
    requests: list[tuple[int, int, int, str | None, bool]], began: int, length: int
) -> None:
    times = EventTimes()
    for now, (number, from_ns, long, text, is_over) in enumerate(requests):
        event = replace(event_of(number), label=text, rule=text)
        if is_over:
            event = replace(event, phase=Phase.CLEARED, ended_at=event.started_at)
        request = ClipRequest(event, MonotonicNs(from_ns), MonotonicNs(min(from_ns + long, 2**63 - 1)))
        times.hear(request, MonotonicNs(now * 10**12))
    cues = times.cues(MonotonicNs(began), length)
    read = parsed(webvtt(cues))
    wanted = [Cue(cue.begin_ns // MS * MS, cue.end_ns // MS * MS, cue.text) for cue in cues]
    assert read == [cue for cue in wanted if cue.begin_ns < cue.end_ns]
    assert all(one.begin_ns <= other.begin_ns for one, other in pairwise(read))
    assert all(0 <= cue.begin_ns < cue.end_ns <= length for cue in read)


def test_however_much_happens_the_file_stays_within_its_bytes_and_whole() -> None:
    times = EventTimes()
    for second in range(2000):
        label = f"{second} " + "&" * 60
        times.hear(ask(replace(event_of(second % 300), label=label), second, second + 60), mono(second))
    content = webvtt(times.cues(mono(0), 10**15))
    assert len(content) <= 64_000
    assert len(parsed(content)) > 50
    again = EventTimes()
    for second in range(1000):
        again.hear(ask(replace(event_of(1), label=str(second)), 0, second + 60), mono(second))
    assert len(again.cues(mono(0), 10**15)) == 64
