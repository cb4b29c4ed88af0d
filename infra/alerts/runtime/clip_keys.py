"""With which keys a device has said in its health that it seals clips, and since when the cloud has heard that; pure.

In the table it stands beside the device, and beside an event with clips as it was when the cloud heard of these:
`KEY@TIME KEY@TIME`, the newest last.
"""

from collections.abc import Mapping
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.event import ClipPart
from smartcam.contract.reading import HEX_OF_32_BYTES
from smartcam.contract.times import UtcNs, format_utc, parse_utc

MOST_KEYS: Final = 8
"""Of one device: a new key is made only where the old one was lost. Beyond that the oldest go."""
LONGEST_KEYS: Final = 1024
"""Characters."""

CLIPS_NAMED: Final = "clips_named"
"""Of an event's item: each part of its clip that its device has ever named, as `named_clip` says it."""
MOST_NAMED: Final = 1000
"""Of one event: three days in parts of five minutes. A stolen device could fill the item, which holds 400 kB."""

ClipKeys = Mapping[str, UtcNs]


def named_clip(part: ClipPart, key: str | None) -> str:
    """A part, its hash and the key of its seal in one word."""
    return f"{part.part}:{part.sha256}:{key or ''}"


def with_key(known: ClipKeys, key: str | None, now: UtcNs) -> ClipKeys:
    """With what a device says of its key; the same where that is known, or it says nothing."""
    if key is None or key in known:
        return known
    return dict([*known.items(), (key, now)][-MOST_KEYS:])


def dump_keys(keys: ClipKeys) -> str:
    """As it stands in the table."""
    return " ".join(f"{key}@{format_utc(since)}" for key, since in keys.items())


def load_keys(text: str) -> ClipKeys:
    """The inverse, to the millisecond. Raises ContractError for anything else."""
    keys = dict[str, UtcNs]()
    for one in text.split():
        key, _, since = one.partition("@")
        if not HEX_OF_32_BYTES.fullmatch(key):
            raise ContractError("clip_keys", f"{key[:64]!r} is no key of 64 hexadecimal digits")
        keys[key] = parse_utc(since, "clip_keys")
    return keys
