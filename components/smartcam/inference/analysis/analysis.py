"""The interface of one camera's analysis, and the models it works with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smartcam.contract.event import Event
from smartcam.contract.times import UtcNs
from smartcam.inference.events import Change, OpenEpisode
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.manifest import ModelManifest
from smartcam.model.scoring import AnomalyScorer, Detector
from smartcam.vision.alarm import AlarmPolicy
from smartcam.vision.frame import Frame
from smartcam.vision.visibility import Visibility

LONGEST_ABSENCE_S = 180.0
"""An episode stored longer ago is not resumed: the object may be another one by now."""


@dataclass(frozen=True, slots=True)
class ObjectModel:
    """A bundle whose model finds objects."""

    manifest: ModelManifest
    detector: Detector


@dataclass(frozen=True, slots=True)
class SceneModel:
    """A bundle whose model says how unusual the whole scene is."""

    manifest: ModelManifest
    scorer: AnomalyScorer


Model = ObjectModel | SceneModel


class Analysis(Protocol):
    """Turns one camera's frames into changes of episodes. It knows no clock: time comes with the frames.

    A camera has a list of them (`analysers.py`). Each is given a frame, and what those before it found out about it.
    """

    @property
    def visibility(self) -> Visibility | None:
        """How much a detector can see in the last frame; None if this is for others to judge."""

    def update(self, frame: Frame, visibility: Visibility = Visibility.CLEAR) -> list[Change]:
        """What the frame changes. Frames come in order of time; the picture is not kept.

        `visibility` is what the analyses before this one say of the frame.
        """

    def end(self, at: UtcNs) -> list[Change]:
        """No more frames come for now: every open episode ends at this time, and what was tracked is forgotten."""

    def configure(self, settings: AnalysisSettings) -> None:
        """Go on with other settings."""

    def owns(self, event: Event) -> bool:
        """Whether an event's episode is its own to resume, or to end; the first in the list that says so has it."""

    def resume(self, episodes: Sequence[OpenEpisode]) -> None:
        """Resume episodes of an earlier process; those whose objects do not show up again are cleared."""

    def episodes(self) -> list[OpenEpisode]:
        """The episodes that are on."""

    def keep(self) -> None:
        """Store what was learnt for the next process."""


def alarm_policy(manifest: ModelManifest, settings: AnalysisSettings) -> AlarmPolicy:
    """The camera's thresholds, or else the bundle's; clear_at is never above raise_at."""
    raise_at = manifest.thresholds.raise_at if settings.raise_at is None else settings.raise_at
    clear_at = manifest.thresholds.clear_at if settings.clear_at is None else settings.clear_at
    min_frames = manifest.min_frames if settings.min_frames is None else settings.min_frames
    return AlarmPolicy(raise_at, min(clear_at, raise_at), min_frames)


def can_go_on(episode: OpenEpisode) -> bool:
    """Whether the episode was on so recently that the same object may still be there."""
    return episode.age_ms is not None and episode.age_ms <= LONGEST_ABSENCE_S * 1000
