"""smartcam-inference as it is, and a line for each look: camera, capture and end in UTC, place in the clip; in ns."""

import sys
import time
from pathlib import Path
from typing import Final
from unittest.mock import patch

from smartcam.contract.inline import InlineFrame
from smartcam.contract.notice import FrameNotice
from smartcam.inference.cameras import Cameras
from smartcam.inference.events import Change
from smartcam.inference.main import main as inference

LOOKS_FILE: Final = "looks"


def main() -> int:
    """As inference's; the lines go into its work folder."""
    look = Cameras.frame
    with Path(LOOKS_FILE).open("w", encoding="utf-8", buffering=1) as lines:

        def counted(
            cameras: Cameras, heard: FrameNotice | InlineFrame, skipped: tuple[FrameNotice, ...] = ()
        ) -> list[Change]:
            before = cameras.counts.analysed
            changes = look(cameras, heard, skipped)
            if cameras.counts.analysed > before:
                notice = heard.notice if isinstance(heard, InlineFrame) else heard
                print(notice.camera_id, notice.captured_at, time.time_ns(), notice.position_ns, file=lines)
            return changes

        with patch.object(Cameras, "frame", counted):
            return inference([])


if __name__ == "__main__":
    sys.exit(main())
