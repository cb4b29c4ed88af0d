"""What a decoder is fed with, and what of it counts as a finding."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


class Unfaithful(Exception):
    """What was read is not what is read again after it was written."""


@dataclass(frozen=True, slots=True)
class Target:
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
    """Feed a decoder that gives a value or refuses; what can be encoded again must be read as the same."""

    def feed(data: bytes) -> None:
        try:
            value = decode(data)
        except refusals:
            return
        if encode is not None and (again := decode(encode(value))) != value:
            raise Unfaithful(f"{value!r} was read again as {again!r}")

    return feed
