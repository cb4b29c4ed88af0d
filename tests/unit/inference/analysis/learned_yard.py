"""A yard that a learned scene watches, drawn, on a clock that runs as fast as it is shown pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.event import Event, NormalBox
from smartcam.contract.ids import EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.normal import NormalAnalysis
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.events import Change
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.encoder import PlaceEncoder
from smartcam.vision.frame import Frame
from smartcam.vision.normal import learner, usual
from smartcam.vision.normal.learner import LearningPlan
from smartcam.vision.picture import Picture
from smartcam.vision.visibility import Visibility
from tests.fakes.clock import SOME_DAY
from tests.unit.inference.stage import YARD, counted_ids, maker
from tests.unit.vision.normal.drawn_looks import HEIGHT, WIDTH, room, with_thing

ON = AnalysisSettings(normal=True)
PLAN = LearningPlan(memory_s=300.0, silent_s=2380.0)
_SPAN_S = 300.0
"""What stands for the learner's half hours, so that it has learnt after some minutes."""
THING = NormalBox(80 / 128, 16 / 64, 104 / 128, 40 / 64)
"""Where the strange thing is."""
STEP_S = 2.0
_VIEWS = 40


@lru_cache(maxsize=4)
def pictures(*, strange: bool, seed: int = 0, left: int = 80) -> tuple[Picture, ...]:
    """The yard with its noise and its light, with the strange thing or without."""
    rng = np.random.default_rng(seed)
    still = with_thing(room(), left) if strange else room()
    colour = np.full((HEIGHT // 2, WIDTH // 2), 140, np.uint8)
    made = []
    for _ in range(_VIEWS):
        luma = np.clip(still * rng.uniform(0.9, 1.1) + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8)
        made.append(Picture(luma, colour, colour))
    return tuple(made)


def no_encoder() -> PlaceEncoder | None:
    return None


def at_second(seconds: float, picture: Picture) -> Frame:
    since_ns = round(seconds * NS_PER_S)
    return Frame(
        YARD, int(seconds * 10), UtcNs(SOME_DAY + since_ns), MonotonicNs(since_ns), since_ns, picture, motion=()
    )


@dataclass(slots=True)
class LearnedYard:
    """An analysis that is shown the yard. Each one's events have ids of their own."""

    analysis: NormalAnalysis
    shared: SharedKnowledge
    at_s: float = 1000.0

    def show(
        self, *, strange: bool = False, seconds: float = 0.0, count: int = 0, left: int = 80, step_s: float = STEP_S
    ) -> list[Change]:
        """So many pictures, a few seconds apart."""
        changes: list[Change] = []
        chosen = pictures(strange=strange, left=left)
        for place in range(count or round(seconds / step_s)):
            self.at_s += step_s
            changes += self.analysis.update(at_second(self.at_s, chosen[place % _VIEWS]), Visibility.CLEAR)
        return changes


def yard(
    memory: MemoryFile | None = None,
    settings: AnalysisSettings = ON,
    encoder: Callable[[], PlaceEncoder | None] = no_encoder,
    new_id: Callable[[UtcNs], EventId] | None = None,
) -> LearnedYard:
    shared = SharedKnowledge()
    ids = replace(maker(), new_id=new_id or counted_ids())
    return LearnedYard(NormalAnalysis(ids, settings, shared, memory, PLAN, encoder), shared)


@lru_cache(maxsize=2)
def what_was_learnt(encoder: Callable[[], PlaceEncoder | None] = no_encoder) -> bytes:
    """What an analysis keeps that has watched the normal yard until it judges."""
    file = _Kept(Path("/nowhere/at/all"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(usual, "SPAN_S", _SPAN_S)
        patch.setattr(learner, "_CALIBRATE_EVERY_S", _SPAN_S)
        young = yard(file, encoder=encoder)
        assert young.show(seconds=2400) == []
    young.analysis.keep()
    return file.content


class _Kept(MemoryFile):
    """A memory in memory."""

    content = b""

    def store(self, content: bytes, *, durable: bool = False) -> None:  # noqa: ARG002
        self.content = content


def watching(folder: Path, settings: AnalysisSettings = ON) -> LearnedYard:
    """An analysis that has learnt the yard, with a memory file."""
    file = MemoryFile(folder / "normal-yard")
    file.store(what_was_learnt())
    begun = yard(file, settings)
    assert begun.show(count=10) == []
    return begun


def events(changes: Sequence[Change]) -> list[Event]:
    return [change.event for change in changes if change.event is not None]
