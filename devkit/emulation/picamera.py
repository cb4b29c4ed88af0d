"""Whether the Runtime's environment can use what the system's own packages bring for the camera.

picamera2 itself is in Raspberry Pi's archive and not in Debian's. What makes it fail is proven with what Debian has:
on Debian 12 an extension that was compiled for Debian's numpy 1, on Debian 13 the bindings of libcamera, on which
picamera2 stands.
"""

import json
from pathlib import Path
from typing import Final

from devkit.emulation.machine import Machine

_LIMIT_S: Final = 120.0
_PROBE: Final = """
import importlib, json, sys
import numpy
found = {}
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    found[name] = module.__file__
if "bottleneck" in found:
    import bottleneck
    assert bottleneck.nansum(numpy.array([1.0, numpy.nan, 2.0])) == 3.0
if "libcamera" in found:
    import libcamera
    assert libcamera.Size(1280, 720).width == 1280
try:
    import picamera2
    found["picamera2"] = picamera2.__file__
except ImportError:
    pass
print(json.dumps({"numpy": numpy.__version__, "numpy_at": numpy.__file__, "found": found}))
"""


def import_picamera(machine: Machine, python: Path) -> str:
    """What could be imported, in a sentence. Raises ToolsError when a package of the system cannot be used."""
    said = machine.run((str(python), "-c", _PROBE, *machine.system.imports), _LIMIT_S)
    facts = json.loads(said.strip().splitlines()[-1])
    names = [name for name, place in facts["found"].items() if str(place).startswith(str(machine.root))]
    return f"{' and '.join(names)} of the system imported beside numpy {facts['numpy']}"
