"""The best picture of each object so far."""

from dataclasses import dataclass
from typing import Final

from smartcam.contract.event import NormalBox
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.inference.events import EventPicture, OpenEpisode
from smartcam.vision.frame import Frame
from smartcam.vision.snapshot import draw, worth

_LOOK_EVERY_S: Final = 0.4
_NEVER: Final = MonotonicNs(-NS_PER_S)
_BETTER: Final = 1.3
"""So many times as good must a look be to be drawn anew: drawing costs more than looking."""


@dataclass(slots=True)
class BestPicture:
    """The best look at one object, drawn. A frame's picture is not kept, so it is drawn at once."""

    jpeg: bytes | None = None
    value: float = 0.0
    label: str = ""
    looked_at: MonotonicNs = _NEVER
    is_new: bool = False
    """Whether it is better than the one that was handed out."""

    def consider(self, frame: Frame, box: NormalBox | None, label: str) -> None:
        """Take the frame for the object's picture if it shows it better, or shows it under a better name."""
        is_due = frame.captured_mono - self.looked_at >= _LOOK_EVERY_S * NS_PER_S
        if box is None or not (is_due or label != self.label):
            return
        self.looked_at = frame.captured_mono
        value = worth(frame.picture, box)
        if self.jpeg is None or label != self.label or value >= _BETTER * self.value:
            self.jpeg, self.value, self.label, self.is_new = draw(frame.picture, box, label), value, label, True

    def of(self, episode: OpenEpisode) -> EventPicture | None:
        """The picture for the episode's event; None where the one that was handed out is still the best."""
        if self.jpeg is None or not self.is_new:
            return None
        self.is_new = False
        return EventPicture(episode.event.camera_id, episode.event.event_id, self.jpeg)
