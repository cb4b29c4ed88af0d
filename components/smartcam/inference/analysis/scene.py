"""The analysis of whole scenes: one episode a camera, driven by an anomaly score."""

from collections.abc import Sequence
from dataclasses import replace

from smartcam.contract.event import Event, EventKind, NormalBox
from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.inference.analysis.analysis import SceneModel, alarm_policy, can_go_on
from smartcam.inference.analysis.best_picture import BestPicture
from smartcam.inference.events import UNUSUAL, Change, EventMaker, OpenEpisode, Trigger
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.alarm import AlarmState, Observation, Transition, step
from smartcam.vision.frame import Frame
from smartcam.vision.rule import Rule, applies
from smartcam.vision.visibility import Visibility


class SceneAnalysis:
    """One camera's scene."""

    visibility: None = None

    def __init__(self, model: SceneModel, maker: EventMaker, settings: AnalysisSettings) -> None:
        self._model = model
        self._maker = maker
        ((self._label, self._kind),) = model.manifest.events.items()
        self._state = AlarmState()
        self._open: OpenEpisode | None = None
        self._surplus: list[OpenEpisode] = []
        self._last = MonotonicNs(-1)
        self.configure(settings)

    def configure(self, settings: AnalysisSettings) -> None:
        """Go on with other settings; of rules, only their hours and labels apply to a whole scene."""
        self._policy = alarm_policy(self._model.manifest, settings)
        self._rules = settings.effective_rules()

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:  # noqa: ARG002
        """What the frame changes; a scene that cannot be seen well is unusual too."""
        changes = [self._maker.cleared(episode, frame.captured_at) for episode in self._surplus]
        self._surplus = []
        if frame.captured_mono <= self._last:
            return changes
        self._last = frame.captured_mono
        score = float(self._model.scorer.score([frame.picture]))
        rule = self._rule(frame)
        moves = self._state.spent_moves + 1
        observation = Observation(frame.captured_mono, score, moves=moves, allowed=rule is not None)
        self._state, transition = step(self._policy, self._state, observation)
        if transition is Transition.RAISED:
            name = None if rule is None else rule.name
            box = _moving_part(frame)
            sight = Trigger(self._kind, score, self._policy.raise_at, box, self._label, rule=name, cause=UNUSUAL)
            self._open, change = self._maker.raised(sight, frame.captured_at, frame.captured_mono)
            picture = BestPicture()
            picture.consider(frame, box or NormalBox(0.0, 0.0, 1.0, 1.0), self._label)
            changes.append(replace(change, snapshot=picture.of(self._open)))
        elif self._open is not None:
            changes += self._go_on(self._open, transition, score, frame)
        return changes

    def end(self, at: UtcNs) -> list[Change]:
        """The scene's episode ends."""
        ending = self.episodes()
        self._surplus, self._open = [], None
        self._state = AlarmState()
        return [self._maker.cleared(episode, at) for episode in ending]

    def owns(self, event: Event) -> bool:
        """Whatever is no tampering: it ends what it cannot go on with."""
        return event.kind is not EventKind.TAMPER

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume the newest episode of this kind; the others are cleared with the next frame."""
        for episode in sorted(episodes, key=lambda item: item.event.event_id, reverse=True):
            if self._open is None and episode.event.kind is self._kind and can_go_on(episode):
                self._open = episode
                self._state = AlarmState(open=True)
            else:
                self._surplus.append(episode)

    def episodes(self) -> list[OpenEpisode]:
        """The scene's open episode, if any, and those of an earlier process still to be cleared."""
        return [*self._surplus, *([] if self._open is None else [self._open])]

    def keep(self) -> None:
        """Nothing of it outlives the process but the episode."""

    def _rule(self, frame: Frame) -> Rule | None:
        """The first rule whose hours it is."""
        utc = frame.captured_at if self._maker.synced() else None
        return next((rule for rule in self._rules if applies(rule, self._label, utc)), None)

    def _go_on(self, episode: OpenEpisode, transition: Transition | None, score: float, frame: Frame) -> list[Change]:
        if transition is Transition.CLEARED:
            self._open = None
            return [self._maker.cleared(episode, frame.captured_at)]
        self._open, changes = self._maker.refreshed(
            replace(episode, peak=max(episode.peak, score)), frame.captured_mono
        )
        return changes


def _moving_part(frame: Frame) -> NormalBox | None:
    """The box around everything that moves, None in a still picture."""
    if not frame.motion:
        return None
    width, height = frame.picture.width, frame.picture.height
    return NormalBox(
        min(box.x1 for box in frame.motion) / width,
        min(box.y1 for box in frame.motion) / height,
        min(1.0, max(box.x2 for box in frame.motion) / width),
        min(1.0, max(box.y2 for box in frame.motion) / height),
    )
