"""The learned scene of one camera: what it raises, what it leaves to others, and what it never learns."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.contract.event import EventKind, NormalBox
from smartcam.contract.health import SceneHealth, SceneStage
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.contract.view import ViewedScene
from smartcam.contract.wanted import Verdict
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis import normal, scene_memory
from smartcam.inference.analysis.belonging import CALM_S
from smartcam.inference.analysis.normal import NormalAnalysis
from smartcam.inference.events import Change, OpenEpisode, Trigger, restored
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.looks import Eye
from smartcam.vision.frame import Frame
from smartcam.vision.normal.learner import Judgement, LearningPlan, SceneLearner
from smartcam.vision.normal.look import Regime, SceneLook
from smartcam.vision.normal.reason import Reason
from smartcam.vision.picture import Picture
from smartcam.vision.visibility import Visibility
from smartcam.vision.week import weekly_hours
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.analysis.learned_yard import (
    ON,
    THING,
    LearnedYard,
    at_second,
    events,
    pictures,
    watching,
    yard,
)
from tests.unit.inference.stage import GATE, happened, maker
from tests.unit.vision.test_week import BERLIN

RAISED, CLEARED = ("anomaly", "raised"), ("anomaly", "cleared")
LONG = 2 * CALM_S


@pytest.fixture
def known(tmp_path: Path) -> LearnedYard:
    return watching(tmp_path)


def hours(one: LearnedYard) -> float:
    assert one.analysis.scene is not None
    return one.analysis.scene.hours


def broken(*_: object, **__: object) -> None:
    raise FloatingPointError("singular")


def others(kind: EventKind, box: NormalBox | None) -> OpenEpisode:
    return maker(GATE).raised(Trigger(kind, 0.8, 0.6, box), SOME_DAY, MonotonicNs(0))[0]


def test_something_strange_is_one_event_that_says_why_and_where_and_shows_it(known: LearnedYard) -> None:
    changes = known.show(strange=True, count=60)
    assert happened(changes) == [RAISED]
    (event,) = events(changes)
    assert (event.cause, event.model_name) == ("unusual", None)
    assert event.label in set(Reason)
    assert 0 < event.threshold < event.score < 1
    assert event.box is not None
    assert event.box.x1 <= THING.x1
    assert event.box.x2 >= THING.x2
    assert changes[0].snapshot is not None
    assert changes[0].snapshot.jpeg.startswith(b"\xff\xd8")


def test_what_the_scene_looks_like_is_there_for_who_looks_with_its_threshold_and_what_is_unusual(
    known: LearnedYard,
) -> None:
    def looked(*, strange: bool = False) -> ViewedScene | None:
        known.show(strange=strange, count=3)
        return known.shared.look

    calm, odd = looked(), looked(strange=True)
    assert calm is not None
    assert odd is not None
    assert (calm.score < calm.threshold < 1, calm.box) == (True, None)
    assert odd.score > odd.threshold == calm.threshold
    assert odd.box is not None
    known.shared.is_tampered = True
    assert looked() is None
    known.shared.is_tampered = False
    assert looked() is not None
    known.analysis.configure(AnalysisSettings())
    assert looked() is None


def test_as_long_as_too_little_is_learnt_no_look_is_above_the_threshold() -> None:
    young = yard()
    young.show(strange=True, count=20)
    assert young.shared.look is not None
    assert young.shared.look.threshold == 1
    assert young.shared.look.box is None


def test_it_is_over_when_all_has_been_calm_for_minutes_and_ended_when_it_was_last_unusual(known: LearnedYard) -> None:
    known.show(strange=True, count=30)
    gone_s = known.at_s
    assert happened(known.show(seconds=60)) == []
    (event,) = events(known.show(seconds=LONG))
    assert (event.kind, event.phase) == ("anomaly", "cleared")
    assert event.ended_at is not None
    assert 0 <= (event.ended_at - SOME_DAY) / NS_PER_S - gone_s <= 60
    assert known.analysis.episodes() == []


def test_while_it_learns_it_raises_nothing_and_says_so() -> None:
    young = yard()
    assert young.show(count=200) == []
    assert young.show(strange=True, count=60) == []
    assert young.analysis.scene is not None
    assert young.analysis.scene.stage is SceneStage.LEARNING


def test_a_camera_that_was_not_told_to_learns_nothing_and_keeps_nothing(tmp_path: Path) -> None:
    file = MemoryFile(tmp_path / "normal-yard")
    idle = yard(file, AnalysisSettings())
    assert idle.show(count=60) == []
    idle.analysis.keep()
    assert idle.analysis.scene is None
    assert not file.path.exists()


def test_while_disarmed_or_out_of_hours_it_raises_nothing_and_goes_on_learning(known: LearnedYard) -> None:
    never = weekly_hours(BERLIN, {"daily": ["00:00-00:01"]}, "k")
    for off in (replace(ON, armed=False), replace(ON, schedule=never)):
        known.analysis.configure(off)
        before = hours(known)
        assert known.show(strange=True, count=60) == []
        assert known.show(seconds=600) == []
        assert hours(known) > before
    known.analysis.configure(ON)
    assert happened(known.show(strange=True, count=60)) == [RAISED]


def test_what_is_still_strange_when_the_camera_is_armed_raises_then(known: LearnedYard) -> None:
    known.analysis.configure(replace(ON, armed=False))
    known.show(strange=True, count=20)
    known.analysis.configure(ON)
    assert happened(known.show(strange=True, count=1)) == [RAISED]


@pytest.mark.parametrize("way", ["blind", "tampered"])
def test_a_camera_that_does_not_see_its_view_neither_judges_nor_learns(known: LearnedYard, way: str) -> None:
    before = hours(known)
    known.shared.is_tampered = way == "tampered"
    visibility = Visibility.BLIND if way == "blind" else Visibility.CLEAR
    for picture in pictures(strange=True) * 10:
        known.at_s += 2
        assert known.analysis.update(at_second(known.at_s, picture), visibility) == []
    assert hours(known) == before


def test_another_view_begins_again_and_says_so_on_the_disk_too(
    known: LearnedYard, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known.shared.views += 1
    assert known.show(strange=True, count=60) == []
    assert "scene_begins_again" in caplog.text
    for each in (known, yard(MemoryFile(tmp_path / "normal-yard"))):
        each.show(count=5)
        assert each.analysis.scene is not None
        assert (each.analysis.scene.stage, each.analysis.scene.raised) == (SceneStage.RELEARNING, 0)


def test_at_most_about_one_frame_in_a_second_is_looked_at(known: LearnedYard, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Picture] = []
    look = Eye.look

    def counted(eye: Eye, picture: Picture, before: Regime | None) -> SceneLook:
        seen.append(picture)
        return look(eye, picture, before)

    monkeypatch.setattr(Eye, "look", counted)
    known.show(count=200, step_s=0.1)
    assert 18 <= len(seen) <= 23


def test_a_learner_that_fails_is_off_until_a_restart_and_says_so_once(
    known: LearnedYard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    assert happened(known.show(strange=True, count=30)) == [RAISED]
    kept = (tmp_path / "normal-yard").read_bytes()
    monkeypatch.setattr(Eye, "look", broken)
    assert happened(known.show(count=50)) == [CLEARED]
    known.analysis.configure(replace(ON, alerts_a_day=3))
    known.show(count=50)
    known.analysis.keep()
    assert caplog.text.count("scene_learner_failed") == 1
    assert known.analysis.scene is None
    assert (tmp_path / "normal-yard").read_bytes() == kept, "what may be half learnt is not kept"


@pytest.mark.parametrize("what", ["calibrate", "verdict"])
def test_settings_and_verdicts_that_the_learner_fails_on_cost_nothing_but_the_learner(
    known: LearnedYard, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (raised,) = events(known.show(strange=True, count=30))
    monkeypatch.setattr(SceneLearner, what, broken)
    known.analysis.configure(replace(ON, alerts_a_day=3, verdicts=(Verdict(raised.event_id, true=False),)))
    assert happened(known.show(count=5)) == [CLEARED]
    assert known.analysis.scene is None
    assert caplog.text.count("scene_learner_failed") == 1


def test_a_learner_that_cannot_be_packed_ends_no_process(
    known: LearnedYard, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    known.show(count=1)
    monkeypatch.setattr(scene_memory, "to_bytes", broken)
    known.analysis.keep()
    known.analysis.configure(AnalysisSettings())
    assert caplog.text.count("scene_not_kept") == 2


def test_what_an_object_has_an_event_about_raises_none_of_its_own_and_its_score_is_noted(known: LearnedYard) -> None:
    person = others(EventKind.PERSON, THING)
    known.shared.open = [person]
    assert known.show(strange=True, count=30) == []
    known.shared.open = []  # its event ends, and what is strange stays there
    assert known.show(strange=True, seconds=LONG) == []
    odd = known.shared.noted(person.event.event_id)
    assert odd is not None
    assert 0 < odd.score < 1
    (ended,) = events([replace(maker(), oddness=known.shared.noted).cleared(person, SOME_DAY)])
    assert (ended.scene_score, ended.scene_reason) == odd


@pytest.mark.parametrize(
    "box", [NormalBox(0.0, 0.6, 0.2, 1.0), NormalBox(0.3, 0.2, 0.45, 0.9)], ids=["corner", "beside"]
)
def test_an_object_elsewhere_hides_nothing(known: LearnedYard, box: NormalBox) -> None:
    known.shared.open = [others(EventKind.PERSON, box)]
    assert happened(known.show(strange=True, count=30)) == [RAISED]


def test_what_a_model_of_the_whole_picture_has_an_event_about_is_unusual_anywhere(known: LearnedYard) -> None:
    elsewhere = others(EventKind.ANOMALY, NormalBox(0.0, 0.6, 0.2, 1.0))
    known.shared.open = [replace(elsewhere, event=replace(elsewhere.event, cause="unusual", model_name="yard"))]
    assert known.show(strange=True, count=30) == []
    assert known.shared.noted(elsewhere.event.event_id) is not None


def test_an_object_that_was_there_long_ago_hides_nothing(known: LearnedYard) -> None:
    known.shared.open = [others(EventKind.PERSON, THING)]
    known.show(count=2)
    known.shared.open = []
    known.show(seconds=30)
    assert happened(known.show(strange=True, count=30)) == [RAISED]


@pytest.mark.parametrize("kind", [EventKind.PERSON, EventKind.MOTION])
def test_what_was_strange_first_and_is_named_later_stays_one_event(known: LearnedYard, kind: EventKind) -> None:
    (raised,) = events(known.show(strange=True, count=30))
    objects = replace(maker(GATE), unnamed=known.shared.name, oddness=known.shared.noted)
    sight = Trigger(kind, 0.9, 0.6, THING, str(kind), cause="detected")
    episode, change = objects.raised(sight, SOME_DAY, MonotonicNs(0))
    assert episode.event.event_id == raised.event_id
    if kind is EventKind.PERSON:
        assert change.event is not None
        assert (change.event.kind, change.event.revision, change.event.model_name) == ("person", 1, "eyes")
        assert change.event.scene_score is not None
        assert change.event.scene_reason == raised.label
    else:
        assert change.event is None
        assert episode.event.kind is EventKind.ANOMALY
    assert known.analysis.episodes() == []
    known.shared.open = [episode]
    assert known.show(strange=True, count=30) == []
    known.shared.open = []
    assert known.show(strange=True, seconds=60) == []


def test_an_object_elsewhere_has_an_event_of_its_own(known: LearnedYard) -> None:
    (raised,) = events(known.show(strange=True, count=30))
    objects = replace(maker(GATE), unnamed=known.shared.name)
    sight = Trigger(EventKind.PERSON, 0.9, 0.6, NormalBox(0.0, 0.6, 0.2, 1.0))
    assert objects.raised(sight, SOME_DAY, MonotonicNs(0))[1].event is not None
    assert [each.event.event_id for each in known.analysis.episodes()] == [raised.event_id]


def left_open(known: LearnedYard) -> OpenEpisode:
    change = known.show(strange=True, count=30)[0]
    assert change.episode is not None
    return restored(replace(change.episode, age_ms=2000))


def test_a_restarted_process_goes_on_with_what_was_strange_and_raises_it_no_second_time(
    known: LearnedYard, tmp_path: Path
) -> None:
    episode = left_open(known)
    known.analysis.keep()
    again = yard(MemoryFile(tmp_path / "normal-yard"))
    again.analysis.resume([episode])
    assert happened(again.show(strange=True, count=60)) == []
    assert happened(again.show(seconds=LONG)) == [CLEARED]


def test_what_was_learnt_outlives_a_restart(known: LearnedYard, tmp_path: Path) -> None:
    known.show(seconds=300)
    known.analysis.keep()
    again = yard(MemoryFile(tmp_path / "normal-yard"))
    again.show(count=10)
    assert again.analysis.scene is not None
    assert again.analysis.scene.stage is SceneStage.WATCHING
    assert hours(again) >= hours(known)
    assert happened(again.show(strange=True, count=60)) == [RAISED]


def verdicts(known: LearnedYard, event: EventId, *, true: bool) -> AnalysisSettings:
    settings = replace(ON, verdicts=(Verdict(event, true),))
    known.analysis.configure(settings)
    return settings


def test_what_was_called_false_ends_and_is_not_raised_again_not_even_after_a_restart(
    known: LearnedYard, tmp_path: Path
) -> None:
    (raised,) = events(known.show(strange=True, count=30))
    settings = verdicts(known, raised.event_id, true=False)
    assert happened(known.show(strange=True, count=1)) == [CLEARED]
    assert known.show(strange=True, count=30) == []
    known.show(seconds=LONG)
    assert known.show(strange=True, count=60) == []
    known.analysis.keep()
    again = yard(MemoryFile(tmp_path / "normal-yard"), settings)
    again.show(count=20)
    assert again.show(strange=True, count=60) == []


def test_a_verdict_that_is_repeated_changes_nothing(known: LearnedYard) -> None:
    (raised,) = events(known.show(strange=True, count=30))
    verdicts(known, raised.event_id, true=False)
    known.show(seconds=LONG)
    scene = known.analysis._scene
    assert scene is not None
    excused = [len(each.memory.excused) for each in scene._learner.known.values()]
    assert sum(excused) > 0
    for _ in range(3):
        verdicts(known, raised.event_id, true=False)
        known.show(strange=True, count=5)
    assert [len(each.memory.excused) for each in scene._learner.known.values()] == excused


def test_what_was_called_true_was_no_normal_minute_and_is_raised_again(known: LearnedYard) -> None:
    scene = known.analysis._scene
    assert scene is not None
    before = scene._learner.minutes.beyond.max()
    looks = sum(each.memory.looks for each in scene._learner.known.values())
    (raised,) = events(known.show(strange=True, count=60))
    verdicts(known, raised.event_id, true=True)
    known.show(strange=True, count=10)
    assert sum(each.memory.looks for each in scene._learner.known.values()) <= looks + 1, "nothing of it is learnt"
    assert [each.event.event_id for each in known.analysis.episodes()] == [raised.event_id], "it is still on"
    known.show(seconds=LONG)
    assert scene._learner.minutes.beyond.max() <= max(before, scene._learner.minutes.beyond[-8:].max())
    assert scene._learner.held == []
    assert happened(known.show(strange=True, count=60)) == [RAISED]


def test_a_verdict_about_an_objects_event_is_one_about_what_was_strange_there(known: LearnedYard) -> None:
    person = others(EventKind.PERSON, THING)
    known.shared.open = [person]
    known.show(strange=True, count=30)
    known.shared.open = []
    verdicts(known, person.event.event_id, true=False)
    known.show(seconds=LONG)
    assert known.show(strange=True, count=60) == []


def test_switched_off_it_ends_what_is_on_and_goes_on_later_with_what_it_knew(known: LearnedYard) -> None:
    known.show(strange=True, count=30)
    known.analysis.configure(AnalysisSettings())
    assert happened(known.show(count=2)) == [CLEARED]
    assert known.analysis.scene is None
    known.analysis.configure(ON)
    known.show(seconds=120)
    assert hours(known) > 0.6, "it has not begun anew"


def test_what_was_raised_is_counted_and_too_much_of_it_is_drift(known: LearnedYard) -> None:
    known.analysis.configure(replace(ON, alerts_a_day=0.1))
    known.show(count=1)
    scene = known.analysis._scene
    assert scene is not None
    counted = []
    for _ in range(2):
        counted.append((scene.health.raised, scene.health.drift, scene.health.budget))
        for _ in range(4):
            scene.count_raised()
    assert counted == [(0, False, 0.1), (4, True, 0.1)]


def test_a_step_of_the_clock_changes_nothing(known: LearnedYard) -> None:
    chosen = pictures(strange=False)
    before = hours(known)
    for place, step_s in enumerate((0, 10 * 365 * 86400, -20 * 365 * 86400, 0) * 20):
        known.at_s += 2
        frame = at_second(known.at_s, chosen[place % len(chosen)])
        known.analysis.update(replace(frame, captured_at=UtcNs(frame.captured_at + step_s * NS_PER_S)))
    scene = known.analysis._scene
    assert scene is not None
    assert hours(known) == pytest.approx(before, abs=0.2)
    numbers = scene._learner.minutes.numbers
    assert numbers[-1] - numbers[0] < 200


def frames_of(analysis: NormalAnalysis, frames: list[Frame]) -> list[Change]:
    return [change for frame in frames for change in analysis.update(frame)]


def test_a_frame_twice_or_backwards_is_not_looked_at(known: LearnedYard) -> None:
    (picture, *_) = pictures(strange=True)
    assert frames_of(known.analysis, [at_second(known.at_s - each, picture) for each in range(50)]) == []


@dataclass
class FakeScene:
    """Judges as it is told to, and counts what is raised."""

    told: Judgement = field(default_factory=lambda: Judgement(0.0, unusual=False))
    raised: int = 0
    seen: int = 0
    threshold: float = 1.0
    health: SceneHealth = field(
        default_factory=lambda: SceneHealth(SceneStage.WATCHING, 60.0, 56.0, 1.0, 0, drift=False)
    )

    def see(self, frame: Frame, event: EventId | None) -> Judgement:  # noqa: ARG002
        self.seen += 1
        return self.told

    def count_raised(self) -> None:
        self.raised += 1

    def take_verdicts(self, verdicts: Sequence[Verdict], on: EventId | None) -> None:
        """Nothing is learnt."""

    def plan(self, plan: LearningPlan) -> None:
        """Nothing is calibrated."""

    def keep(self) -> None:
        """Nothing is kept."""


BOXES = (THING, NormalBox(0.0, 0.5, 0.25, 1.0))
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("unusual"), st.integers(0, 1)),
        st.tuples(st.just("calm"), st.integers(1, 100)),
        st.tuples(st.just("comes"), st.integers(0, 1)),
        st.tuples(st.sampled_from(["goes", "disarm", "arm", "tamper", "mend", "false", "end"]), st.just(0)),
        st.tuples(st.just("named"), st.integers(0, 1)),
    ),
    max_size=60,
)


class Story:
    """An analysis on a scene that judges as it is told, and what has come of it."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.scene, self.one = FakeScene(), yard()
        patch.setattr(normal, "LearnedScene", lambda *_: self.scene)
        self.settings, self.raised, self.cleared, self.taken = ON, list[EventId](), list[EventId](), set[EventId]()

    def frame(self, told: Judgement) -> list[EventId]:
        """The events that a frame raises."""
        self.scene.told, self.one.at_s = told, self.one.at_s + 2
        picture = pictures(strange=False)[0]
        found = events(self.one.analysis.update(at_second(self.one.at_s, picture)))
        new = [event.event_id for event in found if event.phase == "raised"]
        self.raised += new
        self.cleared += [event.event_id for event in found if event.phase == "cleared"]
        return new

    def play(self, what: str, number: int) -> None:
        shared, analysis = self.one.shared, self.one.analysis
        if what == "unusual":
            new = self.frame(Judgement(2.0, unusual=True, box=BOXES[number], reason=Reason.LOOKS))
            is_hidden = any(each.box == BOXES[number] for each in shared.open)
            assert not new or not (is_hidden or shared.is_tampered or not self.settings.armed)
        elif what == "calm":
            for _ in range(number):
                assert self.frame(Judgement(0.5, unusual=False)) == []
        elif what == "comes":
            shared.open = [others(EventKind.PERSON, BOXES[number])]
        elif what == "goes":
            shared.open = []
        elif what in {"tamper", "mend"}:
            shared.is_tampered = what == "tamper"
        elif what == "named":
            found = shared.name(Trigger(EventKind.PERSON, 0.9, 0.6, BOXES[number]))
            self.taken |= set() if found is None else {found.event.event_id}
        elif what == "end":
            self.cleared += [event.event_id for event in events(analysis.end(SOME_DAY))]
        else:
            false = tuple(Verdict(each, true=False) for each in self.raised) if what == "false" else ()
            armed = self.settings.armed if what == "false" else what == "arm"
            self.settings = replace(self.settings, armed=armed, verdicts=false or self.settings.verdicts)
            analysis.configure(self.settings)


@settings(deadline=None, max_examples=60)
@given(happenings)
def test_whatever_happens_each_event_is_raised_once_and_over_once_and_one_is_on_at_a_time(
    happening: list[tuple[str, int]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        story = Story(patch)
        for what, number in happening:
            story.play(what, number)
            on = [each.event.event_id for each in story.one.analysis.episodes()]
            assert len(on) <= 1
            assert sorted([*story.cleared, *on, *story.taken]) == sorted(story.raised)
            assert len(set(story.raised)) == len(story.raised) == story.scene.raised
