"""A film of a folder that grows: its file, and what writes packets into it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Generic

from smartcam.capture.recording.bounded_folder import GrowingFile, N
from smartcam.contract.ids import CameraId
from smartcam.contract.times import format_utc
from smartcam.edge.muxing import ClipWriter
from smartcam.edge.ring.packet_ring import VideoPacket


class OpenFilm(Generic[N]):
    """It began with the packet that came at `began`; its last one is shown `length_ns` after its first."""

    def __init__(self, file: GrowingFile[N], first: VideoPacket, camera: CameraId, facts: Mapping[str, object]) -> None:
        """`facts`, and when the film begins, go into it for whoever opens it.

        Raises:
            OSError: it cannot be written.
            ValueError: the packet is none to begin with. In either case nothing is left of it.
        """
        try:
            begins_at = format_utc(first.captured_at)
            comment = json.dumps({**facts, "begins_at": begins_at})
            self._writer = ClipWriter(file, first, f"{camera} {begins_at}", comment)
        except BaseException:
            file.finish()  # whatever it was: it comes again with each packet, and files would be left open
            raise
        self.file = file
        self.began = first.captured_mono
        self.length_ns = 0
        self._first = first

    def takes(self, packet: VideoPacket, longest_ns: int) -> bool:
        """Whether the packet goes into this film: it is of its kind, and does not begin the next one of so long."""
        is_long = packet.captured_mono - self.began >= longest_ns
        return self._writer.fits(packet) and not (packet.is_key and is_long)

    def lacks(self, packet: VideoPacket) -> bool:
        """Whether the packet is shown before the last one that is there: pictures may be sent out of order."""
        return 0 <= packet.show_ns - self._first.show_ns < self.length_ns

    def write(self, packet: VideoPacket) -> None:
        """Append a packet. Raises what `ClipWriter.write` does."""
        if self._writer.write(packet):
            self.length_ns = max(self.length_ns, packet.show_ns - self._first.show_ns)

    def finish(self) -> None:
        """Finish the file, even if its last fragment cannot be written. Raises OSError."""
        try:
            with suppress(ValueError):  # the last packet was none; what is before it is whole
                self._writer.close()
        finally:
            self.file.finish()
