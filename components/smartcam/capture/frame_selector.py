"""What every picture of a camera goes through first: turning, privacy masks, the motion gate, announcing."""

from dataclasses import dataclass
from typing import Final

from smartcam.capture.schedule import Schedule
from smartcam.capture.settings import SourceSettings
from smartcam.contract.notice import PixelBox
from smartcam.contract.times import NS_PER_S
from smartcam.vision.mask import PrivacyMask
from smartcam.vision.motion import MotionGate, MotionSettings
from smartcam.vision.picture import Picture
from smartcam.vision.turn import turned

_BLINK_NS: Final = NS_PER_S * 19 // 100
"""How long the gate may skip pictures while something moves: even small people do not walk too far to be followed."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What moves, and the picture with its privacy masks blackened if it is to be announced, else None."""

    picture: Picture | None
    motion: tuple[PixelBox, ...]


class FrameSelector:
    """Finds motion in one camera's pictures and selects those to announce. For one thread.

    A selected picture is valid until the next call. The gate blackens the same masks in its own small picture before
    it computes anything, so only pictures that somebody else is to see are copied whole.
    """

    def __init__(self, settings: SourceSettings, frames_per_second: float, memory: bytes = b"") -> None:
        """`memory` is what an earlier selector of this camera has learnt."""
        masks, ignored = settings.masks, settings.ignored
        self.mask = PrivacyMask(masks)
        self._gate = MotionGate(MotionSettings(settings.sensitivity, frames_per_second, (*masks, *ignored)))
        self._turn = settings.turn
        self._schedule = Schedule(settings.analyse_fps, settings.keep_alive_s)
        self._gate.recall(memory)
        self._motion: tuple[PixelBox, ...] = ()
        self._skipped = 0
        self._looked_ns = 0

    def select(self, picture: Picture, timeline_ns: int) -> Selection:
        """Look at the next picture; `timeline_ns` is the source's own time.

        While something moves, a picture that would not be announced is skipped: the motion is assumed to go on.
        """
        may_skip = self._motion and 0 <= timeline_ns - self._looked_ns < _BLINK_NS
        if may_skip and not self._schedule.may_announce(timeline_ns):
            self._skipped += 1
            return Selection(None, self._motion)
        self._looked_ns = timeline_ns
        picture = turned(picture, self._turn)
        motion = self._motion = self._gate.update(picture.luma, self._skipped)
        self._skipped = 0
        self._schedule.haste.watch(timeline_ns, motion, picture.width * picture.height)
        # What follows a change of scene is watched closely: it may be a hand on the lens, which is no motion.
        is_due = self._schedule.due(timeline_ns, moving=bool(motion) or self._gate.is_unsettled)
        return Selection(self.mask.apply(picture) if is_due else None, motion)

    def remember(self) -> bytes:
        """What has been learnt, for the next selector of this camera."""
        return self._gate.remember()
