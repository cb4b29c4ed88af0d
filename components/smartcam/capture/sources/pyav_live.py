"""Live streams through PyAV: RTSP cameras, and V4L2 devices."""

import errno
import logging
import re
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from smartcam.capture.credentials import CameraCredentials, address, has_placeholders, read_credentials
from smartcam.capture.settings import Decoder, RtspTransport, SourceSettings
from smartcam.capture.sources.beginning import Beginning, CatchUp
from smartcam.capture.sources.clip import believable_rate, check_sides
from smartcam.capture.sources.decoders import SOFTWARE, Decode, choose
from smartcam.capture.sources.live import READ_S
from smartcam.capture.sources.packets import PacketTap
from smartcam.capture.sources.pyav_clip import STANDS_OTHERWISE, next_turn, picture_of
from smartcam.capture.sources.redirect import NO_ANSWER, PORTS, refuse_redirect
from smartcam.capture.sources.still_clock import STILL_S, StillClock
from smartcam.capture.sources.streams import tell_chosen, video_streams
from smartcam.capture.sources.tls import authorities, tls_context
from smartcam.contract.errors import CameraLost
from smartcam.edge.logs import log
from smartcam.vision.picture import Picture
from smartcam.vision.turn import AS_IT_IS, Turn

logger = logging.getLogger(__name__)

_OPEN_S: Final = 10.0
_FREE_S: Final = 2.0
"""How long a camera may need to clear away after a caller."""
_FREE_LOOK_S: Final = 0.1
_US_PER_S: Final = 1_000_000
_FAULTS_OF_HARDWARE: Final = 50
"""A hardware decoder that has refused this many packets in a row will refuse the others too."""
_RTSP_OPTIONS: Final = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "protocol_whitelist": "rtsp,rtp,tcp",
    "codec_whitelist": ",".join(SOFTWARE),
    "analyzeduration": str(2 * _US_PER_S),
    "timeout": str(round(_OPEN_S * _US_PER_S)),
}
"""A camera must not make the player open files or other protocols; its sound is not read."""
_SCOPE: Final = re.compile(r"%25(?=[^][/?#]*\])")
"""As RFC 6874 writes it: `[fe80::1%25eth0]`."""
_NOTHING_YET: Final = (av.ExitError, av.BlockingIOError, av.TimeoutError)


