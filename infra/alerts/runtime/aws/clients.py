"""What all functions share: how patient their clients are, and the clock."""

import time
from typing import Final

from botocore.config import Config

from smartcam.contract.times import UtcNs

PATIENT: Final = Config(connect_timeout=2, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
ONCE: Final = Config(connect_timeout=3, read_timeout=8, retries={"mode": "standard", "total_max_attempts": 1})


def now() -> UtcNs:
    """The cloud's clock."""
    return UtcNs(time.time_ns())
