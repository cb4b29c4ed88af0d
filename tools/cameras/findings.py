"""What was found, and how it is written down: YAML to paste, and JSON. Pure."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import yaml

from smartcam.capture.settings import read_settings
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId

_LONGEST_NAME: Final = 40
_LONGEST_TEXT: Final = 200
_HEAD: Final = ("smartcam.Capture:", "  cameras:")
_USUAL: Final = (1280, 720)
"""What capture asks for if nothing else is configured."""


class _Dumper(yaml.SafeDumper):
    """Quotes what any reader takes for a number: PyYAML's own knows no `6e20`."""


_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """A camera: what it calls itself, and the settings that smartcam.Capture reads it by.

    `settings` is empty where they are not known yet; `remarks` say why, or what else there is to know.
    """

    name: str
    settings: Mapping[str, object] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """The cameras of one search, and what kept it from finding more."""

    cameras: tuple[FoundCamera, ...] = ()
    remarks: tuple[str, ...] = ()

    def __add__(self, other: "Findings") -> "Findings":
        """Both together."""
        return Findings(self.cameras + other.cameras, self.remarks + other.remarks)


def plain(text: str) -> str:
    """A stranger's text as one line without anything that moves a cursor, cut where it is long."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= _LONGEST_TEXT else f"{line[:_LONGEST_TEXT]}..."


def identified(cameras: Iterable[FoundCamera]) -> dict[CameraId, FoundCamera]:
    """The cameras under ids made of their names, each id once."""
    found: dict[CameraId, FoundCamera] = {}
    for camera in cameras:
        letters = re.sub(r"[^a-z0-9]+", "-", camera.name.lower(), flags=re.ASCII)
        stem = letters[:_LONGEST_NAME].strip("-") or "camera"
        number = 1
        while (identity := CameraId(stem if number == 1 else f"{stem}-{number}")) in found:
            number += 1
        found[identity] = camera
    return found


def objection(settings: Mapping[str, object]) -> str:
    """Why smartcam.Capture would refuse a camera's settings, in its own reader's words; empty if it takes them."""
    try:
        read_settings({"cameras": {"found": dict(settings)}})
    except SettingsError as error:
        return plain(error.remedy)
    return ""


def as_yaml(cameras: Mapping[CameraId, FoundCamera]) -> str:
    """What `smartcam deploy --config` takes. A camera whose settings are not known is a comment."""
    lines = list(_HEAD) if any(camera.settings for camera in cameras.values()) else []
    for identity, camera in cameras.items():
        lines += [f"    # {plain(text)}" for text in (f"{identity}: {camera.name}", *camera.remarks)]
        if camera.settings:
            block = yaml.dump({str(identity): dict(camera.settings)}, Dumper=_Dumper, sort_keys=False, width=10_000)
            lines += [f"    {line}" for line in block.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def as_json(cameras: Mapping[CameraId, FoundCamera], remarks: Sequence[str]) -> str:
    """The same for programs."""
    listed = [
        {
            "id": identity,
            "name": plain(camera.name),
            "settings": dict(camera.settings),
            "remarks": [plain(text) for text in camera.remarks],
        }
        for identity, camera in cameras.items()
    ]
    return json.dumps({"cameras": listed, "remarks": [plain(text) for text in remarks]}, indent=2)


def fitting(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The size to ask a camera for, of those it offers: the largest within 1280x720, else the smallest."""
    inside = [size for size in sizes if size[0] <= _USUAL[0] and size[1] <= _USUAL[1]]
    return max(inside, key=math.prod) if inside else min(sizes, key=math.prod, default=_USUAL)
