"""Names of segments, which are kept whether or not anything happens: of which camera they are, and when they begin."""

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from smartcam.contract.ids import CameraId
from smartcam.contract.times import NS_PER_S, MonotonicNs, UtcNs
from smartcam.edge.clock import Clock

_NAME: Final = re.compile(
    r"([A-Za-z0-9_-]{1,64})\.(?:([0-9]{8}T[0-9]{6}Z)|(up-[0-9a-f]{8}-[0-9]{10}))\.([0-9]{3,6})\.mp4", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class SegmentName:
    """What a segment's file is called by: its camera and its begin. Sorts by the begin.

    `utc` is the begin to the second, such as 20261130T092216Z; empty where UTC was not known to be right. Then `up`
    says of which boot it is, and at which second of that.
    """

    utc: str
    up: str
    camera: CameraId
    part: int = 1

    def __str__(self) -> str:
        """The file's name."""
        return f"{self.camera}.{self.utc or self.up}.{self.part:03d}.mp4"

    @classmethod
    def read(cls, name: str) -> "SegmentName | None":
        """The inverse; None for what is no segment's name."""
        found = _NAME.fullmatch(name)
        return None if found is None else cls(found[2] or "", found[3] or "", CameraId(found[1]), int(found[4]))

    @classmethod
    def of(cls, camera: CameraId, captured_at: UtcNs, captured_mono: MonotonicNs, clock: Clock) -> "SegmentName":
        """The name of a segment that begins with a picture of these times."""
        if clock.synced():
            begin = datetime.fromtimestamp(captured_at // NS_PER_S, UTC)
            return cls(f"{begin:%Y%m%dT%H%M%SZ}", "", camera)
        boot = hashlib.sha256(clock.boot_id().encode()).hexdigest()[:8]
        return cls("", f"up-{boot}-{captured_mono // NS_PER_S:010d}", camera)

    def next_part(self) -> "SegmentName":
        """See `FileName`."""
        return replace(self, part=self.part + 1)
