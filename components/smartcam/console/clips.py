"""The clips of events, as capture leaves them in its folder."""

import os
import stat
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from smartcam.contract.ids import CameraId, EventId
from smartcam.edge.clip_name import CAPTIONS, ClipName


class Clips:
    """Reads what is there. Names are read by their form, and a folder is asked for no others."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def by_event(self) -> Mapping[EventId, list[dict[str, object]]]:
        """The finished parts of each event's clip, in order; nothing where the folder cannot be read."""
        found: dict[EventId, list[tuple[ClipName, int]]] = defaultdict(list)
        try:
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    name = ClipName.read(entry.name)
                    if name is not None and entry.is_file(follow_symlinks=False):
                        found[name.event].append((name, entry.stat(follow_symlinks=False).st_size))
        except OSError:  # clips are not kept, or the disk is gone; a clip may go while we look
            pass
        return {
            event: [{"name": str(name), "bytes": size} for name, size in sorted(parts)]
            for event, parts in found.items()
        }

    def path(self, camera: CameraId, name: str) -> Path | None:
        """The file of a camera's clip or of its captions; None where there is none of this name."""
        is_captions = name.endswith(CAPTIONS)
        clip = ClipName.read(name.removesuffix(CAPTIONS) + ".mp4" if is_captions else name)
        if clip is None or clip.camera != camera:
            return None
        path = self._folder / name
        try:
            return path if stat.S_ISREG(path.lstat().st_mode) else None
        except OSError:
            return None
