"""An RTSP camera on loopback, made of GStreamer's RTSP server. Run by the system's Python, which has its bindings.

It takes one JSON object a line on standard input and answers each with one on standard output:

    {"do": "show", "clip": PATH, "codec": "h264" | "h265", "fps": 20}   from its beginning, again and again
    {"do": "stall"} / {"do": "go_on"}                                    connections stay, pictures stop
    {"do": "push", "unit": BASE64}                                       one access unit, now, beside an empty clip
    {"do": "clients"}                                                    how many are connected

A clip is a file of access units (Annex B), each behind its length in four bytes, the first one a key frame. Another
clip of the same codec goes on in the same session, as when a camera's resolution is changed; another codec ends the
sessions, as cameras do.
"""

import base64
import importlib
import json
import struct
import sys
from pathlib import Path
from typing import Any

gi: Any = importlib.import_module("gi")
for library in ("Gst", "GstRtsp", "GstRtspServer"):
    gi.require_version(library, "1.0")
GLib, Gst, GstRtsp, GstRtspServer = (
    importlib.import_module(f"gi.repository.{library}") for library in ("GLib", "Gst", "GstRtsp", "GstRtspServer")
)
MOUNT = "/live"
Element = Any
"""Of a library that states no types."""
_NS_PER_S, _US_PER_S = 1_000_000_000, 1_000_000


def units_of(path: Path) -> list[bytes]:
    """The access units in a clip."""
    whole, units, at = path.read_bytes(), [], 0
    while at < len(whole):
        (size,) = struct.unpack_from(">I", whole, at)
        units.append(whole[at + 4 : at + 4 + size])
        at += 4 + size
    return units


class Camera:
    """One mount point that shows one clip at a time."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._server: Any = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(port))
        self._auth = self._authentication(user, password) if user else None
        self._server.set_auth(self._auth)
        self._codec = ""
        self._fps = 20.0
        self._units: list[bytes] = []
        self._next = 0
        self._stalled = False
        self._source: Any = None
        self._pushed = self._began_us = 0
        self._media: Any = None
        if not self._server.attach(None):
            raise SystemExit(f"port {port} is taken")

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return int(self._server.get_bound_port())

    def answer(self, request: dict[str, object]) -> dict[str, object]:
        """Carries out one request."""
        match request["do"]:
            case "show":
                self._show(Path(str(request["clip"])), str(request["codec"]), float(str(request["fps"])))
            case "stall":
                self._stalled = True
            case "go_on":
                self._stalled = False
            case "push" if self._source is not None:
                self._push_unit(base64.b64decode(str(request["unit"])), GLib.get_monotonic_time() - self._began_us)
        return {"clients": len(self._server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REF))}

    def _show(self, clip: Path, codec: str, fps: float) -> None:
        self._units, self._next, self._fps = units_of(clip), 0, fps
        if codec == self._codec:
            return
        self._codec = codec
        self._server.client_filter(lambda *_: GstRtspServer.RTSPFilterResult.REMOVE)
        name = {"h264": "h264", "h265": "h265"}[codec]
        factory = GstRtspServer.RTSPMediaFactory()
        caps = f"video/x-{name},stream-format=byte-stream,alignment=au"
        factory.set_launch(
            f'( appsrc name=camera is-live=true format=time do-timestamp=false caps="{caps}" '
            f"! rtp{name}pay name=pay0 pt=96 config-interval=-1 )"
        )
        factory.set_shared(True)
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
        factory.connect("media-configure", self._begin)
        if self._auth is not None:
            permissions = GstRtspServer.RTSPPermissions()
            permissions.add_permission_for_role("viewer", "media.factory.access", True)
            permissions.add_permission_for_role("viewer", "media.factory.construct", True)
            factory.set_permissions(permissions)
        self._server.get_mount_points().add_factory(MOUNT, factory)

    def _begin(self, _factory: object, media: Element) -> None:
        """A first client: pictures begin, and they begin with a key frame."""
        self._source = media.get_element().get_child_by_name("camera")
        self._media = media
        self._pushed, self._next, self._began_us = 0, 0, GLib.get_monotonic_time()
        media.connect("unprepared", self._end)
        GLib.timeout_add(round(1000 / self._fps), self._push, media)

    def _end(self, media: Element) -> None:
        if media is self._media:
            self._media = self._source = None

    def _push(self, media: Element) -> bool:
        if media is not self._media:
            return False
        # On a busy machine a timer is late each time; a camera's pictures keep up with their stamps.
        while self._pushed <= (GLib.get_monotonic_time() - self._began_us) * self._fps / _US_PER_S:
            if not self._stalled and self._units:
                self._push_one()
            self._pushed += 1
        return True

    def _push_one(self) -> None:
        self._push_unit(self._units[self._next], round(self._pushed * _US_PER_S / self._fps))
        self._next = (self._next + 1) % len(self._units)

    def _push_unit(self, unit: bytes, at_us: int) -> None:
        buffer = Gst.Buffer.new_wrapped(unit)
        buffer.pts = buffer.dts = at_us * 1000
        buffer.duration = round(_NS_PER_S / self._fps)
        self._source.emit("push-buffer", buffer)

    @staticmethod
    def _authentication(user: str, password: str) -> object:
        auth = GstRtspServer.RTSPAuth()
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "viewer")
        auth.add_digest(user, password, token)
        return auth


def say(answer: dict[str, object]) -> None:
    """Write one line for whoever drives the camera."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve until standard input ends. The first line of input names port, user and password."""
    Gst.init(None)
    first = json.loads(sys.stdin.readline())
    camera = Camera(first["port"], first["user"], first["password"])
    loop = GLib.MainLoop()

    def heard(_channel: object, _condition: object) -> bool:
        line = sys.stdin.readline()
        if not line:
            loop.quit()
            return False
        say(camera.answer(json.loads(line)))
        return True

    GLib.io_add_watch(sys.stdin.fileno(), GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN | GLib.IOCondition.HUP, heard)
    say({"port": camera.port})
    loop.run()


if __name__ == "__main__":
    main()
