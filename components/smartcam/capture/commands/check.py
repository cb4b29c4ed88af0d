"""`smartcam-capture --check` and `--once`: what a configuration would do, and one frame from each camera."""

import importlib.util
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TextIO

from smartcam.capture.credentials import read_credentials
from smartcam.capture.settings import Decoder, SourceKind, SourceSettings, TransportKind, read_settings
from smartcam.capture.sources.clip import checked_path
from smartcam.capture.sources.tls import authorities, tls_context
from smartcam.contract.errors import CameraLost, SettingsError
from smartcam.contract.inline import decode_chunk, is_chunk
from smartcam.contract.notice import CameraState, FrameNotice, decode_notice
from smartcam.edge.bus.port import LocalBus, NoSubscription, OnMessage, Subscription
from smartcam.edge.lifecycle import Service, StopToken
from smartcam.vision.turn import AS_IT_IS

_NO_CLIPS: Final = "the day, which are made of clips, and none are kept: set clips.keep"
_SPARE_S: Final = 15.0
"""How long a camera may take to be opened, on top of the time that it may be silent."""


def check(document: Mapping[str, object], ring_folder: Path, out: TextIO) -> int:
    """Say what the configuration would do and what is wrong with it. Opens no camera; 0 when nothing is wrong."""
    try:
        cameras = read_settings(document).cameras
    except SettingsError as error:
        out.writelines(f"wrong: {each}\n" for each in (error, *error.also))
        return 1
    if not cameras:
        out.write("wrong: no cameras; set cameras in the configuration of smartcam.Capture\n")
        return 1
    faults = 0
    for camera in cameras:
        out.write(f"camera {camera.camera}: {plan(camera, ring_folder)}\n")
        for fault in camera_faults(camera, ring_folder):
            out.write(f"  wrong: {fault}\n")
            faults += 1
    return 1 if faults else 0


def plan(camera: SourceSettings, ring_folder: Path) -> str:
    """What the camera's settings mean, in one line."""
    parts = [f"{camera.source} {camera.place}"]
    if camera.source is SourceKind.FILE:
        parts.append(f"{camera.pacing} pace, at its end {camera.at_end}")
    if camera.source is SourceKind.RTSP:
        parts.append(_call(camera))
        secret = f"user and password from {camera.credentials}" if camera.credentials else "without a password"
        parts += [secret, f"decoded by {camera.decoder}"]
    if camera.source in (SourceKind.V4L2, SourceKind.PICAMERA):
        parts.append(f"asked for {camera.width}x{camera.height}")
    if camera.turn != AS_IT_IS:
        mirrored = ", mirrored" if camera.mirror else ""
        parts.append(f"turned by {camera.rotate} degrees{mirrored}")
    parts += _unseen(camera)
    parts.append(f"at most {camera.max_fps:g} pictures a second" if camera.max_fps else "every picture analysed")
    parts.append(f"motion announced {camera.analyse_fps:g} times a second, a frame every {camera.keep_alive_s:g} s")
    parts.append(
        {
            TransportKind.AUTO: f"shared memory in {ring_folder}, else inline up to {camera.inline_side} pixels",
            TransportKind.SHARED: f"shared memory in {ring_folder}",
            TransportKind.INLINE: f"inline up to {camera.inline_side} pixels",
        }[camera.transport]
    )
    return ", ".join([*parts, *_kept(camera)])


def _kept(camera: SourceSettings) -> Iterator[str]:
    """What stays of the pictures."""
    what = "of what it sends" if camera.may_keep_packets else "encoded from what inference sees"
    if camera.clips.keep:
        span = f"from {camera.clips.before_s:g} s before an event until {camera.clips.after_s:g} s after it"
        yield f"clips {span}, {what}"
    if camera.clips.highlights:
        days = f"each day by the clock of {camera.clips.timezone}"
        yield f"highlights of {days}" if camera.clips.keep else f"no highlights of {_NO_CLIPS}"
    if camera.recording.keep:
        yield f"recorded all the time, {what}, for {camera.recording.hours} h"
    if camera.collect_footage:
        yield f"collects a picture every {camera.footage.every_s:g} s for training"


def _unseen(camera: SourceSettings) -> Iterator[str]:
    """What is blackened, and where motion starts nothing."""
    if camera.masks:
        yield f"blackened: {', '.join(each.name for each in camera.masks)}"
    if camera.ignored:
        yield f"motion ignored in {', '.join(each.name for each in camera.ignored)}"


