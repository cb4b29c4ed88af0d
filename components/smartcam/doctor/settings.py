"""The settings of smartcam.Doctor: what it checks, as the other components have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from smartcam.capture.settings import SourceSettings
from smartcam.capture.settings import read_settings as read_capture
from smartcam.edge.settings import Settings

_TRUSTED_KEY: Final = "trusted_key"


@dataclass(frozen=True, slots=True)
class DoctorSettings:
    """`cameras` as smartcam.Capture has them, None if they are not given; `trusted_key` as inference has it."""

    cameras: tuple[SourceSettings, ...] | None = None
    trusted_key: bytes | None = None


def read_settings(document: Mapping[str, object]) -> DoctorSettings:
    """The settings in a document. Raises SettingsError naming the first wrong key."""
    of_capture = {key: value for key, value in document.items() if key != _TRUSTED_KEY}
    return DoctorSettings(tuple(read_capture(of_capture).cameras), Settings(document).public_key(_TRUSTED_KEY))
