"""How what was raised is compared with what is odd."""

from tools.normal.judging import judged
from tools.normal.playing import JudgedLook, PlayedClip, SceneAlert


def clip(
    odd: list[bool | None], scores: dict[int, float], alerts: list[tuple[float, float]] | None = None, name: str = "a"
) -> PlayedClip:
    """A picture a second."""
    raised = [SceneAlert(at, end, 0.9, "looks", None) for at, end in alerts or []]
    looks = [JudgedLook(float(at), score) for at, score in scores.items()]
    return PlayedClip(name, (), float(len(odd)), [float(at) for at in range(len(odd))], odd, looks, raised)


def test_each_picture_has_the_score_of_the_look_before_and_unsure_ones_have_none() -> None:
    played = clip([False, True, True, None, False], {1: 0.5, 3: 9.0, 4: 0.1})
    assert judged([played]).area == 1.0
    assert judged([clip([False, True, None], {})]).area == 0.5, "before the first look nothing is told apart"
    assert judged([clip([False, False], {0: 1.0})]).area is None
    assert judged([]).area is None


def test_the_area_is_that_of_all_pictures_together() -> None:
    one, two = clip([False, True], {0: 1.0, 1: 2.0}), clip([False, True], {0: 3.0, 1: 4.0}, name="b")
    verdict = judged([one, two])
    assert [each.area for each in verdict.clips] == [1.0, 1.0]
    assert verdict.area == 0.75


def test_an_alert_that_begins_in_no_odd_time_is_false() -> None:
    odd: list[bool | None] = [20 <= second < 40 or 80 <= second < 90 for second in range(120)]
    verdict = judged([clip(odd, {}, [(5, 30), (22, 41), (60, 61), (99, 100), (110, 111)])])
    assert (verdict.odd, verdict.found, verdict.false) == (2, 2, 3)
    assert verdict.delays_s == (2.0, 19.0)


def test_an_alert_that_goes_on_tells_of_the_next_odd_time_and_one_that_was_on_before_of_none() -> None:
    odd: list[bool | None] = [20 <= second < 40 or 80 <= second < 90 for second in range(120)]
    assert judged([clip(odd, {}, [(25, 85)])]).delays_s == (5.0, 0.0)
    assert judged([clip(odd, {}, [(10, 119)])]).found == 0


def test_what_begins_where_nobody_can_say_is_not_judged() -> None:
    odd: list[bool | None] = [None if 10 <= second < 30 else False for second in range(60)]
    assert judged([clip(odd, {}, [(15, 16)])]).false == 0
