"""The cameras that the kernel knows as V4L2 devices: asked by ioctl, without taking a picture.

The structures are those of the kernel's `include/uapi/linux/videodev2.h`.
"""

import errno
import fcntl
import os
import re
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.cameras.findings import Findings, FoundCamera, fitting, objection, plain

Ioctl = Callable[[int, int, bytearray], object]

QUERYCAP: Final = 0x8068_5600
ENUM_FMT: Final = 0xC040_5602
ENUM_FRAMESIZES: Final = 0xC02C_564A
CAPABILITY: Final = struct.Struct("<16s32s32s3I12x")
FORMAT: Final = struct.Struct("<3I32s4s16x")
FRAME_SIZE: Final = struct.Struct("<I4sI6I8x")
VIDEO_CAPTURE: Final = 0x0000_0001
STREAMING: Final = 0x0400_0000
DEVICE_CAPS: Final = 0x8000_0000
_DISCRETE: Final = 1
_MOST: Final = 64
_PARTS_OF_THE_PI: Final = frozenset(
    {"unicam", "rp1-cfe", "pispbe", "bcm2835-isp", "bcm2835-codec", "bcm2835_isp", "rpi-hevc-dec", "rpivid"}
)
"""Drivers of the Raspberry Pi's camera pipeline: their nodes give raw sensor lines or only convert pictures."""
_STABLE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_REMEDIES: Final = {
    errno.EACCES: "no permission: add yourself to the group video (sudo usermod -aG video $USER) and log in again",
    errno.EPERM: "no permission: a container needs the device (--device) as well as the group video",
}


@dataclass(frozen=True, slots=True)
class VideoNode:
    """What a capture device says of itself."""

    name: str
    driver: str
    formats: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]


def v4l2_cameras(root: Path = Path("/"), ioctl: Ioctl = fcntl.ioctl) -> Findings:
    """Every V4L2 device that gives pictures. `root` is where /dev and /sys are."""
    numbers = [entry.name for entry in _entries(root / "sys/class/video4linux")]
    nodes = sorted((name for name in numbers if re.fullmatch(r"video\d{1,3}", name)), key=lambda name: int(name[5:]))
    found: list[FoundCamera] = []
    remarks: list[str] = []
    for name in nodes:
        device = root / "dev" / name
        try:
            node = _asked(device, ioctl)
        except OSError as error:
            remedy = _REMEDIES.get(error.errno or 0, os.strerror(error.errno or 0))
            remarks.append(f"/dev/{name}: {remedy}")
            continue
        if node is not None and node.driver not in _PARTS_OF_THE_PI:
            found.append(_camera(node, _stable_path(root, name)))
    return Findings(tuple(found), tuple(remarks))


def _camera(node: VideoNode, device: str) -> FoundCamera:
    width, height = fitting(node.sizes)
    settings = {"source": "v4l2", "device": device, "width": width, "height": height}
    sizes = ", ".join(f"{one[0]}x{one[1]}" for one in sorted(node.sizes, reverse=True)[:12])
    remarks = [f"offers {sizes or 'sizes that it does not list'} ({', '.join(node.formats) or 'no format'})"]
    if problem := objection(settings):
        return FoundCamera(node.name, remarks=(*remarks, f"{device} cannot be used: {problem}"))
    return FoundCamera(node.name, settings, tuple(remarks))


def _asked(device: Path, ioctl: Ioctl) -> VideoNode | None:
    """None for a device that gives no pictures: the second node of a webcam, a decoder."""
    descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        answer = bytearray(CAPABILITY.size)
        try:
            ioctl(descriptor, QUERYCAP, answer)
        except OSError as error:
            if error.errno in {errno.ENOTTY, errno.EINVAL}:
                return None
            raise
        driver, card, _, _, every, own = CAPABILITY.unpack(answer)
        able = own if every & DEVICE_CAPS else every
        if able & (VIDEO_CAPTURE | STREAMING) != VIDEO_CAPTURE | STREAMING:
            return None
        formats = list(_formats(descriptor, ioctl))
        sizes = {size for each in formats for size in _sizes(descriptor, each, ioctl)}
    finally:
        os.close(descriptor)
    words = tuple(plain(each.decode("ascii", "replace")) for each in formats)
    return VideoNode(plain(_text(card)) or device.name, _text(driver), words, tuple(sorted(sizes)))


def _formats(descriptor: int, ioctl: Ioctl) -> Iterator[bytes]:
    for index in range(_MOST):
        answer = bytearray(FORMAT.pack(index, VIDEO_CAPTURE, 0, b"", b""))
        try:
            ioctl(descriptor, ENUM_FMT, answer)
        except OSError:  # EINVAL: there are no more
            return
        yield FORMAT.unpack(answer)[4]


def _sizes(descriptor: int, pixels: bytes, ioctl: Ioctl) -> Iterator[tuple[int, int]]:
    for index in range(_MOST):
        answer = bytearray(FRAME_SIZE.pack(index, pixels, 0, 0, 0, 0, 0, 0, 0))
        try:
            ioctl(descriptor, ENUM_FRAMESIZES, answer)
        except OSError:
            return
        _, _, kind, first, second, *rest = FRAME_SIZE.unpack(answer)
        if kind == _DISCRETE:
            yield first, second
            continue
        # A range: from `first` to `second` wide, and from rest[1] to rest[2] high.
        usual = fitting(())
        yield min(max(usual[0], first), second), min(max(usual[1], rest[1]), rest[2])
        return


def _stable_path(root: Path, name: str) -> str:
    """The device's name that stays when other cameras come and go; its number where udev has given it none."""
    for link in _entries(root / "dev/v4l/by-id"):
        with suppress(OSError, RuntimeError):  # RuntimeError: a link to itself, before Python 3.13
            if link.resolve().name == name and _STABLE_NAME.fullmatch(link.name):
                return f"/dev/v4l/by-id/{link.name}"
    return f"/dev/{name}"


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
