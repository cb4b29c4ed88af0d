"""Sets up GStreamer's RTSP server for the tests, out of Debian's packages, in a folder of the project.

The packages are named one by one, which leaves out the hundred that GStreamer's whole plugin sets ask for. Standard
library only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.debian import Apt, first_known, unpack_once
from standins.programs import output_of
from tools.command_line import ROOT, Say
from tools.setup import ToolsError, alone

SYSTEM_PYTHON: Final = Path("/usr/bin/python3")
PACKAGES: Final = (
    ("gir1.2-gst-rtsp-server-1.0",),
    ("gir1.2-gst-plugins-base-1.0",),
    ("gir1.2-gstreamer-1.0",),
    ("gir1.2-glib-2.0",),
    ("libgstrtspserver-1.0-0",),
    ("libgstreamer-plugins-base1.0-0",),
    ("libgstreamer1.0-0",),
    ("gstreamer1.0-plugins-base",),
    ("gstreamer1.0-plugins-good",),
    ("liborc-0.4-0t64", "liborc-0.4-0"),
    ("libglib2.0-0t64", "libglib2.0-0"),
    ("libgirepository-1.0-1",),
    ("libdw1t64", "libdw1"),
    ("libelf1t64", "libelf1"),
    ("libunwind8",),
    ("libpcre2-8-0",),
    ("libffi8",),
    ("python3-gi",),
)
"""Each package under the names that Debian has used; the first available one is taken."""
PLUGINS: Final = ("coreelements", "app", "rtp", "rtpmanager", "udp", "tcp", "rtsp")
_LIMIT_S: Final = 60.0
_PROBE: Final = """
import gi
gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
for name in ("appsrc", "rtph264pay", "rtph265pay", "rtpbin"):
    assert Gst.ElementFactory.find(name), name
"""


@dataclass(frozen=True, slots=True)
class RtspServer:
    """What runs a script that serves RTSP: the system's Python and the variables that lead to GStreamer."""

    python: Path
    environment: Mapping[str, str]


def setup_rtsp(root: Path = ROOT, say: Say = print) -> RtspServer:
    """Unpack what is missing; returns how to run it. Raises ToolsError."""
    folder = root / ".tools" / "rtsp"

    def choose(apt: Apt) -> Sequence[str]:
        if not SYSTEM_PYTHON.exists():
            raise ToolsError(f"{SYSTEM_PYTHON} is missing; remedy: apt-get install python3")
        say("setup: unpacking GStreamer's RTSP server into .tools/rtsp ...")
        return first_known(PACKAGES)(apt)

    with alone(root):
        unpack_once(folder, "the RTSP server of the tests", f"{PACKAGES} {PLUGINS}", choose, lambda: _finish(folder))
    return _server(folder)


def _finish(folder: Path) -> None:
    """Gather the plug-ins that are wanted, and try them. Raises ToolsError."""
    plugins = folder / "plugins"
    plugins.mkdir()
    for plugin in PLUGINS:
        name = f"libgst{plugin}.so"
        # Relative: the path by which the folder was reached may be gone tomorrow.
        library = (_libraries(folder) / "gstreamer-1.0" / name).relative_to(folder)
        (plugins / name).symlink_to(Path("..") / library)
    output_of((str(SYSTEM_PYTHON), "-c", _PROBE), _LIMIT_S, "", Path("/"), _server(folder).environment)


def _libraries(folder: Path) -> Path:
    for types in (folder / "root" / "usr" / "lib").glob("*/girepository-1.0/GstRtspServer-1.0.typelib"):
        return types.parent.parent
    raise ToolsError("Debian's package of GStreamer's RTSP server lacks its type library")


def _server(folder: Path) -> RtspServer:
    libraries = _libraries(folder)
    environment = {
        "PATH": "/usr/bin:/bin",
        "LD_LIBRARY_PATH": str(libraries),
        "GI_TYPELIB_PATH": str(libraries / "girepository-1.0"),
        "PYTHONPATH": str(folder / "root" / "usr" / "lib" / "python3" / "dist-packages"),
        "GST_PLUGIN_PATH": str(folder / "plugins"),
        "GST_PLUGIN_SYSTEM_PATH": "",
        "GST_REGISTRY": str(folder / "registry.bin"),
        "GST_REGISTRY_FORK": "no",
    }
    return RtspServer(SYSTEM_PYTHON, environment)
