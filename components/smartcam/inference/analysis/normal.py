"""The analysis of what is normal here: the learned scene, and at most one episode of what is unusual in it."""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from smartcam.contract.event import Event, EventKind
from smartcam.contract.health import SceneHealth
from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.contract.view import ViewedScene
from smartcam.contract.wish import CurvePoint
from smartcam.edge.logs import log_exception
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.analysis import can_go_on
from smartcam.inference.analysis.belonging import Belonging
from smartcam.inference.analysis.best_picture import BestPicture
from smartcam.inference.analysis.learned import LearnedScene, place_encoder
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.events import UNUSUAL, Change, EventMaker, Oddness, OpenEpisode, Trigger
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.encoder import PlaceEncoder
from smartcam.model.looks import Eye
from smartcam.vision.frame import Frame
from smartcam.vision.normal.learner import Judgement, LearningPlan
from smartcam.vision.rule import applies
from smartcam.vision.visibility import Visibility

logger = logging.getLogger(__name__)

_LOOK_EVERY_S: Final = 0.9
"""What lasts for seconds is what counts; a little below the second in which a still camera announces a frame."""
WAIT_S: Final = 1.5
"""How long it waits for the detector, which may have a name for it; what is unusual for one look alone is nothing."""


class NormalAnalysis:
    """One camera's learned scene. Whatever fails in it ends the learning until a restart, and nothing else."""

    visibility: None = None

    def __init__(
        self,
        maker: EventMaker,
        settings: AnalysisSettings,
        shared: SharedKnowledge,
        memory: MemoryFile | None = None,
        plan: LearningPlan | None = None,
        encoder: Callable[[], PlaceEncoder | None] = place_encoder,
        learn: Callable[[CameraId, LearningPlan, Eye, MemoryFile | None], LearnedScene] = LearnedScene,
    ) -> None:
        """`memory` keeps what was learnt; `plan` says how long to learn, the budget is the settings' own.

        `learn` makes what learns, in a way that who plays footage can listen to.
        """
        self._maker = replace(maker, model_name=None, model_version=None)
        self._shared = shared
        self._memory = memory
        self._plan = plan or LearningPlan()
        self._encoder = encoder
        self._learn = learn
        self._scene: LearnedScene | None = None
        shared.curve = lambda: _curve(self._scene)
        self._views = shared.views
        self._has_failed = False
        self._surplus: list[OpenEpisode] = []
        self._whose = Belonging()
        self._since: MonotonicNs | None = None
        self._last = self._looked_at = MonotonicNs(-NS_PER_S)
        self.configure(settings)

    @property
    def scene(self) -> SceneHealth | None:
        """How far the learner has come; None where nothing is learnt."""
        return self._shared.scene

    def configure(self, settings: AnalysisSettings) -> None:
        """Go on with other settings."""
        self._settings = settings
        self._called_false = {each.event_id for each in settings.verdicts if not each.true}
        self._plan = replace(self._plan, budget=settings.alerts_a_day)
        if not settings.normal:
            self.keep()
            self._scene = self._shared.scene = self._shared.look = self._shared.odd = None

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:
        """What the frame changes: about one frame in a second is looked at."""
        changes = [self._maker.cleared(episode, frame.captured_at) for episode in self._surplus]
        self._surplus = []
        at = frame.captured_mono
        if at <= self._last:
            return changes
        self._last = at
        if not self._settings.normal or self._has_failed:
            return [*changes, *self.end(frame.captured_at)]
        if at - self._looked_at >= _LOOK_EVERY_S * NS_PER_S:
            self._looked_at = at
            self._whose.remember(self._shared, frame)
            changes += self._judge(frame, visibility)
        return changes

    def end(self, at: UtcNs) -> list[Change]:
        """No more frames come for now: the episode ends. What was learnt stays."""
        ending = self.episodes()
        self._surplus, self._shared.unusual, self._shared.odd, self._since = [], None, None, None
        self._whose.forget()
        return [self._maker.cleared(episode, at) for episode in ending]

    def owns(self, event: Event) -> bool:
        """What is unusual without a bundle's model having said so."""
        return event.kind is EventKind.ANOMALY and event.model_name is None

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume the newest episode; the others are cleared with the next frame."""
        for episode in sorted(episodes, key=lambda item: item.event.event_id, reverse=True):
            if self._shared.unusual is None and self._settings.normal and can_go_on(episode):
                self._shared.unusual = episode
            else:
                self._surplus.append(episode)

    def episodes(self) -> list[OpenEpisode]:
        """The scene's open episode, if any, and those of an earlier process still to be cleared."""
        own = self._shared.unusual
        return [*self._surplus, *([] if own is None else [own])]

    def keep(self) -> None:
        """Store what was learnt for the next process."""
        try:
            if self._scene is not None:
                self._scene.keep()
        except Exception as error:  # noqa: BLE001  the edge: nothing of the learner's may end the component
            log_exception(logger, "scene_not_kept", error, camera=self._maker.camera)

    def _judge(self, frame: Frame, visibility: Visibility) -> list[Change]:
        changes = self._called_off(frame)
        try:
            scene = self._scene = self._scene or self._learn(
                self._maker.camera, self._plan, Eye(self._encoder()), self._memory
            )
            judged = self._look(scene, frame, visibility)
        except Exception as error:  # noqa: BLE001  the edge: what is learnt must never stop the detector's alarms
            log_exception(logger, "scene_learner_failed", error, camera=self._maker.camera, off_until="a restart")
            self._has_failed, self._scene = True, None
            self._shared.scene = self._shared.look = self._shared.odd = None
            return [*changes, *self.end(frame.captured_at)]
        if judged is not None and judged.unusual:
            changes += self._unusual(scene, judged, frame)
        else:
            self._since = None
        return [*changes, *self._go_on(frame)]

    def _look(self, scene: LearnedScene, frame: Frame, visibility: Visibility) -> Judgement | None:
        """The frame as judged by what was learnt; None where the camera does not see its view."""
        on = self._whose.on(frame.captured_mono)
        event = None if on in self._called_false else on
        scene.plan(self._plan)
        scene.take_verdicts(self._settings.verdicts, event)
        self._shared.look = self._shared.odd = None
        if visibility is Visibility.BLIND or self._shared.is_tampered:
            return None
        if self._views != self._shared.views:
            scene.begin_again("the camera has another view")
        self._views = self._shared.views
        judged = scene.see(frame, event)
        self._shared.scene = scene.health
        self._shared.look = ViewedScene(_share(judged.score), _share(scene.threshold), judged.box)
        if judged.unusual:
            self._shared.odd = judged.box, Oddness(_share(judged.score), judged.reason)
        return judged

    def _called_off(self, frame: Frame) -> list[Change]:
        """The episode ends if a person has called it false."""
        own = self._shared.unusual
        if own is None or own.event.event_id not in self._called_false:
            return []
        self._shared.unusual = None
        return [self._maker.cleared(own, frame.captured_at)]

    def _unusual(self, scene: LearnedScene, judged: Judgement, frame: Frame) -> list[Change]:
        score, own, at = _share(judged.score), self._shared.unusual, frame.captured_mono
        event = self._whose.of(judged.box, at) if own is None else own.event.event_id
        changes: list[Change] = []
        self._since = at if self._since is None else self._since
        if own is not None:
            self._shared.unusual = replace(own, box=judged.box, peak=max(own.peak, score))
        elif event is not None:
            self._shared.note(event, Oddness(score, judged.reason))
        elif at - self._since >= WAIT_S * NS_PER_S and _may_raise(
            self._settings, frame.captured_at if self._maker.synced() else None
        ):
            episode, change = self._raise(scene, judged, score, frame)
            event, changes = episode.event.event_id, [change]
        if event is not None:
            self._whose.belongs(event, judged.box, frame)
        return changes

    def _raise(self, scene: LearnedScene, judged: Judgement, score: float, frame: Frame) -> tuple[OpenEpisode, Change]:
        scene.count_raised()
        self._shared.scene = scene.health
        sight = Trigger(
            kind=EventKind.ANOMALY,
            score=score,
            threshold=_share(scene.threshold),
            box=judged.box,
            label=judged.reason,
            cause=UNUSUAL,
        )
        episode, change = self._maker.raised(sight, frame.captured_at, frame.captured_mono)
        picture = BestPicture()
        picture.consider(frame, judged.box, UNUSUAL)
        self._shared.unusual = episode
        return episode, replace(change, snapshot=picture.of(episode))

    def _go_on(self, frame: Frame) -> list[Change]:
        """The scene's own episode goes on, or has been over since it was last unusual."""
        own, last = self._shared.unusual, self._whose.last
        if own is None:
            return []
        if last is None:  # it is an earlier process's
            self._whose.belongs(own.event.event_id, own.box, frame)
        elif self._whose.on(frame.captured_mono) is None:
            self._shared.unusual = None
            return [self._maker.cleared(own, last.utc)]
        self._shared.unusual, changes = self._maker.refreshed(own, frame.captured_mono)
        return changes


def _curve(scene: LearnedScene | None) -> tuple[CurvePoint, ...]:
    """The scene's curve in the units of views."""
    return tuple(
        CurvePoint(_share(one.threshold), round(one.a_day, 3), round(one.least, 3), round(one.most, 3))
        for one in ([] if scene is None else scene.curve)
    )


def _may_raise(settings: AnalysisSettings, utc: UtcNs | None) -> bool:
    """Whether it is armed, in the hours of any rule: of rules, only their hours apply to a whole scene."""
    return any(applies(replace(rule, labels=()), UNUSUAL, utc) for rule in settings.effective_rules())


def _share(score: float) -> float:
    """The learner's score, which has no upper end, as 0..1 in the same order."""
    return score / (1 + score) if score < math.inf else 1.0
