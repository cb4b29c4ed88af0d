"""What a source gives to the service."""

from dataclasses import dataclass
from typing import Protocol

from smartcam.contract.times import MonotonicNs, UtcNs
from smartcam.vision.picture import Picture


@dataclass(frozen=True, slots=True)
class TimedPicture:
    """A picture with both clocks at the moment it was taken.

    `position_ns` is the place within a clip (0 for a live source). `timeline_ns` is the source's own time, by which
    pictures are selected: the position of a clip, the monotonic clock of a live source.
    """

    picture: Picture
    position_ns: int
    timeline_ns: int
    captured_at: UtcNs
    captured_mono: MonotonicNs


class FrameSource(Protocol):
    """An open source. For one thread."""

    @property
    def frames_per_second(self) -> float:
        """Pictures a second as stated by the source; 0 if it states none."""

    @property
    def late(self) -> int:
        """Pictures that came too late."""

    @property
    def waiting_for(self) -> str:
        """Why no picture comes from a camera that sends; empty if pictures come, or nothing does."""

    def read(self) -> TimedPicture | None:
        """The next picture; None when none has come for about a second.

        Raises:
            CameraEnded: a clip has played to its end.
            CameraLost: there will be no more pictures.
        """

    def close(self) -> None:
        """Close the source; closing twice is allowed."""