class PyAvStream:
    """See `LiveStream`. The pictures are views into the decoder's memory and keep it alive."""

    def __init__(
        self,
        container: InputContainer,
        place: str,
        settings: SourceSettings,
        ready: Callable[[], bool],
        opened_s: float = 0.0,
        tap: PacketTap | None = None,
    ) -> None:
        """`place` names the camera in messages; `ready` waits at most a second for something to read.

        `opened_s`: how long the opening took, while which packets have gathered. `tap` is told of what is shown.
        """
        self._container = container
        self._place = place
        self._camera = settings.camera
        self._ready = ready
        self._tap = tap
        self._decoder = settings.decoder
        streams = video_streams(container, place)
        # A camera may offer a codec that is none of ours beside one that is.
        self._streams = [stream for stream in streams if stream.codec_context.name in SOFTWARE] or streams
        """The first one is shown."""
        self._senders: set[int] = set()
        self._packets = self._demuxed()
        self._turn: Turn = AS_IT_IS
        self._frames: list[VideoFrame] = []
        self._clock = StillClock()
        self._show(self._streams[0])
        self._catch_up = CatchUp(opened_s)

    @property
    def waiting_for(self) -> str:
        """See `LiveStream`."""
        waits = self._beginning.waits_for_key(time.monotonic())
        return f"{self._place}: waiting for a key frame" if waits else ""

    def next(self) -> Picture | None:
        """See `LiveStream`."""
        if not self._frames:
            packet = self._packet()
            if packet is None or not self._is_shown(packet):
                return None
            self._frames += self._decoded(packet)
        if not self._frames:
            return None
        frame = self._frames.pop(0)
        now_s = time.monotonic()
        self._beginning.picture(now_s)
        if self._clock.stands(frame.pts, now_s):
            raise CameraLost(f"{self._place}: the camera's clock has stood still for {STILL_S:.0f} s")
        check_sides(Path(self._place), frame.width, frame.height)
        self._turn = next_turn(frame, self._turn)
        if self._tap is not None and self._turn != AS_IT_IS:
            self._tap.refuse(STANDS_OTHERWISE)
        return None if self._catch_up.is_old(frame.time, now_s) else picture_of(frame, self._turn)

    def _show(self, stream: VideoStream) -> None:
        """From now on the pictures are those of this stream."""
        self._stream = stream
        self.frames_per_second = believable_rate(float(stream.average_rate or stream.guessed_rate or 0))
        self._faults = 0
        self._turn = AS_IT_IS
        self._begin(choose(stream, self._decoder, self._camera))
        if self._tap is not None:
            self._tap.begin(self._container, stream)
        tell_chosen(stream, self._container, self._place)

    def _begin(self, decode: Decode) -> None:
        """A decoder that has seen nothing yet."""
        self._decode = decode
        self._beginning, self._catch_up = Beginning(time.monotonic()), CatchUp(0.0)

    def _is_shown(self, packet: "Packet[VideoStream]") -> bool:
        """Whether the packet is of the stream that is shown; if that one gives nothing, the next one that sends is."""
        now_s, index = time.monotonic(), packet.stream.index
        self._senders.add(index)
        if index == self._stream.index and self._beginning.packet(now_s, is_key=packet.is_keyframe):
            log(logger, logging.INFO, "waiting_for_key_frame", camera=self._camera)
        if self._beginning.gives_nothing(now_s):
            self._show_another()
        if index == self._stream.index:
            return True
        if not self._beginning.is_over:
            # Its decoder goes along: the stream may have to take over long before its next key frame.
            with suppress(av.FFmpegError, OSError):
                packet.decode()
        return False

    def _show_another(self) -> None:
        other = next((each for each in self._streams[1:] if each.index in self._senders), None)
        if other is None:
            return
        log(logger, logging.WARNING, "video_stream_gives_nothing", place=self._place, stream=self._stream.index)
        # Those that were passed over get their turn after the others.
        at = self._streams.index(other)
        self._streams = self._streams[at:] + self._streams[:at]
        self._show(other)

    def close(self) -> None:
        """See `LiveStream`."""
        self._container.close()

    def _demuxed(self) -> "Iterator[Packet[VideoStream]]":
        return self._container.demux(tuple(self._streams))

    def _packet(self) -> "Packet[VideoStream] | None":
        if not self._ready():
            return None
        try:
            packet = next(self._packets, None)
        except _NOTHING_YET:
            # The generator has ended with the error; the connection has not.
            self._packets = self._demuxed()
            return None
        except (av.FFmpegError, OSError) as error:
            # Not chained: the other error's text may hold the address with user and password.
            raise CameraLost(f"{self._place}: {_words(error)}") from None
        if packet is None or packet.size == 0:
            raise CameraLost(f"{self._place}: the camera has ended the stream")
        return packet

    def _decoded(self, packet: "Packet[VideoStream]") -> Sequence[VideoFrame]:
        try:
            frames = self._decode(packet)
        except (av.FFmpegError, OSError) as error:
            # Damaged, or the first packets before a key frame: the decoder goes on with the next.
            self._faults += not self._beginning.waits_for_key(time.monotonic())
            if self._faults == _FAULTS_OF_HARDWARE and self._decode != self._stream.codec_context.decode:
                log(logger, logging.WARNING, "decoder_given_up", camera=self._camera, reason=_words(error))
                self._begin(choose(self._stream, Decoder.SOFTWARE, self._camera))
            return ()
        if self._tap is not None:  # now the decoder knows of a size that has changed
            self._tap.take(packet)
        if frames:
            self._faults = 0
        return frames


def open_rtsp(settings: SourceSettings, tap: PacketTap | None = None) -> PyAvStream:
    """The camera's stream; `tap` is told of its packets.

    Raises:
        CameraLost: it cannot be opened. No message holds the user or the password, whatever FFmpeg says.
    """
    place = settings.url
    scheme, rest = place.split("://", 1)
    # In lower case: FFmpeg would call RTSPS:// without TLS. The scope of a link-local address it takes unquoted.
    target = f"{scheme.lower()}://{_SCOPE.sub('%', rest, count=1)}"
    asks_first = bool(settings.credentials) or settings.is_encrypted
    if settings.credentials:
        login = read_credentials(Path(settings.credentials))
        is_inside = has_placeholders(place)
        _ask_first(settings, address(target, login) if is_inside else target, None if is_inside else login)
        target = address(target, login)
    elif settings.is_encrypted:
        _ask_first(settings, target, None)
    began = time.monotonic()
    try:
        # No limit to a read but FFmpeg's own for each wait: PyAV's would also break off in the middle of a packet.
        # What a camera calls its session is in whatever encoding its maker had.
        options = {"format": "rtsp", "options": rtsp_options(settings), "metadata_errors": "replace"}
        opening = partial(av.open, target, mode="r", timeout=(_OPEN_S, None), **options)
        container = _once_it_is_free(opening) if asks_first else opening()
    except (av.FFmpegError, ValueError, OSError) as error:
        raise CameraLost(f"{place}: {_why_not_open(error, settings, time.monotonic() - began)}") from None
    return _streaming(container, place, settings, lambda: True, time.monotonic() - began, tap)


