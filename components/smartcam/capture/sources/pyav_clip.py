"""A clip decoded by PyAV, in this process, on one thread, without a copy of the pictures."""

from collections.abc import Generator
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from smartcam.capture.sources.clip import ClipPicture, Timeline, believable_rate, check_sides, checked_path, the_end
from smartcam.contract.errors import CameraLost
from smartcam.contract.times import NS_PER_S
from smartcam.vision.picture import Picture, Plane
from smartcam.vision.turn import AS_IT_IS, Turn, quarter_turn, turn_of, turned

_CONTAINERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,h264,hevc,m4v,flv,asf,ogg,ivf,mjpeg"
)
_OPTIONS: Final = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
"""A crafted file must not make the player open addresses or other files."""
_AS_IT_IS: Final = frozenset({"yuv420p", "yuvj420p"})
_US_PER_S: Final = 1_000_000


class PyAvClip:
    """See `Clip`. The pictures are views into the decoder's memory and keep it alive."""

    def __init__(self, path: Path) -> None:
        """Raises CameraLost when the file cannot be opened or holds no video."""
        self._path = checked_path(path)
        try:
            self._container: InputContainer = av.open(f"file:{self._path}", mode="r", options=dict(_OPTIONS))
        except (av.FFmpegError, ValueError, OSError) as error:
            raise CameraLost(f"{path}: is not a clip that can be read ({_words(error)})") from error
        try:
            self._stream = video_stream(self._container, str(self._path))
        except CameraLost:
            self._container.close()
            raise
        self.frames_per_second = believable_rate(float(self._stream.average_rate or self._stream.guessed_rate or 0))
        self.pictures_stated = self._stream.frames
        self._timeline = Timeline(self.frames_per_second)
        self._turn = AS_IT_IS
        self._count = 0
        self._fault = ""
        self._frames = self._decoded()

    def next(self) -> ClipPicture:
        """See `Clip`."""
        frame = next(self._frames, None)
        if frame is None:
            raise the_end(self._path, self._count, self._timeline.played_s, self._announced_s(), self._fault)
        check_sides(self._path, frame.width, frame.height)
        self._count += 1
        stamp = frame.pts
        base = frame.time_base or self._stream.time_base
        stamp_ns = None if stamp is None or base is None else stamp * base.numerator * NS_PER_S // base.denominator
        self._turn = next_turn(frame, self._turn)
        return ClipPicture(picture_of(frame, self._turn), self._timeline.place(stamp_ns))

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
            try:
                frames = packet.decode()
            except (av.FFmpegError, OSError) as error:
                # One damaged packet: the decoder goes on with the next.
                self._fault = f"damaged: {_words(error)}"
                continue
            yield from frames

    def _announced_s(self) -> float:
        stream = self._stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        return (self._container.duration or 0) / _US_PER_S


def video_stream(container: InputContainer, place: str) -> VideoStream:
    """The container's first video stream, decoded in one thread. Raises CameraLost if there is none."""
    if not container.streams.video:
        raise CameraLost(f"{place}: has no video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise CameraLost(f"{place}: no decoder for its video stream")
    # One thread: frame threads cost latency and memory, and the cores belong to the models.
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    return stream


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
        stated = frame.side_data.get("DISPLAYMATRIX")
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
