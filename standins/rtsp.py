"""Sets up GStreamer's RTSP server for the tests, out of Debian's packages, in a folder of the project.

The packages are downloaded by name and unpacked, not installed: it needs no root, changes nothing on the machine, and
leaves out the hundred packages that GStreamer's whole plugin sets ask for. Standard library only.
"""

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from standins.programs import output_of, require
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
_STAMP: Final = ".installed"
_LIMIT_S: Final = 300.0
_REMEDY: Final = "connect to the network once and try again (the RTSP server comes from Debian's packages)"
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
    with alone(root):
        wanted = f"{_release()} {platform.machine()} {PACKAGES} {PLUGINS}\n"
        stamp = folder / _STAMP
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
            if folder.exists():
                shutil.rmtree(folder)
            say("setup: unpacking GStreamer's RTSP server into .tools/rtsp ...")
            _install(folder)
            _run((str(SYSTEM_PYTHON), "-c", _PROBE), Path("/"), _server(folder).environment)
            stamp.write_text(wanted, encoding="utf-8")
    return _server(folder)


def _install(folder: Path) -> None:
    require(("apt-get", "apt-cache", "dpkg-deb"), "the RTSP server of the tests is unpacked from Debian's packages")
    if not SYSTEM_PYTHON.exists():
        raise ToolsError(f"{SYSTEM_PYTHON} is missing; remedy: apt-get install python3")
    archives = folder / "archives"
    archives.mkdir(parents=True)
    options: tuple[str, ...] = ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()
    try:
        _download(archives, options)
    except ToolsError:
        # No lists of packages, or old ones: fresh ones, in our own folder.
        options = (*options, "-o", f"Dir::State::lists={folder}/lists", "-o", f"Dir::Cache={folder}/cache")
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        _run(("apt-get", *options, "update"), folder)
        _download(archives, options)
    for archive in sorted(archives.glob("*.deb")):
        _run(("dpkg-deb", "--extract", str(archive), str(folder / "root")), folder)
    for leftover in ("archives", "lists", "cache"):
        shutil.rmtree(folder / leftover, ignore_errors=True)
    plugins = folder / "plugins"
    plugins.mkdir()
    for plugin in PLUGINS:
        name = f"libgst{plugin}.so"
        (plugins / name).symlink_to(_libraries(folder) / "gstreamer-1.0" / name)


def _download(archives: Path, options: Sequence[str]) -> None:
    known = set(_run(("apt-cache", *options, "pkgnames"), archives).split())
    names = [next((name for name in names if name in known), names[-1]) for names in PACKAGES]
    _run(("apt-get", *options, "--quiet", "download", *names), archives)


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


def _release() -> str:
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    return output_of(command, _LIMIT_S, _REMEDY, folder, environment)
