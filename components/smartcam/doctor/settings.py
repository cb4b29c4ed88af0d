"""The settings of smartcam.Doctor: what it checks, as the other components have it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from smartcam.capture.settings import SourceSettings
from smartcam.capture.settings import read_settings as read_capture
from smartcam.edge.bundle_names import BUNDLES, read_bundles
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.settings import Settings
from smartcam.edge.understood import FILE as UNDERSTOOD
from smartcam.edge.understood import Understood

CAPTURE: Final = "smartcam.Capture"
INFERENCE: Final = "smartcam.Inference"
MODEL: Final = "smartcam.Model"
RUNTIME: Final = "smartcam.Runtime"

_TRUSTED_KEY: Final = "trusted_key"


@dataclass(frozen=True, slots=True)
class DoctorSettings:
    """`cameras` as smartcam.Capture has them, None if they are not given; the others as smartcam.Inference has them."""

    cameras: tuple[SourceSettings, ...] | None = None
    trusted_key: bytes | None = None
    bundles: Mapping[str, Path | None] = field(default_factory=dict)


def read_settings(document: Mapping[str, object]) -> DoctorSettings:
    """The settings in a document. Raises SettingsError naming the first wrong key."""
    of_capture = {key: value for key, value in document.items() if key not in {_TRUSTED_KEY, BUNDLES}}
    return _read(document, tuple(read_capture(of_capture).cameras))


def read_understood(work: Path) -> DoctorSettings:
    """What the components below a nucleus's work folder have understood last; None for cameras that nobody has yet.

    Raises:
        SettingsError: naming the first key that this version does not understand.
    """
    capture, inference = _understood(work / CAPTURE), _understood(work / INFERENCE)
    cameras = tuple(read_capture(capture).cameras) if capture else None
    return _read(inference, cameras)


def _read(inference: Mapping[str, object], cameras: tuple[SourceSettings, ...] | None) -> DoctorSettings:
    settings = Settings(inference)
    return DoctorSettings(cameras, settings.public_key(_TRUSTED_KEY), read_bundles(settings))


def _understood(folder: Path) -> Mapping[str, object]:
    return Understood(lambda _: None, MemoryFile(folder / UNDERSTOOD)).last_document() or {}