def _once_it_is_free(opening: Callable[[], InputContainer]) -> InputContainer:
    """A camera that still clears away after our own question refuses the next caller: GStreamer's server with 503."""
    until = time.monotonic() + _FREE_S
    while True:
        try:
            return opening()
        except av.HTTPServerError:
            if time.monotonic() >= until:
                raise
        time.sleep(_FREE_LOOK_S)


def rtsp_options(settings: SourceSettings) -> dict[str, str]:
    """FFmpeg's options for a camera's transport and encryption."""
    options = dict(_RTSP_OPTIONS)
    if settings.rtsp_transport is RtspTransport.UDP:
        # Its datagrams only: whoever reaches the port could send others.
        options |= {"rtsp_transport": "udp", "rtsp_flags": "filter_src", "protocol_whitelist": "rtsp,rtp,tcp,udp"}
    if settings.is_encrypted:
        options |= {"protocol_whitelist": "rtsp,rtp,tcp,tls", "tls_verify": str(int(settings.verify))}
        options |= {"ca_file": authorities(settings)} if settings.verify else {}
    return options


def open_v4l2(settings: SourceSettings) -> PyAvStream:
    """The device's stream.

    Raises:
        CameraLost: it cannot be opened; the message names the device and the cause.
    """
    place = settings.device
    if not Path(place).is_char_device():
        raise CameraLost(f"{place}: {'is not a device' if Path(place).exists() else 'no such device'}")
    options = {"video_size": f"{settings.width}x{settings.height}"}
    if settings.max_fps:
        options["framerate"] = f"{settings.max_fps:g}"
    try:
        # Not as `options`: those go to the decoder too, which would take the requested size for the device's.
        container = av.open(place, mode="r", format="v4l2", container_options=options, timeout=(_OPEN_S, READ_S))
    except (av.FFmpegError, ValueError, OSError) as error:
        raise CameraLost(f"{place}: {_words(error)}") from None
    return _streaming(container, place, settings, _readiness(place))


def _streaming(
    container: InputContainer,
    place: str,
    settings: SourceSettings,
    ready: Callable[[], bool],
    opened_s: float = 0.0,
    tap: PacketTap | None = None,
) -> PyAvStream:
    try:
        return PyAvStream(container, place, settings, ready, opened_s, tap)
    except CameraLost:
        container.close()
        raise


def _readiness(device: str) -> Callable[[], bool]:
    """Waits for the device: FFmpeg's own read never times out, and a dead camera would block the thread."""
    real = Path(device).resolve()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # one that was closed meanwhile
            if entry.readlink() == real:
                descriptor = int(entry.name)
                return lambda: bool(select.select([descriptor], [], [], READ_S)[0])
    return lambda: True


def _ask_first(settings: SourceSettings, target: str, login: CameraCredentials | None) -> None:
    """Raises CameraLost where the camera must not be given what FFmpeg would give it; see `redirect`."""
    context = tls_context(settings) if settings.is_encrypted else None

    def dial(host: str, port: int, is_encrypted: bool) -> socket.socket:  # noqa: FBT001
        line = socket.create_connection((host, port), _OPEN_S)
        return line if context is None or not is_encrypted else context.wrap_socket(line, server_hostname=host)

    try:
        refuse_redirect(target, login, dial, _OPEN_S)
    except CameraLost as loss:
        raise CameraLost(f"{settings.url}: {loss}") from None


def _why_not_open(error: Exception, settings: SourceSettings, after_s: float) -> str:
    if isinstance(error, av.HTTPUnauthorizedError):
        refuses, wants = "refuses the user or the password", "wants a user and a password: name a file in `credentials`"
        return f"the camera {refuses if settings.credentials else wants} (401)"
    if isinstance(error, av.ExitError) or after_s >= _OPEN_S:
        return f"does not answer within {_OPEN_S:.0f} s"
    if isinstance(error, av.InvalidDataError):
        return _reachable(settings.url) or NO_ANSWER
    if getattr(error, "errno", None) == errno.EIO:
        return _reachable(settings.url) or _words(error)
    if getattr(error, "errno", None) == errno.EPROTONOSUPPORT:
        used, other = ("UDP", "tcp") if settings.rtsp_transport is RtspTransport.UDP else ("TCP", "udp")
        return f"the camera does not send its pictures over {used}: write `rtsp_transport: {other}`"
    return _words(error)


def _reachable(url: str) -> str:
    """Why no connection can be made, where FFmpeg's error does not say; empty if one can."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or PORTS[parts.scheme]), READ_S).close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _words(error: Exception) -> str:
    """The cause alone: FFmpeg's errors also name what was opened."""
    return str(getattr(error, "strerror", None) or type(error).__name__)
