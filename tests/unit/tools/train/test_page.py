"""What a training leaves for people."""

import re
import stat
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.model.manifest import Thresholds
from tests.fakes import models
from tools.train.page import CARD, PAGE, roc, write_report
from training.classifier.fitting import LossCurve
from training.classifier.judging import judge
from training.classifier.learning import Learned, Lesson
from training.classifier.watching import WatchedTime
from training.evaluate import area_under_curve
from training.footage.cutting import FootageUse
from training.footage.gathering import Examples, Gathered, Looks, Share

HOSTILE = '<script>alert("x")</script>&amp;.mp4'
LESSON = Lesson("person & dog", command="smartcam train clips 'a b'", source="2 films")


@pytest.fixture(scope="module")
def trained() -> tuple[Learned, Gathered]:
    """A tiny model that sees red, and two pictures, of which it is wrong about the second."""
    looks = Looks.of([(True, 1.0, 0, False), (True, 2.0, 0, False), (False, 3.0, 0, False)])
    rgb = np.zeros((3, models.SIDE, models.SIDE, 3), np.uint8)
    rgb[0, ..., 0] = 255
    examples = Examples(rgb, looks, np.zeros((3, 4), np.float32))
    scores = np.array([0.9, 0.1, 0.1], np.float32)
    verdict = judge(scores, looks, Thresholds(0.5, 0.3), [HOSTILE])
    learned = Learned(
        network=None,
        exported=models.classifier(),
        curve=LossCurve((1.0, 0.5), (0.9, 0.6)),
        thresholds=Thresholds(0.5, 0.3),
        keeps_budget=True,
        validation=verdict,
        test=verdict,
        parity=0.01,
        watched=dict.fromkeys((FootageUse.VALIDATION, FootageUse.TEST), WatchedTime(scores, looks)),
    )
    shares = dict.fromkeys(FootageUse, Share(60.0, 0.0, 30.0, 2, 3, 1))
    return learned, Gathered((HOSTILE,), (), dict.fromkeys(FootageUse, examples), shares, ((HOSTILE, "breaks off"),))


def test_a_report_is_one_page_that_loads_nothing_for_its_owners_eyes(
    trained: tuple[Learned, Gathered], tmp_path: Path
) -> None:
    learned, gathered = trained
    page = write_report(tmp_path / "r", learned, LESSON, gathered, [("x.mp4", "is empty")])
    text = page.read_text()
    assert page == tmp_path / "r" / PAGE
    assert stat.S_IMODE(page.stat().st_mode) == stat.S_IMODE((tmp_path / "r" / CARD).stat().st_mode) == 0o600
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    assert not re.search(r'(src|href)="(?!data:image/jpeg;base64,)', text)
    assert "<script" not in text
    assert "person &amp; dog" in text
    assert "x.mp4" in text
    assert "breaks off" in text
    assert text.count("<svg") == 3
    assert text.index("at 2.0 s shows it") < text.index("at 3.0 s does not"), "the worst mistake first"


def test_a_report_counts_by_hour_where_names_know_it_and_says_where_they_do_not(
    trained: tuple[Learned, Gathered], tmp_path: Path
) -> None:
    learned, gathered = trained
    assert "no name says when" in write_report(tmp_path, learned, LESSON, gathered, []).read_text()
    name = "gate-2026-11-30T13-59-58.mp4"
    watched = learned.watched[FootageUse.TEST]
    verdict = judge(watched.scores, watched.looks, learned.thresholds, [name])
    text = write_report(
        tmp_path, replace(learned, test=verdict), LESSON, replace(gathered, films=(name,)), []
    ).read_text()
    assert "<td>13:00 to 13:59</td><td>0</td><td>0</td><td>1</td><td>0</td>" in text
    assert "<td>14:00 to 14:59</td><td>1</td><td>0</td><td>0</td><td>1</td>" in text
    assert "no name says when" not in text


def test_a_model_card_says_what_was_learned_from_what_and_what_it_proves(
    trained: tuple[Learned, Gathered], tmp_path: Path
) -> None:
    learned, gathered = trained
    write_report(tmp_path, learned, LESSON, gathered, [])
    card = (tmp_path / CARD).read_text()
    assert "`smartcam train clips 'a b'`" in card
    assert "raises `anomaly`" in card
    assert "they keep the budget of 1 false alarms a day" in card
    assert re.search(r"proves no more than at most [\d,]+ a day", card)
    write_report(tmp_path, replace(learned, keeps_budget=False), LESSON, gathered, [])
    assert "they do not keep the budget" in (tmp_path / CARD).read_text()


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
        lambda p: len({t for _, t in p}) == 2
    )
)
def test_the_curve_has_the_area_that_is_reported(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in pairs], np.float32)
    shows = np.array([truth for _, truth in pairs])
    points = roc(scores, shows)
    assert [points[0], points[-1]] == [(0, 0), (1, 1)]
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))
    assert area == pytest.approx(area_under_curve(scores, shows))


def test_a_curve_of_nothing_is_a_point() -> None:
    assert roc(np.zeros(0, np.float32), np.zeros(0, bool)) == [(0, 0)]
