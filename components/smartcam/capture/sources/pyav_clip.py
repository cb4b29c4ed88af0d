"""A clip decoded by PyAV, in this process, on one thread, without a copy of the pictures."""

from collections.abc import Generator
from functools import partial
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import SideDataContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from smartcam.capture.sources.clip import (
    LONGEST_STEP_S,
    ClipPicture,
    Timeline,
    believable_rate,
    check_sides,
    checked_path,
    the_end,
)
from smartcam.capture.sources.packets import PacketTap
from smartcam.capture.sources.stamps import PictureStamps
from smartcam.capture.sources.streams import in_ns, is_bare, moving_stream, says_when_shown
from smartcam.contract.errors import CameraLost
from smartcam.vision.picture import Picture, Plane
from smartcam.vision.turn import AS_IT_IS, Turn, quarter_turn, turn_of, turned

_CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,h264,hevc,vvc,m4v,flv,asf,ogg,ivf,mjpeg"
)
_OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
"""A crafted file must not make the player open addresses or other files."""
_AS_IT_IS: Final = frozenset({"yuv420p", "yuvj420p"})
_US_PER_S: Final = 1_000_000
_CLOCK_IS_SET: Final = 0x200
"""FFmpeg's AVFMT_TS_DISCONT, a property of a container's format."""
STANDS_OTHERWISE: Final = "the source says that its pictures have to be turned"


class PyAvClip:
    """See `Clip`. The pictures are views into the decoder's memory and keep it alive."""

    def __init__(self, path: Path, tap: PacketTap | None = None) -> None:
        """`tap` is told of all packets. Raises CameraLost when the file cannot be opened or holds no video."""
        self._path = checked_path(path)
        self._container, self._stream = moving_stream(partial(_opened, self._path), str(self._path))
        self.frames_per_second = _rate(self._container, self._stream)
        self._timeline = Timeline(self.frames_per_second, self._longest_step_s())
        self._stamps = PictureStamps()
        self._says_when_shown = says_when_shown(self._container)
        self.pictures_stated = self._stream.frames
        self._turn = AS_IT_IS
        self._count = 0
        self._fault = ""
        self._frames = self._decoded()
        self._tap = tap
        if tap is not None:
            tap.begin(self._container, self._stream)

    def next(self) -> ClipPicture:
        """See `Clip`."""
        frame = next(self._frames, None)
        if frame is None:
            raise the_end(self._path, self._count, self._timeline.played_s, self._announced_s(), self._fault)
        check_sides(self._path, frame.width, frame.height)
        self._count += 1
        own = in_ns(frame.pts, frame.time_base or self._stream.time_base) if self._says_when_shown else None
        stamp = self._stamps.picture(own)
        self._turn = next_turn(frame, self._turn)
        if self._tap is not None and self._turn != AS_IT_IS:
            self._tap.refuse(STANDS_OTHERWISE)
        return ClipPicture(picture_of(frame, self._turn), self._timeline.place(stamp))

    def close(self) -> None:
        """See `Clip`."""
        self._frames.close()
        self._container.close()

    def _decoded(self) -> Generator[VideoFrame, None, None]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                self._fault = _words(error)
                return
            if packet is None:
                return
            if packet.size and not packet.is_discard:
                shown = in_ns(packet.pts, packet.time_base) if self._says_when_shown else None
                self._stamps.packet(shown, in_ns(packet.dts, packet.time_base))
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError) as error:
                # One damaged packet: the decoder goes on with the next.
                self._fault = f"damaged: {_words(error)}"
                continue
            if self._tap is not None:
                self._tap.take(packet)
            yield from frames

    def _announced_s(self) -> float:
        """The length that the container states, 0 for unknown: a broadcast's is but the last stamp less the first."""
        stream = self._stream
        if self._container.format.flags & _CLOCK_IS_SET:
            return 0.0
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return (self._container.duration or 0) / _US_PER_S

    def _longest_step_s(self) -> float:
        """A container with an index knows what it says (a picture every two minutes); a broadcast's clock is set."""
        return max(LONGEST_STEP_S, self._announced_s())


def _opened(path: Path) -> InputContainer:
    try:
        # Titles are in whatever encoding their writer had, and are not what is wanted.
        return av.open(f"file:{path}", mode="r", options=dict(_OPTIONS), metadata_errors="replace")
    except (av.FFmpegError, ValueError, OSError) as error:
        raise CameraLost(f"{path}: is not a clip that can be read ({_words(error)})") from error


def _rate(container: InputContainer, stream: VideoStream) -> float:
    """Pictures a second; a bare stream's container knows none and says 25, its headers may know better."""
    rates = stream.average_rate, stream.guessed_rate
    first, second = reversed(rates) if is_bare(container) else rates
    return believable_rate(float(first or second or 0))


def picture_of(frame: VideoFrame, turn: Turn = AS_IT_IS) -> Picture:
    """The frame's planes, cropped to even sides and turned; another pixel format than 4:2:0 is converted first."""
    if frame.format.name not in _AS_IT_IS:
        frame = frame.reformat(format="yuv420p")
    rows, columns = frame.height // 2, frame.width // 2
    y, u, v = (_view(plane) for plane in frame.planes[:3])
    return turned(Picture(y[: 2 * rows, : 2 * columns], u[:rows, :columns], v[:rows, :columns]), turn)


def next_turn(frame: VideoFrame, before: Turn) -> Turn:
    """What makes the right way up of the frame, as its container or its stream says; `before` was the last frame's.

    A container says it for every frame. A stream may say it once, for all frames up to the next key frame.
    """
    try:
        # A frame's own `side_data` refers back to it: each picture would stay until Python looks for such circles.
        # PyAV's stub leaves out the argument.
        stated = SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[call-arg]
    except ValueError:
        # A JPEG's Exif is a kind of side data that this PyAV does not know. What is left is the angle, anticlockwise.
        return quarter_turn(round(-frame.rotation / 90) % 4 * 90)
    if stated is None:
        return AS_IT_IS if frame.key_frame else before
    return turn_of(np.frombuffer(cast("memoryview", stated), np.int32).tolist())


def _view(plane: VideoPlane) -> Plane:
    # PyAV's planes have the buffer protocol, which Python's types cannot say before 3.12.
    whole: Plane = np.frombuffer(cast("memoryview", plane), np.uint8, plane.height * plane.line_size)
    return whole.reshape(plane.height, plane.line_size)[:, : plane.width]


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
