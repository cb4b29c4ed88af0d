"""What every picture of a camera goes through before anybody else sees it: masks, the motion gate, the choice."""

from dataclasses import dataclass
from typing import Final

from smartcam.capture.schedule import Schedule
from smartcam.capture.settings import CameraSettings
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S
from smartcam.vision.mask import PrivacyMask
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.picture import Picture

_BLINK_NS: Final = NS_PER_S * 19 // 100
"""So long the gate may look away while something moves: somebody small walks no farther than it can follow."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What moves, and the picture with its privacy masks blackened where it is to be announced, else None."""

    picture: Picture | None
    motion: tuple[PixelBox, ...]


class Eye:
    """One camera's way of looking. For one thread; a seen picture is valid until the next look.

    The gate blackens the same masks in its own small picture before it computes anything, so that a copy of the whole
    picture is made for those only that anybody else is to see.
    """

    def __init__(self, settings: CameraSettings, frames_per_second: float, memory: bytes = b"") -> None:
        """`memory` is what an earlier eye of this camera has learnt."""
        masks, ignored = settings.masks, settings.ignored
        self.mask = PrivacyMask(masks)
        self._gate = MotionGate(MotionSettings(settings.sensitivity, frames_per_second, (*masks, *ignored)))
        self._schedule = Schedule(settings.analyse_fps, settings.keep_alive_s)
        self._gate.recall(memory)
        self._motion: tuple[PixelBox, ...] = ()
        self._skipped = 0
        self._looked_ns = 0

    def look(self, picture: Picture, timeline_ns: int) -> Seen:
        """Look at the next picture; `timeline_ns` is the source's own time.

        While something moves, a picture of which nobody would be told is not looked at: what moved before still does.
        """
        may_skip = self._motion and 0 <= timeline_ns - self._looked_ns < _BLINK_NS
        if may_skip and not self._schedule.may_tell(timeline_ns):
            self._skipped += 1
            return Seen(None, self._motion)
        self._looked_ns = timeline_ns
        motion = self._motion = self._gate.update(picture.luma, self._skipped)
        self._skipped = 0
        # What follows a change of scene is looked at closely: it may be a hand on the lens, which is no motion.
        is_due = self._schedule.due(timeline_ns, moving=bool(motion) or self._gate.is_unsettled)
        return Seen(self.mask.apply(picture) if is_due else None, motion)

    def remember(self) -> bytes:
        """What has been learnt, for the next eye of this camera."""
        return self._gate.remember()
