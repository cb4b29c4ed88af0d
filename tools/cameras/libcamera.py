"""The Raspberry Pi's own cameras, as libcamera's program lists them."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.cameras.findings import Findings, FoundCamera, objection, plain

Lister = Callable[[], str | None]
"""Gives what the program printed; None where there is no such program."""

_PROGRAMS: Final = ("rpicam-hello", "libcamera-hello")
_LIMIT_S: Final = 20.0
_LISTED: Final = re.compile(r"^ *(\d{1,2}) : (\S+) \[(\d{2,5})x(\d{2,5})[^\]]*\] \((\S+)\)", re.ASCII | re.MULTILINE)
_NO_PROGRAM: Final = "this Raspberry Pi lacks the program that lists its cameras: sudo apt install rpicam-apps-lite"
_NO_CAMERA: Final = (
    "libcamera sees no camera: check the ribbon cable, and camera_auto_detect=1 in /boot/firmware/config.txt"
)


def libcamera_cameras(lister: Lister | None = None, root: Path = Path("/")) -> Findings:
    """The cameras by the numbers that picamera2 gives them. `root` is where /proc is."""
    is_pi = _model(root).startswith("Raspberry Pi")
    try:
        said = (lister or list_cameras)()
    except (OSError, subprocess.SubprocessError) as error:
        return Findings(remarks=(f"libcamera cannot be asked: {plain(str(error))}",))
    if said is None:
        return Findings(remarks=(_NO_PROGRAM,) if is_pi else ())
    found = tuple(
        _camera(number, model, f"{width}x{height}")
        for number, model, width, height, place in _LISTED.findall(said)
        if "/usb" not in place  # a webcam: V4L2 has it too
    )
    return Findings(found, () if found or not is_pi else (_NO_CAMERA,))


def list_cameras() -> str | None:
    """What the program prints, on both of its outputs. Raises OSError and SubprocessError."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        return None
    ran = subprocess.run(  # noqa: S603  a program of the system, by its whole path
        [program, "--list-cameras"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_LIMIT_S,
        check=False,
    )
    return ran.stdout.decode("utf-8", "replace")


def _camera(number: str, model: str, size: str) -> FoundCamera:
    settings = {"source": "picamera", "device": str(int(number))}
    remark = f"Raspberry Pi camera, sensor of {size}"
    if problem := objection(settings):
        return FoundCamera(model, remarks=(remark, f"camera {number} cannot be used: {problem}"))
    return FoundCamera(model, settings, (remark,))


def _model(root: Path) -> str:
    try:
        return (root / "proc/device-tree/model").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
