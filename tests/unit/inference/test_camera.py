"""One camera and its analyses, in the order of the list."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import pytest

from smartcam.contract.event import Event, EventKind
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.inference.analysis.analysis import Analysis, Model
from smartcam.inference.camera import Camera
from smartcam.inference.events import Change, OpenEpisode, Trigger
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.frame import Frame
from smartcam.vision.visibility import Visibility
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import frame, happened, maker

MAKER = maker()


def episode(kind: EventKind) -> tuple[OpenEpisode, Change]:
    return MAKER.raised(Trigger(kind, 0.8, 0.6), SOME_DAY, MonotonicNs(0))


@dataclass(slots=True)
class FakeAnalysis:
    """Raises an event of its kind with each frame, and remembers what it was told."""

    kind: EventKind
    visibility: Visibility | None = None
    told: list[Visibility] = field(default_factory=list)
    on: list[OpenEpisode] = field(default_factory=list)
    settings: AnalysisSettings | None = None
    kept: int = 0
    is_broken: bool = False

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:
        self.told.append(visibility)
        if self.is_broken:
            raise ValueError(f"no analysis of frame {frame.seq}")
        open_episode, change = episode(self.kind)
        self.on.append(open_episode)
        return [change]

    def end(self, at: UtcNs) -> list[Change]:
        ended, self.on = self.on, []
        return [MAKER.cleared(each, at) for each in ended]

    def configure(self, settings: AnalysisSettings) -> None:
        self.settings = settings

    def owns(self, event: Event) -> bool:
        return event.kind is self.kind

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        self.on += episodes

    def episodes(self) -> list[OpenEpisode]:
        return list(self.on)

    def keep(self) -> None:
        self.kept += 1


@pytest.fixture
def first() -> FakeAnalysis:
    return FakeAnalysis(EventKind.TAMPER, Visibility.DARK)


@pytest.fixture
def second() -> FakeAnalysis:
    return FakeAnalysis(EventKind.PERSON)


def test_a_fake_analysis_is_one(first: FakeAnalysis) -> None:
    analysis: Analysis = first
    assert analysis.visibility is Visibility.DARK


def test_what_one_analysis_sees_of_the_picture_those_after_it_are_told(
    first: FakeAnalysis, second: FakeAnalysis
) -> None:
    third = FakeAnalysis(EventKind.MOTION, Visibility.BLIND)
    camera = Camera([first], [second, third])
    assert happened(list(camera.update(frame(0)))) == [("tamper", "raised"), ("person", "raised"), ("motion", "raised")]
    assert [each.told for each in (first, second, third)] == [[Visibility.CLEAR], [Visibility.DARK], [Visibility.DARK]]


def test_what_one_analysis_has_found_is_not_lost_if_the_next_one_fails(
    first: FakeAnalysis, second: FakeAnalysis
) -> None:
    second.is_broken = True
    changes = Camera([first], [second]).update(frame(0))
    assert happened([next(changes)]) == [("tamper", "raised")]
    with pytest.raises(ValueError, match="no analysis"):
        next(changes)


def test_each_waiting_episode_goes_to_the_first_analysis_that_owns_it_and_the_others_wait_on(
    first: FakeAnalysis, second: FakeAnalysis
) -> None:
    tamper, person, animal = (episode(kind)[0] for kind in (EventKind.TAMPER, EventKind.PERSON, EventKind.ANIMAL))
    camera = Camera(waiting=[person, tamper, animal])
    camera.begin(lasting=[first])
    assert (first.on, camera.waiting) == ([tamper], [person, animal])
    also = FakeAnalysis(EventKind.PERSON)
    camera.begin(modelled=[second, also])
    assert (second.on, also.on, camera.waiting) == ([person], [], [animal])
    assert camera.episodes() == [tamper, person]


def test_another_model_takes_the_analyses_that_need_one_and_what_is_open_waits_as_if_just_stored(
    first: FakeAnalysis, second: FakeAnalysis
) -> None:
    model = cast(Model, object())
    camera = Camera([first], [second], model)
    list(camera.update(frame(0)))
    (person,) = second.on
    camera.use(model)
    assert camera.modelled == [second]
    camera.use(None)
    assert (camera.lasting, camera.modelled) == ([first], [])
    assert camera.waiting == [replace(person, age_ms=0)]


def test_another_model_costs_nothing_that_was_learnt_with_the_one_before(
    first: FakeAnalysis, second: FakeAnalysis
) -> None:
    camera = Camera([first], [second], cast(Model, object()))
    camera.use(camera.model)
    assert second.kept == 0
    camera.use(cast(Model, object()))
    assert (first.kept, second.kept) == (0, 1)


def test_settings_the_end_and_what_was_learnt_reach_every_analysis(first: FakeAnalysis, second: FakeAnalysis) -> None:
    camera = Camera([first], [second])
    list(camera.update(frame(0)))
    settings = AnalysisSettings(armed=False)
    camera.configure(settings)
    camera.keep()
    assert [(each.settings, each.kept) for each in (first, second)] == [(settings, 1)] * 2
    assert happened(camera.end(UtcNs(SOME_DAY + 1))) == [("tamper", "cleared"), ("person", "cleared")]
    assert camera.episodes() == []
