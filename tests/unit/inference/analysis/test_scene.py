from dataclasses import replace

from smartcam.contract.event import NormalBox
from smartcam.contract.notice import PixelBox
from smartcam.inference.analysis.scene import SceneAnalysis
from smartcam.inference.events import Change, OpenEpisode, restored
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.rule import Rule
from smartcam.vision.week import weekly_hours
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import frame, happened, maker, scene_model
from tests.unit.vision.test_week import BERLIN

RAISED, CLEARED = ("anomaly", "raised"), ("anomaly", "cleared")


def play(scores: list[float], settings: AnalysisSettings | None = None) -> tuple[SceneAnalysis, list[Change]]:
    analysis = SceneAnalysis(scene_model(scores), maker(), settings or AnalysisSettings())
    return analysis, [change for look in range(len(scores)) for change in analysis.update(frame(look / 5))]


def left_open(age_ms: int | None = 2000) -> OpenEpisode:
    _, changes = play([0.9] * 3)
    assert changes[0].episode is not None
    return restored(replace(changes[0].episode, age_ms=age_ms))


def test_three_high_scores_in_a_row_raise_one_anomaly() -> None:
    _, changes = play([0.1, 0.9, 0.1, 0.9, 0.8, 0.7, 0.9, 0.9])
    assert happened(changes) == [RAISED]
    event = changes[0].event
    assert event is not None
    assert (event.label, event.score, event.threshold) == ("intruder", 0.7, 0.6)
    assert event.started_at == frame(1.0).captured_at


def test_a_scene_that_is_calm_again_is_cleared_and_can_raise_anew() -> None:
    _, changes = play([0.9] * 3 + [0.1] * 14 + [0.9] * 3)
    assert happened(changes) == [RAISED, CLEARED, RAISED]
    assert len({change.event.event_id for change in changes if change.event is not None}) == 2


def test_a_camera_may_have_thresholds_of_its_own() -> None:
    assert happened(play([0.9] * 9, AnalysisSettings(raise_at=0.95))[1]) == []
    assert happened(play([0.5] * 9, AnalysisSettings(raise_at=0.45, min_frames=9))[1]) == [RAISED]


def test_the_event_shows_where_something_moves() -> None:
    analysis = SceneAnalysis(scene_model([0.9]), maker(), AnalysisSettings(min_frames=1))
    event = analysis.update(frame(0, [PixelBox(10, 6, 20, 30), PixelBox(50, 12, 60, 48)]))[0].event
    assert event is not None
    assert event.box == NormalBox(0.1, 0.1, 0.6, 0.8)
    still = SceneAnalysis(scene_model([0.9]), maker(), AnalysisSettings(min_frames=1)).update(frame(0, []))[0].event
    assert still is not None
    assert still.box is None


def test_a_restarted_process_goes_on_and_raises_no_second_time() -> None:
    analysis = SceneAnalysis(scene_model([0.9] * 9 + [0.1]), maker(), AnalysisSettings())
    analysis.resume([left_open()])
    changes = [change for look in range(40) for change in analysis.update(frame(look / 5))]
    assert happened(changes) == [CLEARED]


def test_an_episode_of_long_ago_is_cleared_and_what_is_there_now_raises() -> None:
    for age_ms in (None, 3_600_000):
        analysis = SceneAnalysis(scene_model([0.9]), maker(), AnalysisSettings())
        analysis.resume([left_open(age_ms)])
        changes = [change for look in range(9) for change in analysis.update(frame(look / 5))]
        assert happened(changes) == [CLEARED, RAISED]


def test_the_end_of_a_clip_clears_and_the_next_beginning_raises() -> None:
    analysis, _ = play([0.9] * 4)
    assert happened(analysis.end(SOME_DAY)) == [CLEARED]
    assert analysis.episodes() == []
    assert happened(analysis.end(SOME_DAY)) == []
    assert happened([change for look in range(10, 13) for change in analysis.update(frame(look))]) == [RAISED]


def test_the_state_of_a_long_episode_is_stored_again_and_again() -> None:
    analysis = SceneAnalysis(scene_model([0.9]), maker(), AnalysisSettings())
    changes = [change for second in range(65) for change in analysis.update(frame(second))]
    assert happened(changes) == [RAISED]
    assert len([change for change in changes if change.event is None and change.episode is not None]) == 3


def test_a_frame_from_the_past_changes_nothing() -> None:
    analysis, _ = play([0.9] * 2)
    assert analysis.update(frame(0.2)) == []


def test_the_rule_and_the_cause_stand_in_the_event_and_a_picture_comes_with_it() -> None:
    rules = (Rule("persons", ("person",)), Rule("anything odd"))
    _, changes = play([0.9] * 3, AnalysisSettings(rules=rules))
    event = changes[0].event
    assert event is not None
    assert (event.rule, event.cause) == ("anything odd", "unusual")
    assert changes[0].snapshot is not None


def test_nothing_raises_while_disarmed_or_out_of_hours() -> None:
    never = weekly_hours(BERLIN, {"daily": ["00:00-00:01"]}, "k")
    assert happened(play([0.9] * 9, AnalysisSettings(armed=False))[1]) == []
    assert happened(play([0.9] * 9, AnalysisSettings(schedule=never))[1]) == []


def test_a_scene_that_is_still_unusual_when_the_camera_is_armed_raises_then() -> None:
    analysis, changes = play([0.9] * 9, AnalysisSettings(armed=False))
    analysis.configure(AnalysisSettings())
    assert changes == []
    assert happened(analysis.update(frame(3))) == [RAISED]
