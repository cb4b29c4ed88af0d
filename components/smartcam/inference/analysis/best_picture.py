"""The best picture of each object so far."""

from dataclasses import dataclass
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.events import EpisodePicture, OpenEpisode
from smartcam.vision.frame import Frame
from smartcam.vision.snapshot import draw, worth

_JUDGE_EVERY_S: Final = 0.4
_NEVER: Final = MonotonicNs(-NS_PER_S)
_BETTER: Final = 1.3
"""How many times better a frame must show the object to be drawn: drawing costs more than judging."""


@dataclass(slots=True)
class BestPicture:
    """The best picture of one object in one episode so far, drawn. Frames are not kept, so it is drawn at once."""

    jpeg: bytes | None = None
    value: float = 0.0
    label: str = ""
    judged_at: MonotonicNs = _NEVER
    is_new: bool = False
    """Whether it is better than the one that was given out."""

    def consider(self, frame: Frame, box: NormalBox | None, label: str) -> None:
        """Draw the frame if it shows the object better, or if the object has a new label."""
        is_due = frame.captured_mono - self.judged_at >= _JUDGE_EVERY_S * NS_PER_S
        if box is None or not (is_due or label != self.label):
            return
        self.judged_at = frame.captured_mono
        value = worth(frame.picture, box)
        if self.jpeg is None or label != self.label or value >= _BETTER * self.value:
            self.jpeg, self.value, self.label, self.is_new = draw(frame.picture, box, label), value, label, True

    def of(self, episode: OpenEpisode) -> EpisodePicture | None:
        """The picture for the episode's event; None if the one given out before is still the best."""
        if self.jpeg is None or not self.is_new:
            return None
        self.is_new = False
        return EpisodePicture(episode.event.camera_id, episode.event.event_id, self.jpeg)
