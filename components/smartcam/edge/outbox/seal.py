"""Seals: checksums beside what is stored, because SQLite does not notice a bit that has flipped inside a value.

A memory card that wears out flips bits. Without a seal a flipped bit could send an event under another camera's name,
or make it so old that it is dropped. What has no seal is of a release before there were any, and is taken as it is.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, Final

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import parse_object
from smartcam.edge.outbox.sql import Stamp

_SEAL: Final = "seal"
_LARGEST_STATE: Final = 4096
_HALF: Final = 32
_MASK: Final = 2**_HALF - 1


def seal_of(payload: bytes, stamp: Stamp) -> int:
    """The seal of a waiting event: one half for what it says, one for when it was stored. 64 bits with a sign."""
    seal = zlib.crc32(payload) << _HALF | _when(stamp)
    return seal - (seal >> 2 * _HALF - 1 << 2 * _HALF)


def is_said(seal: int, payload: bytes) -> bool:
    """Whether the payload is as it was sealed."""
    return _is_like(seal >> _HALF & _MASK, zlib.crc32(payload))


def is_when(seal: int, stamp: Stamp) -> bool:
    """Whether the stamp is as it was sealed."""
    return _is_like(seal & _MASK, _when(stamp))


def is_cut(seal: int) -> bool:
    """Whether it ends in zeros, as what stood in the part of a page that is cut off: then it says nothing."""
    return not seal & _MASK


def sealed_state(state: Mapping[str, object], *names: str) -> str:
    """An episode's state as compact JSON with its seal, which covers the names too.

    Raises:
        ContractError: when the state is over 4 kB.
        ValueError: the state is no JSON.
    """
    text = _dumped(state)
    if len(text) > _LARGEST_STATE:
        raise ContractError("state", f"has {len(text)} bytes, at most {_LARGEST_STATE} are allowed")
    return _dumped(dict(state) | {_SEAL: _sum(*names, text)})


def unsealed_state(text: Any, *names: str) -> dict[str, object]:  # noqa: ANN401  a damaged column holds anything
    """The inverse. Raises ContractError where the seal is not that of the state and these names."""
    if not isinstance(text, str):
        raise ContractError("state", "must be text")
    state = parse_object(text, "state")
    seal = state.pop(_SEAL, None)
    if seal is not None and seal != _sum(*names, _dumped(state)):
        raise ContractError("state", "is not as it was stored")
    return state


def _is_like(one: int, other: int) -> bool:
    """Whether two checksums differ in one bit at most.

    Then it is the seal that was hit. One or two bits that flip in the content change more: of any two messages of our
    length with the same CRC-32, four bits at least differ, those of the checksum counted
    (https://users.ece.cmu.edu/~koopman/crc/crc32.html).
    """
    return (one ^ other).bit_count() <= 1


def _when(stamp: Stamp) -> int:
    return _sum(stamp.boot_id, str(stamp.mono), str(stamp.utc), str(int(stamp.synced)))


def _sum(*words: str) -> int:
    return zlib.crc32("\0".join(words).encode())


def _dumped(state: Mapping[str, object]) -> str:
    return json.dumps(dict(state), separators=(",", ":"), allow_nan=False)
