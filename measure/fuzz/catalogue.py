"""All targets, by name."""

from collections.abc import Mapping
from typing import Final

from measure.fuzz import words
from measure.fuzz.target import Target

TARGETS: Final[Mapping[str, Target]] = {**words.TARGETS}
