"""USB cameras, asked through a kernel that is made of these lines: no machine of the tests has one."""

import errno
import os
import struct
from pathlib import Path

import pytest

from smartcam.capture.settings import read_settings
from tools.cameras.v4l2 import (
    CAPABILITY,
    DEVICE_CAPS,
    ENUM_FMT,
    ENUM_FRAMESIZES,
    FORMAT,
    FRAME_SIZE,
    QUERYCAP,
    STREAMING,
    VIDEO_CAPTURE,
    v4l2_cameras,
)

META_CAPTURE = 0x0080_0000
M2M = 0x0000_8000
WEBCAM = {b"MJPG": [(640, 480), (1280, 720), (1920, 1080)], b"YUYV": [(640, 480)]}


class Kernel:
    """Devices by name: driver, card, capabilities, formats; an errno instead for one that fails."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.devices: dict[str, tuple[str, bytes, int, dict[bytes, object]] | int] = {}

    def add(
        self,
        name: str,
        card: bytes = b"HD Pro Webcam C920",
        able: int = VIDEO_CAPTURE | STREAMING,
        formats: dict[bytes, object] | None = None,
        driver: str = "uvcvideo",
    ) -> None:
        self.devices[name] = (driver, card, able, dict(WEBCAM) if formats is None else formats)
        self._node(name)

    def broken(self, name: str, error: int) -> None:
        self.devices[name] = error
        self._node(name)

    def _node(self, name: str) -> None:
        (self.root / "sys/class/video4linux" / name).mkdir(parents=True)
        (self.root / "dev").mkdir(exist_ok=True)
        (self.root / "dev" / name).touch()

    def ioctl(self, descriptor: int, request: int, answer: bytearray) -> int:
        device = self.devices[Path(f"/proc/self/fd/{descriptor}").readlink().name]
        if isinstance(device, int):
            raise OSError(device, os.strerror(device))
        driver, card, able, formats = device
        if request == QUERYCAP:
            # The whole device's capabilities hold those of all its nodes: only the node's own count.
            every = able | DEVICE_CAPS | VIDEO_CAPTURE | META_CAPTURE
            answer[:] = CAPABILITY.pack(driver.encode(), card, b"usb-1", 0x60000, every, able)
        elif request == ENUM_FMT:
            index, kind, *_ = FORMAT.unpack(answer)
            assert kind == VIDEO_CAPTURE
            _known(index < len(formats))
            answer[:] = FORMAT.pack(index, kind, 0, b"words", list(formats)[index])
        elif request == ENUM_FRAMESIZES:
            index, pixels, *_ = FRAME_SIZE.unpack(answer)
            answer[:] = _size(index, pixels, formats[pixels])
        return 0


def _size(index: int, pixels: bytes, sizes: object) -> bytes:
    if isinstance(sizes, tuple):
        _known(index == 0)
        return FRAME_SIZE.pack(0, pixels, 3, *sizes)
    assert isinstance(sizes, list)
    _known(index < len(sizes))
    return FRAME_SIZE.pack(index, pixels, 1, *sizes[index], 0, 0, 0, 0)


def _known(is_known: bool) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_known:
        raise OSError(errno.EINVAL, "no more")


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def settings_of(kernel: Kernel) -> list[dict[str, object]]:
    return [dict(camera.settings) for camera in v4l2_cameras(kernel.root, kernel.ioctl).cameras]


def test_the_numbers_of_the_questions_are_those_of_the_kernels_header() -> None:
    def number(ways: int, letter: str, command: int, size: int) -> int:  # _IOC of asm-generic/ioctl.h
        return ways << 30 | size << 16 | ord(letter) << 8 | command

    assert number(2, "V", 0, CAPABILITY.size) == QUERYCAP
    assert number(3, "V", 2, FORMAT.size) == ENUM_FMT
    assert number(3, "V", 74, FRAME_SIZE.size) == ENUM_FRAMESIZES
    assert (CAPABILITY.size, FORMAT.size, FRAME_SIZE.size) == (104, 64, 44)
    assert struct.calcsize("<I4s") == 8


def test_a_webcam_is_found_with_the_largest_size_within_720p_and_what_else_it_offers(kernel: Kernel) -> None:
    kernel.add("video0")
    found = v4l2_cameras(kernel.root, kernel.ioctl)
    [camera] = found.cameras
    assert (camera.name, found.remarks) == ("HD Pro Webcam C920", ())
    assert camera.settings == {"source": "v4l2", "device": "/dev/video0", "width": 1280, "height": 720}
    assert camera.remarks == ("offers 1920x1080, 1280x720, 640x480 (MJPG, YUYV)",)
    assert read_settings({"cameras": {"c": dict(camera.settings)}}).cameras[0].device == "/dev/video0"


def test_only_nodes_that_give_pictures_are_cameras(kernel: Kernel) -> None:
    kernel.add("video0")
    kernel.add("video1", able=META_CAPTURE | STREAMING)  # a webcam's second node
    kernel.add("video10", able=M2M | STREAMING)  # a decoder
    kernel.add("video2", able=VIDEO_CAPTURE)  # neither mapped nor queued
    kernel.add("video14", driver="bcm2835-isp")  # half of the Pi's camera: libcamera has the whole
    kernel.add("video15", driver="rp1-cfe")
    kernel.broken("video20", errno.ENOTTY)  # no V4L2 at all
    assert [one["device"] for one in settings_of(kernel)] == ["/dev/video0"]


def test_two_cameras_are_found_in_the_order_of_their_numbers(kernel: Kernel) -> None:
    for name in ("video10", "video2"):
        kernel.add(name)
    assert [one["device"] for one in settings_of(kernel)] == ["/dev/video2", "/dev/video10"]


def test_a_name_that_stays_is_preferred_to_a_number_that_changes(kernel: Kernel) -> None:
    kernel.add("video0")
    kernel.add("video2")
    links = kernel.root / "dev/v4l/by-id"
    links.mkdir(parents=True)
    (links / "usb-046d_HD_Pro_Webcam_C920_1A2B-video-index0").symlink_to("../../video2")
    (links / "bad name; rm").symlink_to("../../video0")
    (links / "broken").symlink_to("broken")
    assert [one["device"] for one in settings_of(kernel)] == [
        "/dev/video0",
        "/dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_1A2B-video-index0",
    ]


@pytest.mark.parametrize(
    ("sizes", "chosen"),
    [
        ([(320, 240), (640, 480)], (640, 480)),
        ([(1920, 1080), (2560, 1440)], (1920, 1080)),
        ((32, 4096, 2, 32, 2160, 2), (1280, 720)),
        ((32, 800, 8, 32, 600, 8), (800, 600)),
        ((1600, 4096, 8, 1200, 3000, 8), (1600, 1200)),
        ([], (1280, 720)),
    ],
)
def test_the_size_that_is_asked_for_is_one_that_is_offered(
    sizes: object, chosen: tuple[int, int], kernel: Kernel
) -> None:
    kernel.add("video0", formats={b"YUYV": sizes})
    [settings] = settings_of(kernel)
    assert (settings["width"], settings["height"]) == chosen


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (errno.EACCES, "/dev/video0: no permission: add yourself to the group video"),
        (errno.EPERM, "/dev/video0: no permission: a container needs the device"),
        (errno.ENODEV, "/dev/video0: No such device"),
        (errno.EIO, "/dev/video0: Input/output error"),
    ],
)
def test_a_device_that_cannot_be_asked_says_why_and_hides_no_other(error: int, remedy: str, kernel: Kernel) -> None:
    kernel.broken("video0", error)
    kernel.add("video1")
    found = v4l2_cameras(kernel.root, kernel.ioctl)
    assert len(found.cameras) == 1
    [remark] = found.remarks
    assert remark.startswith(remedy)


def test_a_device_that_is_known_but_not_there_says_so(kernel: Kernel) -> None:
    kernel.add("video0")
    (kernel.root / "dev/video0").unlink()
    found = v4l2_cameras(kernel.root, kernel.ioctl)
    assert (found.cameras, found.remarks) == ((), ("/dev/video0: No such file or directory",))


def test_a_machine_without_video_has_no_cameras_and_nothing_to_say(tmp_path: Path) -> None:
    found = v4l2_cameras(tmp_path)
    assert (found.cameras, found.remarks) == ((), ())


def test_a_card_that_is_named_by_a_stranger_moves_no_cursor(kernel: Kernel) -> None:
    kernel.add("video0", card=b"\x1b[2J evil\n\xff\x00cut off")
    [camera] = v4l2_cameras(kernel.root, kernel.ioctl).cameras
    assert camera.name == "[2J evil \N{REPLACEMENT CHARACTER}"


def test_a_kernel_that_lists_without_end_is_left_after_a_while(kernel: Kernel) -> None:
    kernel.add("video0", formats={bytes([65 + index // 26, 65 + index % 26]) + b"AA": [] for index in range(500)})
    [camera] = v4l2_cameras(kernel.root, kernel.ioctl).cameras
    assert camera.remarks[0].count(",") == 63


def test_a_size_that_capture_does_not_take_is_no_settings_but_a_reason(kernel: Kernel) -> None:
    kernel.add("video0", formats={b"Y16 ": [(32, 24)]})
    [camera] = v4l2_cameras(kernel.root, kernel.ioctl).cameras
    assert camera.settings == {}
    assert camera.remarks[1].startswith("/dev/video0 cannot be used: must be a whole number from 64")
