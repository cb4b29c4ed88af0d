"""All targets, by name."""

from collections.abc import Mapping
from typing import Final

from measure.fuzz import messages
from measure.fuzz.target import Target

TARGETS: Final[Mapping[str, Target]] = {**messages.TARGETS}
