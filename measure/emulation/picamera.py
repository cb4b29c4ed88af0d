"""Whether capture can use Raspberry Pi's camera package beside the Runtime's own numpy, OpenCV and PyAV.

picamera2 and simplejpeg, whose compiled half is what another numpy breaks, are the real ones, from their own releases;
numpy 1's form of simplejpeg on Debian 12. The rest is Debian's. Only Raspberry Pi's archive has pykms (a screen's
preview) and a packaged pidng (raw photographs), which the suite does not use, and libcamera's binding for Debian 12:
these have stand-ins.
"""

import json
import zipfile
from pathlib import Path
from typing import Final

from measure.emulation.machine import EmulatedMachine
from tools.build.wheels import Platform, fetch
from tools.command_line import ROOT, Say

_LIMIT_S: Final = 300.0
_PROBE: Final = """
import json, sys
from unittest.mock import MagicMock
sys.modules.update({name: MagicMock() for name in sys.argv[1:]})
import av, cv2, numpy, picamera2, simplejpeg
from smartcam.capture.settings import read_settings
from smartcam.capture.sources.picamera import open_picamera
from smartcam.contract.errors import CameraLost
ramp = numpy.repeat(numpy.arange(0, 256, 4, dtype=numpy.uint8), 64 * 3).reshape(64, 64, 3)
again = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(ramp, quality=95))
assert int(numpy.abs(again.astype(int) - ramp).max()) < 16, "simplejpeg and numpy do not understand each other"
lost = ""
if "libcamera" not in sys.argv:
    (camera,) = read_settings({"cameras": {"pi": {"source": "picamera"}}}).cameras
    try:
        open_picamera(camera)
    except CameraLost as error:
        lost = str(error)
places = {name: sys.modules[name].__file__ for name in ("picamera2", "simplejpeg", "PIL", "numpy", "cv2", "av")}
print(json.dumps({"numpy": numpy.__version__, "places": places, "lost": lost}))
"""
_SYSTEMS_OWN: Final = ("picamera2", "simplejpeg", "PIL")


def bring_picamera(machine: EmulatedMachine, wheels: Path, say: Say) -> None:
    """Put picamera2 where apt would. Raises WheelError, OSError."""
    lock = ROOT / "requirements" / f"picamera2-{machine.system.lock}.txt"
    place = machine.root / "usr" / "lib" / "python3" / "dist-packages"
    stamp = place / ".picamera2"
    if stamp.is_file() and stamp.read_bytes() == lock.read_bytes():
        return
    for wheel in fetch(Platform("aarch64", machine.system.lock), [lock], wheels, say):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(place)
    stamp.write_bytes(lock.read_bytes())


def import_picamera(machine: EmulatedMachine, python: Path, capture_code: Path) -> tuple[str, list[str]]:
    """What was imported, in a sentence, and what is wrong with that. Raises ToolsError when it cannot be imported."""
    command = (str(python), "-c", _PROBE, *machine.system.stand_ins)
    facts = json.loads(machine.run(command, _LIMIT_S, PYTHONPATH=str(capture_code)).strip().splitlines()[-1])
    wrong = [
        f"{name} was imported from {place}"
        for name, place in facts["places"].items()
        if Path(place).is_relative_to(machine.root) != (name in _SYSTEMS_OWN)
    ]
    has_camera_stack = "libcamera" not in machine.system.stand_ins
    if has_camera_stack and not facts["lost"]:
        wrong.append("a camera was opened where there is none")
    said = f"; without a camera capture says: {facts['lost']}" if facts["lost"] else ""
    return f"the system's picamera2 imported beside numpy {facts['numpy']}{said}", wrong
