"""The drawings of the report."""

import re

from smartcam.vision.normal.calibration import BudgetPoint
from tools.normal.page import budget_drawn, scores_drawn
from tools.normal.playing import JudgedLook, PlayedClip, SceneAlert

HOSTILE = '<script>alert("x")</script>'


def played(scores: list[float], alerts: list[float] | None = None, name: str = HOSTILE) -> PlayedClip:
    raised = [SceneAlert(at, at + 1, 0.5, "looks", None) for at in alerts or []]
    looks = [JudgedLook(float(at), score) for at, score in enumerate(scores)]
    return PlayedClip(name, (), float(len(scores)), looks=looks, alerts=raised)


def test_names_from_files_are_text_and_nothing_else() -> None:
    drawn = scores_drawn([played([1.0])], 0.5)
    assert "<script" not in drawn
    assert "&lt;script&gt;" in drawn


def test_scores_stand_below_the_top_with_threshold_odd_times_and_alerts() -> None:
    drawn = scores_drawn([played([0.0, 5.0, 1.0, 0.5], [1.0]), played([2.0], name="b")], 2.0, [(1.0, 3.0)])
    places = [float(number) for number in re.findall(r"[\d.]+,([\d.]+)", drawn)]
    assert all(0 <= place <= 160 for place in places)
    assert drawn.count("<polyline") == 2
    assert drawn.count('fill="#ddd"') == drawn.count('fill="#c62828"') == 1
    assert "2 clips: 5 s, scores up to 5.50" in drawn


def test_nothing_to_draw_is_no_error() -> None:
    assert "scores up to" in scores_drawn([], None)
    assert "so little footage" in budget_drawn([], None, 1.0)


def test_the_budget_is_drawn_with_its_band_and_the_threshold_within_the_picture() -> None:
    curve = [BudgetPoint(1.0, 500.0, 400.0, 600.0), BudgetPoint(2.0, 0.0, 0.0, 2.3)]
    drawn = budget_drawn(curve, 2.0, 1.0)
    assert drawn.count("<polyline") == 3
    assert drawn.count("<polygon") == 1
    pairs = re.findall(r"([\d.]+),([\d.]+)", drawn.split("<figcaption>")[0])
    numbers = [float(number) for pair in pairs for number in pair]
    assert all(0 <= number <= 900 for number in numbers)
    assert "-" not in drawn.split("points=")[1].split('"')[1]
