"""One camera's learned scene: the learner with its eye, its memory on the disk, and what it has raised."""

import logging
import math
from collections.abc import Sequence
from functools import cache
from typing import Final

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.health import SceneHealth
from smartcam.contract.ids import CameraId, EventId
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.wanted import Verdict
from smartcam.contract.wish import MOST_CURVE_POINTS
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.scene_memory import MOST_RAISED, KeptScene, SceneMemory
from smartcam.model.encoder import PlaceEncoder, open_place_encoder
from smartcam.model.looks import Eye
from smartcam.vision.frame import Frame
from smartcam.vision.normal.calibration import BudgetPoint, Minutes, budget_curve, drifts
from smartcam.vision.normal.learner import Judgement, LearningPlan, SceneLearner
from smartcam.vision.normal.look import Regime

logger = logging.getLogger(__name__)

_KEEP_S: Final = 50.0
"""How often it is stored: no more than a minute of learning is lost, whatever happens."""
_MINUTE_NS: Final = 60 * NS_PER_S
_DAY: Final = 24 * 60
_COUNTED: Final = 7 * _DAY
"""Minutes over which what was raised is compared with the budget."""
_HOURS_A_DAY: Final = 24.0
"""Of fewer hours of watching the first alarm alone would be more than chance allows."""
_MOST_A_DAY: Final = 200.0
"""Alerts that the curve shows: twice what a budget is chosen from."""
_ASPECT_STEPS: Final = 50
_SHAPE_S: Final = 60.0
"""How long another shape must last to be another view: a camera that starts may show one for a moment."""


@cache
def place_encoder() -> PlaceEncoder | None:
    """The encoder, one for all cameras of this process; None, and said once, where it cannot be used."""
    try:
        return open_place_encoder()
    except ModelIntegrityError as error:
        log(logger, logging.WARNING, "encoder_unusable", error=error, instead="looks are measured by hand alone")
        return None


