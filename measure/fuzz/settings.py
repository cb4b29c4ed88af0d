"""What says how a device is to work: the components' configuration, addresses, logins."""

import json
from collections.abc import Callable, Mapping
from typing import Final

from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, decoding
from smartcam.capture import settings as capture
from smartcam.capture.addresses import fault_of
from smartcam.capture.credentials import read_credentials
from smartcam.console import settings as console
from smartcam.console.access import Password, PasswordUnreadable
from smartcam.contract.errors import CameraLost, SettingsError
from smartcam.contract.ids import CameraId
from smartcam.contract.wish import SettingsOwner
from smartcam.edge.document import DocumentError, read_document
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood
from smartcam.edge.wished import FILE as WISHED
from smartcam.edge.wished import WishedSettings
from smartcam.homeassistant import settings as homeassistant
from smartcam.inference import settings as inference

Document = Mapping[str, object]
_DEPLOYED: Final[Document] = {"cameras": {"yard": {"armed": True, "zones": {"door": [[0, 0], [1, 0], [1, 1]]}}}}


def _document(data: bytes) -> Document:
    """As the nucleus gives it: an object, with whatever JSON has. Raises SettingsError for what is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SettingsError("", "", "is no document") from error
    return found if isinstance(found, dict) else {}


def _settings(read: Callable[[Document], object], *reads: str) -> FuzzTarget:
    return FuzzTarget(decoding(lambda data: read(_document(data)), SettingsError), reads)


def _wished(data: bytes) -> object:
    """What people have set here, with a document to lay it over."""
    path = file_with(f"work/{WISHED}", b"")
    MemoryFile(path).store(data)
    inferred = WishedSettings(SettingsOwner.INFERENCE, inference.read_settings, path.parent)
    captured = WishedSettings(SettingsOwner.CAPTURE, lambda _: None, path.parent)
    return [(each.take(_DEPLOYED), each.holding(CameraId("yard"))) for each in (inferred, captured)]


def _understood(data: bytes) -> object:
    memory = MemoryFile(file_with(UNDERSTOOD, b""))
    memory.store(data)
    understood = Understood(inference.read_settings, memory)
    for _ in range(2):
        understood.take(understood.last_document() or {})
    return understood.last()


TARGETS: Final = {
    "capture-settings": _settings(capture.read_settings, "smartcam.capture.settings"),
    "inference-settings": _settings(
        inference.read_settings, "smartcam.inference.settings", "smartcam.edge.rule_settings"
    ),
    "console-settings": _settings(
        console.read_settings,
        "smartcam.console.settings:read_settings",
        "smartcam.console.settings:_address",
        "smartcam.console.settings:_languages",
    ),
    "homeassistant-settings": _settings(
        homeassistant.read_settings,
        "smartcam.homeassistant.settings:read_settings",
        "smartcam.homeassistant.settings:_prefix",
    ),
    "settings-file": FuzzTarget(
        decoding(lambda data: read_document(file_with("settings.json", data)), DocumentError),
        ("smartcam.edge.document:read_document",),
    ),
    "wished": FuzzTarget(
        decoding(_wished, SettingsError), ("smartcam.edge.wished:_stored", "smartcam.edge.wished:_lay_over")
    ),
    "understood": FuzzTarget(decoding(_understood, SettingsError), ("smartcam.edge.understood",)),
    "rtsp-address": FuzzTarget(
        decoding(lambda data: fault_of(data.decode(errors="replace")), ()), ("smartcam.capture.addresses",)
    ),
    "credentials": FuzzTarget(
        decoding(lambda data: read_credentials(file_with("credentials", data)), CameraLost),
        ("smartcam.capture.credentials:_parsed",),
    ),
    "password-file": FuzzTarget(
        decoding(lambda data: Password(file_with("password", data)).is_set(), PasswordUnreadable),
        ("smartcam.console.access:Password._stored",),
    ),
}
