"""`smartcam verify CLIP`: whether a clip is unchanged, which device made it, and since when the cloud knows it.

The seal at the clip's end says what it was, with a signature. Whose the key is, the cloud knows: the device told it,
with its certificate, in its health and when the clip was finished. Without the cloud give the key that you know.
"""

import hashlib
import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from infra.alerts.runtime.clip_keys import ClipKeys
from smartcam.capture.recording.seal import Seal, SealError, check_seal
from smartcam.contract.times import format_utc
from smartcam.edge.clip_name import ClipName
from tools.alerts.history import HistoryReader, HistoryRecord, Key
from tools.alerts.stack import FAULTS, find_site
from tools.command_line import complain, new_parser

_KEY: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class CloudRecords(Protocol):
    """What is asked of the cloud."""

    def record(self, key: Key) -> HistoryRecord | None:
        """One event; None where it is not there (any more)."""

    def clip_keys(self, thing: str) -> ClipKeys:
        """With which keys a device has said until now that it seals clips, and since when."""


@dataclass(frozen=True, slots=True)
class VerifiedClip:
    """A clip that is unchanged since it was sealed: what its name says, the seal, and the hash of the whole file."""

    name: ClipName
    seal: Seal
    sha256: str


def main(argv: Sequence[str]) -> int:
    """Says it of each clip. 0: all are proven. 1: one is not. 2: it cannot be told, or the call is wrong."""
    parser = new_parser("verify", __doc__)
    parser.add_argument("clips", nargs="+", type=Path, metavar="CLIP", help="a finished clip, whatever it is called")
    parser.add_argument("--key", type=_key, metavar="HEX", help="the device's public key, instead of asking the cloud")
    options = parser.parse_args(argv)
    try:
        is_known = _known_by_key(options.key) if options.key else _known_by_the_cloud(cache(_history))
        codes = [_say(path, is_known) for path in options.clips]
    except FAULTS as error:
        return complain("verify", f"{error}; without the cloud, give --key", 2)
    return max(codes)


def verified(path: Path) -> VerifiedClip:
    """A clip whose seal holds.

    Raises:
        SealError: it has none, or was changed; the message says which.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        seal = check_seal(file)
        file.seek(0)
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name = ClipName.read(seal.statement.clip)
    if name is None:
        raise SealError(f"its seal is about {seal.statement.clip!r}, which is no clip")
    return VerifiedClip(name, seal, sha256)


@dataclass(frozen=True, slots=True)
class KnownSince:
    """Since when the cloud knows a clip at the latest, and the key by its device's health; None where that named none.

    Both in UTC, ISO 8601.
    """

    clip: str
    key: str | None


def known_since(clip: VerifiedClip, thing: str, cloud: CloudRecords) -> KnownSince:
    """What the cloud knows of a clip of a device.

    Raises:
        SealError: it does not know it, or knows something else; the message says what.
    """
    record = cloud.record((f"{thing}/{clip.name.camera}", f"event#{clip.name.event}"))
    filmed = None if record is None else record.filmed
    if record is None or filmed is None or record.filmed_at is None:
        raise SealError("the cloud knows no clip of this event: not yet, not any more, or in another account")
    if filmed.clip_key is None or filmed.clip_key != clip.seal.key:
        raise SealError("it was sealed with another key than that of the device: it is forged, or the key was renewed")
    part = next((each for each in filmed.clips if each.part == clip.name.part), None)
    if part is None:
        raise SealError(f"the cloud knows other parts of this clip, but not part {clip.name.part}")
    if part.sha256 != clip.sha256:
        raise SealError("the cloud knows another clip under this name: this one was sealed again")
    since = record.clip_keys.get(clip.seal.key)
    if since is None:  # of a new key the clip may tell before health does
        since = cloud.clip_keys(thing).get(clip.seal.key)
    if since is None and record.clip_keys:
        raise SealError("its device's health had named other keys by then, and has never named this one: it is forged")
    return KnownSince(record.filmed_at, None if since is None else format_utc(since))


def _known_by_key(key: str) -> Callable[[VerifiedClip], str]:
    def is_known(clip: VerifiedClip) -> str:
        if clip.seal.key != key:
            raise SealError(f"it was sealed with another key, {clip.seal.key}")
        return "sealed with the key that you named"

    return is_known


def _known_by_the_cloud(history: Callable[[], CloudRecords]) -> Callable[[VerifiedClip], str]:
    def is_known(clip: VerifiedClip) -> str:
        thing = clip.seal.statement.thing
        if thing is None:
            raise SealError("its seal names no device, so that the cloud cannot be asked; give --key")
        since = known_since(clip, thing, history())
        key = f"its key since {since.key}" if since.key else "its key only by the clip: the device's health names none"
        return f"the cloud knows it since {since.clip} at the latest, from {thing} itself, and {key}"

    return is_known


def _history() -> CloudRecords:
    site = find_site()
    return HistoryReader(site.client("dynamodb"), site.output("TableName"))


def _say(path: Path, is_known: Callable[[VerifiedClip], str]) -> int:
    try:
        clip = verified(path)
        proof = is_known(clip)
    except SealError as error:
        return complain("verify", f"{path}: NOT PROVEN: {error}")
    except OSError as error:
        return complain("verify", f"{path}: {error.strerror or error}", 2)
    statement = clip.seal.statement
    when = f" at {statement.finished_at}" if statement.finished_at else ", when its clock was not to be trusted"
    print(f"{path}: unchanged since {statement.thing or 'a device without a name'} finished it{when}; {proof}")
    print(f"  camera {clip.name.camera}, event {clip.name.event}, part {clip.name.part}; key {clip.seal.key}")
    return 0


def _key(text: str) -> str:
    key = "".join(text.split()).lower()
    if not _KEY.fullmatch(key):
        raise ArgumentTypeError(f"{text!r} is no key: give the 64 hexadecimal digits that `clip_key_made` says")
    return key
