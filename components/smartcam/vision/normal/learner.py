"""The learner: looks go in, how unusual each is comes out, and what is normal is learnt on the way.

A look is judged by what was learnt before it, and only then learnt: so the scores of its own past are those of footage
that it has not learnt, and the threshold can be taken from them.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from smartcam.contract.event import NormalBox
from smartcam.contract.health import SceneStage
from smartcam.vision.normal.calibration import STRICTER, Minutes, Promise, promise
from smartcam.vision.normal.lasting import Strangeness
from smartcam.vision.normal.look import PLACES, Features, Regime, SceneLook, movement
from smartcam.vision.normal.place import PlaceMemory
from smartcam.vision.normal.reason import Reason, box_of, reason_of, region_of
from smartcam.vision.normal.usual import Places, Usual
from smartcam.vision.normal.watched import WatchedMinutes, oddest, score_of

LEARN_EVERY_S: Final = 2.0
"""Looks in between say the same again."""
_LONGEST_STEP_S: Final = 2.0
"""A longer gap between two looks was not watched."""
_GAP_S: Final = 60.0
"""After so long without a look, what is there is seen for the first time."""
_SETTLING_S: Final = 10.0
"""After a gap or a change of regime, while the camera finds its exposure."""
_FEWEST_LOOKS: Final = 100
_CALIBRATE_EVERY_S: Final = 3600.0
_GROWN_UP_S: Final = 86_400.0
"""The minutes of its first day are no measure of a learner's later ones: the first dawn is stranger than any intruder.
Until its fourth day is over it is the first quarter of what it has watched that does not count."""
MOST_HELD: Final = 8
"""Episodes that wait for a verdict."""
MOST_LOOKS_HELD: Final = 4


@dataclass(frozen=True, slots=True)
class LearningPlan:
    """How long to learn for which `budget` of alerts a day.

    For `memory_s` seconds of each regime looks are learnt and none is judged; nothing is unusual before `silent_s`
    seconds in all.
    """

    budget: float = 1.0
    memory_s: float = 3 * 3600.0
    silent_s: float = 12 * 3600.0


@dataclass(frozen=True, slots=True)
class LearnerProgress:
    """How far the learner has come: `hours` watched of the `of_hours` after which the budget can be promised."""

    stage: SceneStage
    hours: float
    of_hours: float
    promise: Promise | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """A look as judged by what was learnt before it.

    `score` is in the threshold's own units, 0 where nothing can be said. `box` and `reason` are there if it is unusual.
    """

    score: float
    unusual: bool
    box: NormalBox | None = None
    reason: Reason | None = None


@dataclass(slots=True)
class Known:
    """What is known of one regime; `fastest` is the most movement of each place."""

    memory: PlaceMemory
    usual: Usual = field(default_factory=Usual)
    fastest: Places = field(default_factory=lambda: np.zeros(PLACES, np.float32))
    seconds: float = 0.0


@dataclass(slots=True)
class Held:
    """An episode that waits for a verdict: its minutes, and some of its looks, the newest last.

    `threshold` is that of its beginning; 0 if there was none, or if an earlier version has stored it.
    """

    event: str
    regime: Regime
    first: int
    last: int
    looks: list[Features]
    threshold: float = 0.0


class SceneLearner:
    """Learns one view of one camera. It knows no clock: times come with the looks. Not thread-safe.

    `width` is the number of a look's features of each place.
    """

    def __init__(self, plan: LearningPlan, width: int, *, again: bool = False) -> None:
        self.plan = plan
        self.width = width
        self.again = again
        self.seconds = 0.0
        self.known = {regime: Known(PlaceMemory(width)) for regime in Regime}
        self.minutes = WatchedMinutes.none()
        self.held: list[Held] = []
        self.promise: Promise | None = None
        self.calibrated_on = Minutes.none()
        """The minutes by which the promise was made."""
        self._strange = Strangeness()
        self._before: SceneLook | None = None
        self._at_s = 0.0
        self._settled_s = 0.0
        self._unlearnt_s = 0.0
        self._calibrated_at_s = 0.0

    @property
    def progress(self) -> LearnerProgress:
        """How far it has come."""
        silent_h = self.plan.silent_s / 3600
        of_hours = max(silent_h, self.seconds / 3600 + (self.promise.hours_needed if self.promise else silent_h))
        if self.seconds < self.plan.silent_s or self.promise is None:
            return LearnerProgress(
                SceneStage.RELEARNING if self.again else SceneStage.LEARNING, self.seconds / 3600, of_hours, None
            )
        return LearnerProgress(SceneStage.WATCHING, self.seconds / 3600, of_hours, self.promise)

    def see(self, look: SceneLook, at_s: float, minute: int, event: str | None = None) -> Judgement:
        """Judge a look at a monotonic time, then learn it.

        `minute` is that of the calendar, for what happens on which day. `event` is the episode that is on, if any:
        while it is, nothing is learnt.

        Raises:
            ValueError: if the look has another number of features.
        """
        if look.features.shape != (PLACES, self.width):
            raise ValueError(f"a look must have ({PLACES}, {self.width}) features, not {look.features.shape}")
        seconds = self._passed(look, at_s)
        before, self._before = self._before, look
        if self._settled_s < _SETTLING_S:
            return Judgement(0.0, unusual=False)
        self.seconds += seconds
        known = self.known[look.regime]
        known.seconds += seconds
        if self.promise is None or self.seconds - self._calibrated_at_s >= _CALIBRATE_EVERY_S:
            self.calibrate()
        moved = np.zeros(PLACES, np.float32) if before is None else movement(before, look)
        judged, steadied = self._judged(known, look, seconds, moved, minute)
        if event is not None:
            self._hold(event, look, minute)
        elif not judged.unusual:
            self._learn(known, look, seconds, steadied, moved)
        return judged

    def verdict(self, event: str, *, true: bool) -> bool:
        """A person has said whether an episode was one; returns whether it was still known.

        A true one was no normal minute; what a false one showed is normal. How odd that was says nothing more, for it
        is known now; that there was one counts: as an episode that was a tenth above the threshold of its time.
        Otherwise a single verdict could deafen a learner whose threshold is above everything seen.
        """
        found = next((held for held in self.held if held.event == event), None)
        if found is None:
            return False
        self.held.remove(found)
        if true:
            self.minutes = self.minutes.without(found.first, found.last)
            return True
        self.minutes = self.minutes.lowered(found.first, found.last, STRICTER * found.threshold, self._reaches())
        if self.minutes.numbers.size and found.last >= self.minutes.numbers[-1]:
            self._strange.unsteady()  # or its last seconds would count in this minute at their full height
        for features in found.looks:
            self.known[found.regime].memory.excuse(features)
        return True

    def calibrate(self) -> None:
        """Find the threshold anew."""
        grown_up = self.minutes.since(min(self.seconds / 4, _GROWN_UP_S))
        self.calibrated_on = seen = grown_up.scored(self._reaches())
        self.promise = promise(seen, self.plan.budget) if seen.numbers.size else None
        self._calibrated_at_s = self.seconds

    def _reaches(self) -> dict[Regime, Places]:
        return {regime: known.usual.reach for regime, known in self.known.items()}

    def _passed(self, look: SceneLook, at_s: float) -> float:
        """The watched seconds since the look before."""
        before = self._before
        passed = at_s - self._at_s
        seconds = 0.0 if before is None else min(max(passed, 0.0), _LONGEST_STEP_S)
        self._at_s = at_s
        if before is not None and (before.regime is not look.regime or abs(passed) > _GAP_S):
            self._strange.forget()
            self._settled_s, self._before = 0.0, None
        self._settled_s += seconds
        return seconds

    def _judged(
        self, known: Known, look: SceneLook, seconds: float, moved: Places, minute: int
    ) -> tuple[Judgement, Places | None]:
        if known.memory.looks < _FEWEST_LOOKS:
            return Judgement(0.0, unusual=False), None
        steadied = self._strange.steadied(known.memory.distances(look.features), seconds)
        if not known.usual.known:
            return Judgement(0.0, unusual=False), steadied
        _, new = self._strange.fresh(steadied, known.usual, seconds)
        places = oddest(new)
        score = score_of(new[places])
        threshold = self.promise.threshold if self.progress.stage is SceneStage.WATCHING and self.promise else np.inf
        self.minutes = self.minutes.with_look(
            minute, look.regime, places, new[places] * known.usual.reach[places], score, self.seconds
        )
        region = region_of(new) if score > threshold else None
        if region is None:
            return Judgement(score, unusual=False), steadied
        why = reason_of(region, known.usual.reach, moved, known.fastest)
        return Judgement(score, unusual=True, box=box_of(region), reason=why), steadied

    def _learn(self, known: Known, look: SceneLook, seconds: float, steadied: Places | None, moved: Places) -> None:
        self._unlearnt_s += seconds
        if self._unlearnt_s >= LEARN_EVERY_S or known.memory.looks < _FEWEST_LOOKS:
            known.memory.learn(look.features)
            self._unlearnt_s = 0.0
        if steadied is not None and known.seconds >= self.plan.memory_s:
            known.usual.learn(steadied, seconds)
            np.maximum(known.fastest, moved, out=known.fastest)

    def _hold(self, event: str, look: SceneLook, minute: int) -> None:
        held = next((one for one in self.held if one.event == event), None)
        if held is None:
            # The look that raised it is not held, and may be of the minute before.
            threshold = self.promise.threshold if self.promise else 0.0
            begun = Held(event, look.regime, max(minute - 1, 0), minute, [], threshold)
            self.held = [*self.held, begun][-MOST_HELD:]
            held = self.held[-1]
        held.last = max(held.last, minute)
        # Of a lasting episode its beginning and its end: what came, and what stays.
        if look.regime is held.regime:
            held.looks = [*held.looks[: MOST_LOOKS_HELD - 1], look.features]
