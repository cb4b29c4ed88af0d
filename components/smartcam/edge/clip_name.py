"""What a clip's file is called by: capture writes them, and whoever shows them finds them by their names."""

import re
from dataclasses import dataclass, replace
from typing import Final

from smartcam.contract.ids import CameraId, EventId

CLIP_FOLDER: Final = "clips"
"""In capture's work folder."""
CAPTIONS: Final = ".vtt"
"""The ending of a clip's captions, which lie beside it."""
_NAME: Final = re.compile(r"([0-9a-f-]{36})\.([A-Za-z0-9_-]{1,64})\.([0-9]{3,6})\.mp4", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class ClipName:
    """What a clip's file is called by; sorts by the time of the event."""

    event: EventId
    camera: CameraId
    part: int

    def __str__(self) -> str:
        """The file's name."""
        return f"{self.event}.{self.camera}.{self.part:03d}.mp4"

    @classmethod
    def read(cls, name: str) -> "ClipName | None":
        """The inverse; None for what is no clip's name."""
        found = _NAME.fullmatch(name)
        return None if found is None else cls(EventId(found[1]), CameraId(found[2]), int(found[3]))

    def next_part(self) -> "ClipName":
        """The name of the part with which the clip goes on."""
        return replace(self, part=self.part + 1)
