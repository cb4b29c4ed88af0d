"""What a decoder is fed with, and what of it counts as a finding."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class Unfaithful(Exception):
    """What was read is not what is read again after it was written."""


@dataclass(frozen=True, slots=True)
class FuzzTarget:
    """A decoder under fuzzing."""

    feed: Callable[[bytes], None]
    """Takes any bytes. Whatever it raises is a finding: it keeps the decoder's own refusal to itself."""
    reads: tuple[str, ...]
    """Where the branches are that the corpus has to reach: `package.module`, or `package.module:function`."""


def decoding(
    decode: Callable[[bytes], T],
    refusals: type[Exception] | tuple[type[Exception], ...],
    encode: Callable[[T], bytes] | None = None,
) -> Callable[[bytes], None]:
    """Feed a decoder that gives a value or refuses; what is written again must be read, and written the same."""

    def feed(data: bytes) -> None:
        try:
            value = decode(data)
        except refusals:
            return
        # Bytes, because a field of another version that is null is known of, and not written.
        if encode is not None and (written := encode(value)) != (again := encode(decode(written))):
            raise Unfaithful(f"{written!r} was written again as {again!r}")

    return feed
