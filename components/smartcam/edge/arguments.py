"""Numbers on a command line: types for argparse that know what range makes sense."""

import argparse
import math
from collections.abc import Callable


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number of this range, both ends included; without `most` there is no upper end."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text}: give a whole number{_range(least, most)}")
        return value

    return read


def number(least: float, most: float | None = None) -> Callable[[str], float]:
    """A finite number of this range, both ends included; without `most` there is no upper end."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text}: give a number{_range(least, most)}")
        return value

    return read


def _range(least: float, most: float | None) -> str:
    return f", {least:g} or more" if most is None else f", {least:g} to {most:.12g}"