class LearnedScene:
    """For one thread. Minutes are counted by the monotonic clock from process to process: no step of UTC matters."""

    def __init__(self, camera: CameraId, plan: LearningPlan, eye: Eye, memory: MemoryFile | None) -> None:
        """Goes on with what the memory holds; begins anew, and says so, if that is damaged or another eye's."""
        self._camera = camera
        self._eye = eye
        self._memory = None if memory is None else SceneMemory(memory, camera)
        self._regime: Regime | None = None
        self._aspect = 0
        self._other_since: MonotonicNs | None = None
        self._raised: list[int] = []
        self._since: MonotonicNs | None = None
        self._keep_at = MonotonicNs(0)
        self._is_new = False
        self._is_unstored = False
        self._health: SceneHealth | None = None
        self._curve: tuple[Minutes, Sequence[BudgetPoint]] | None = None
        self._learner = self._recalled(plan) or SceneLearner(plan, eye.width)
        self._first = self._minute = 1 + max(
            [0, *self._learner.minutes.numbers[-1:].tolist(), *(held.last for held in self._learner.held)]
        )

    @property
    def health(self) -> SceneHealth:
        """How far it has come, and whether what was raised fits the budget; worked out once a minute."""
        if self._health is None:
            self._health = self._worked_out()
        return self._health

    @property
    def threshold(self) -> float:
        """The score above which a look is unusual; infinite as long as none is."""
        promise = self._learner.promise
        return math.inf if promise is None else promise.threshold

    @property
    def curve(self) -> Sequence[BudgetPoint]:
        """What thresholds are worth by the minutes of the last calibration; worked out for who asks, once for each."""
        if self._curve is None or self._curve[0] is not self._learner.calibrated_on:
            minutes = self._learner.calibrated_on
            self._curve = minutes, budget_curve(minutes, MOST_CURVE_POINTS, _MOST_A_DAY)
        return self._curve[1]

    def see(self, frame: Frame, event: EventId | None) -> Judgement:
        """Judge a frame, then learn it unless it belongs to an event; store what is known now and then.

        Raises:
            ModelIntegrityError: if the encoder fails.
        """
        at = frame.captured_mono
        if self._since is None:
            self._since, self._keep_at = at, MonotonicNs(at + round(_KEEP_S * NS_PER_S))
        minute = self._first + max(at - self._since, 0) // _MINUTE_NS
        if minute != self._minute:
            self._minute = minute
            self._follow_health()
        aspect = round(_ASPECT_STEPS * frame.picture.width / frame.picture.height)
        if self._aspect in {0, aspect}:
            self._other_since = None
        else:
            self._other_since = at if self._other_since is None else self._other_since
            if at - self._other_since < _SHAPE_S * NS_PER_S:
                return Judgement(0.0, unusual=False)
            self._other_since = None
            self.begin_again("the picture has another shape")
        self._aspect = aspect
        look = self._eye.look(frame.picture, self._regime)
        self._regime, self._is_new = look.regime, True
        judged = self._learner.see(look, at / NS_PER_S, self._minute, event)
        if at >= self._keep_at:
            self.keep(whole=False)
            self._keep_at = MonotonicNs(at + round(_KEEP_S * NS_PER_S))
        return judged

    def count_raised(self) -> None:
        """An event was raised just now."""
        recent = (each for each in self._raised if each > self._minute - _COUNTED)
        self._raised, self._health = [*recent, self._minute][-MOST_RAISED:], None

    def plan(self, plan: LearningPlan) -> None:
        """Go on with another plan: another budget has another threshold."""
        if plan != self._learner.plan:
            self._learner.plan, self._health = plan, None
            self._learner.calibrate()

    def take_verdicts(self, verdicts: Sequence[Verdict], on: EventId | None) -> None:
        """What people have said of events, but for the one that is on; what was taken once is not taken again."""
        held = {each.event for each in self._learner.held} - {on}
        for verdict in verdicts:
            if verdict.event_id in held and self._learner.verdict(verdict.event_id, true=verdict.true):
                self._learner.calibrate()
                facts = {"event_id": verdict.event_id, "true": verdict.true}
                log(logger, logging.INFO, "verdict_taken", camera=self._camera, **facts)

    def begin_again(self, reason: str) -> None:
        """What is learnt is that of another view: it is forgotten, on the disk too."""
        log(logger, logging.WARNING, "scene_begins_again", camera=self._camera, reason=reason)
        self._learner = SceneLearner(self._learner.plan, self._eye.width, again=True)
        self._raised, self._is_new = [], True
        self._follow_health()
        self.keep(of_this_view=True)

    def keep(self, *, whole: bool = True, of_this_view: bool = False) -> None:
        """Store it for the next process; a disk that takes nothing is said once.

        Not the `whole`: what has changed is enough. `of_this_view`: what an earlier version has kept is forgotten.
        """
        if self._memory is None or not self._is_new:
            return
        try:
            self._memory.keep(self._kept(), whole=whole)
            if of_this_view:
                self._memory.forget_aside()
            self._is_new = self._is_unstored = False
        except OSError as error:
            if not self._is_unstored:
                log(logger, logging.WARNING, "scene_not_stored", camera=self._camera, error=error)
            self._is_unstored = True

    def content(self) -> bytes:
        """What a memory file of this scene holds."""
        return self._kept().to_bytes()

    def _kept(self) -> KeptScene:
        return KeptScene(self._learner, self._aspect, self._raised)

    def _recalled(self, plan: LearningPlan) -> SceneLearner | None:
        if self._memory is None:
            return None
        try:
            kept = self._memory.recall(plan, self._eye.width)
        except OSError as error:
            log(logger, logging.WARNING, "scene_not_stored", camera=self._camera, error=error)
            self._memory = None  # it would overwrite what it could not put aside
            return None
        if kept is None:
            return None
        self._aspect, self._raised = kept.aspect, kept.raised
        return kept.learner

    def _follow_health(self) -> None:
        """What has changed meanwhile; another stage is said."""
        before, self._health = self._health, self._worked_out()
        if before is None or before.stage is not self._health.stage:
            facts = {"hours": self._health.hours, "of_hours": self._health.of_hours}
            log(logger, logging.INFO, "scene_stage", camera=self._camera, stage=self._health.stage, **facts)

    def _worked_out(self) -> SceneHealth:
        progress, plan = self._learner.progress, self._learner.plan
        watched = progress.hours - plan.silent_s / 3600
        hours = min(max(watched, _HOURS_A_DAY), _COUNTED / 60)
        counted = sum(minute > self._minute - _COUNTED for minute in self._raised)
        return SceneHealth(
            stage=progress.stage,
            hours=progress.hours,
            of_hours=progress.of_hours,
            budget=plan.budget,
            raised=sum(minute > self._minute - _DAY for minute in self._raised),
            drift=drifts(counted, hours, plan.budget),
        )
