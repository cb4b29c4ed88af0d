"""Tiny H.266 streams, written bit by bit after Rec. ITU-T H.266 (clause 7.3): nothing in the packages encodes it.

Each picture is a key frame of one coding tree unit of 32x32 samples, all tools off. Its coded samples are bits that
were drawn at random and kept where they make a whole picture, which arithmetic coding often does.
"""

from dataclasses import dataclass, field
from typing import Final, Self

SIDE: Final = 32
PICTURES: Final = {"643f277d": (100, 139), "38c36c": (111, 151), "6f6aa8": (115, 156), "e965f89f87ff": (121, 124)}
"""The coded samples, and the least and the greatest brightness in the picture that they make."""
_SPS, _PPS, _IDR = 15, 16, 8


@dataclass(slots=True)
class Bits:
    """What has been written so far, as the digits 0 and 1."""

    digits: list[str] = field(default_factory=list)

    def u(self, *numbers: int, width: int = 1) -> Self:
        """Numbers of this many bits each."""
        self.digits += [format(number, f"0{width}b") for number in numbers]
        return self

    def ue(self, *numbers: int) -> Self:
        """Exponential Golomb codes, clause 9.2."""
        for number in numbers:
            code = format(number + 1, "b")
            self.digits.append("0" * (len(code) - 1) + code)
        return self

    def zeros(self, count: int) -> Self:
        """So many tools that are off."""
        self.digits.append("0" * count)
        return self

    def aligned(self) -> Self:
        """Zeros up to a whole byte."""
        self.digits.append("0" * (-len("".join(self.digits)) % 8))
        return self

    def ended(self) -> bytes:
        """With the bit that ends a header or a parameter set."""
        whole = "".join(self.u(1).aligned().digits)
        return int(whole, 2).to_bytes(len(whole) // 8, "big")


def stream(samples: str) -> bytes:
    """A key frame with its parameter sets, in Annex B."""
    return _nal(_SPS, _sequence()) + _nal(_PPS, _picture()) + _nal(_IDR, _slice() + bytes.fromhex(samples))


def _nal(kind: int, payload: bytes) -> bytes:
    escaped, zeros = bytearray(), 0
    for byte in payload:
        if zeros >= 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = 0 if byte else zeros + 1
    return bytes([0, 0, 0, 1, 0, kind << 3 | 1]) + bytes(escaped)


def _sequence() -> bytes:
    """Clause 7.3.2.4: 4:2:0, 8 bits, Main 10, level 1."""
    bits = Bits().zeros(4 + 4 + 3).u(1, width=2).zeros(2).u(1)
    bits.u(1, width=7).zeros(1).u(16, width=8).u(1).zeros(1 + 1).aligned().zeros(8)
    bits.zeros(1 + 1).ue(SIDE, SIDE).zeros(1 + 1).ue(0).zeros(1 + 1 + 4 + 1 + 2 + 2).ue(0, 0, 0)
    # The smallest block is 4, the smallest quadtree leaf the whole unit: nothing is ever split.
    bits.ue(0).zeros(1).ue(3, 0).zeros(1).ue(3, 0)
    bits.zeros(3 + 1).u(1).ue(0, 0, 0, 0).zeros(3 + 3 + 1).u(1).ue(0).zeros(7).ue(0).zeros(5).ue(0)
    return bits.zeros(4).u(1).zeros(1 + 1 + 3 + 2 + 1 + 1 + 3).ended()


def _picture() -> bytes:
    """Clause 7.3.2.5: no partitions, no deblocking."""
    bits = Bits().zeros(6 + 4 + 1).ue(SIDE, SIDE).zeros(3).u(1).zeros(1 + 1).ue(0, 0).zeros(4).ue(0)
    return bits.zeros(2).u(1, 0, 1).zeros(3).ended()


def _slice() -> bytes:
    """Clauses 7.3.2.8 and 7.3.7: the picture's header lies in that of its only slice."""
    return Bits().u(1, 1).zeros(3).ue(0).zeros(4).zeros(1).ue(0).ended()
