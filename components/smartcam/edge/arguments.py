"""Numbers on a command line: argparse types that check the range."""

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

N = TypeVar("N", int, float)


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number in this range, both ends included; without `most` there is no upper end."""
    return _within(int, "whole number", least, most)


def number(least: float, most: float | None = None) -> Callable[[str], float]:
    """A finite number in this range, both ends included; without `most` there is no upper end."""
    return _within(float, "number", least, most)


def _within(read: Callable[[str], N], what: str, least: N, most: N | None) -> Callable[[str], N]:
    def parse(text: str) -> N:
        try:
            value = read(text)
            if math.isfinite(value) and value >= least and (most is None or value <= most):
                return value
        except (ValueError, OverflowError):  # of a whole number that no float can hold
            pass
        limits = f"{least:g} or more" if most is None else f"{least:g} to {most:.12g}"
        raise argparse.ArgumentTypeError(f"{text}: give a {what}, {limits}")

    return parse