def _call(camera: SourceSettings) -> str:
    """How an RTSP camera is called."""
    if not camera.is_encrypted:
        return f"over {camera.rtsp_transport.upper()}, not encrypted"
    checked = f"its certificate checked against {authorities(camera)}" if camera.verify else "its certificate unchecked"
    return f"over TLS, {checked}"


def camera_faults(camera: SourceSettings, ring_folder: Path) -> Iterator[str]:
    """What would keep the camera from running, as far as it can be known without opening it."""
    try:
        if camera.source is SourceKind.FILE:
            checked_path(camera.path)
        if camera.credentials:
            read_credentials(Path(camera.credentials))
        if camera.is_encrypted:
            tls_context(camera)
    except CameraLost as loss:
        yield str(loss)
    if camera.source is SourceKind.V4L2 and not Path(camera.device).is_char_device():
        yield f"{camera.device}: no such device"
    if camera.source is SourceKind.PICAMERA and importlib.util.find_spec("picamera2") is None:
        yield "picamera2 cannot be imported; apt install python3-picamera2"
    if camera.source in (SourceKind.RTSP, SourceKind.V4L2):
        yield from _decoder_faults(camera.decoder)
    if camera.transport is not TransportKind.INLINE and not os.access(ring_folder, os.W_OK | os.X_OK):
        yield f"{ring_folder}: not a writable folder for shared memory"


def _decoder_faults(decoder: Decoder) -> Iterator[str]:
    try:
        from smartcam.capture.sources.decoders import offered  # noqa: PLC0415  PyAV may be missing
    except ImportError as error:
        yield f"PyAV cannot be imported ({error})"
        return
    if decoder not in (Decoder.AUTO, *offered()):
        yield f"decoder {decoder}: this FFmpeg has {', '.join(offered())}; software would be used"


class OnceBus:
    """Hands on what one camera says until its first frame is out. See `LocalBus`."""

    def __init__(self, inner: LocalBus | None, stop: StopToken) -> None:
        self.out = ""
        self.fault = ""
        self._inner = inner
        self._stop = stop

    def publish_local(self, topic: str, payload: bytes) -> None:
        """See `LocalBus`."""
        if self._inner is not None:
            self._inner.publish_local(topic, payload)
        if is_chunk(payload):
            chunk = decode_chunk(payload)
            if chunk.number == chunk.count - 1:
                self._is_out(f"inline in {chunk.count} messages")
            return
        notice = decode_notice(payload)
        if isinstance(notice, FrameNotice):
            self._is_out(f"{notice.width}x{notice.height} in shared memory")
        elif notice.state is not CameraState.RUNNING and not self.out:
            self.fault = notice.reason or str(notice.state)
            self._stop.set()

    def subscribe_local(self, topic: str, on_message: OnMessage) -> Subscription:
        """See `LocalBus`."""
        return NoSubscription() if self._inner is None else self._inner.subscribe_local(topic, on_message)

    def _is_out(self, how: str) -> None:
        self.out = self.out or how
        self._stop.set()


def one_frame_each(
    cameras: tuple[SourceSettings, ...],
    inner: LocalBus | None,
    build: Callable[[SourceSettings, LocalBus], Service],
    out: TextIO,
) -> int:
    """Take one frame of each camera all the way to its notice; 0 if each camera gave one."""
    missing = 0
    for camera in cameras:
        how, fault = _one_frame(camera, inner, build)
        missing += bool(fault)
        out.write(f"camera {camera.camera}: {fault or f'a frame went out, {how}'}\n")
        out.flush()
    return 1 if missing or not cameras else 0


def _one_frame(
    camera: SourceSettings, inner: LocalBus | None, build: Callable[[SourceSettings, LocalBus], Service]
) -> tuple[str, str]:
    """How the frame was sent, or why none was; one of the two is empty."""
    stop = StopToken()
    bus = OnceBus(inner, stop)
    service = build(camera, bus)
    limit_s = camera.start_delay_s + camera.stall_s + _SPARE_S
    timer = threading.Timer(limit_s, stop.set)
    timer.start()
    try:
        service.run(stop)
    finally:
        timer.cancel()
        timer.join()
    return bus.out, "" if bus.out else (bus.fault or f"no frame within {limit_s:.0f} s")
