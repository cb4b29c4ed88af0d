"""The alerting's handler with a clock beside it: what an invocation costs of its own, and how much memory it takes.

Put beside the function's code in the local cloud; the real handler runs unchanged.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_begun = time.process_time()

from infra.alerts.runtime import handler  # noqa: E402 - its import is measured

_import_ms = (time.process_time() - _begun) * 1000
_count = [0]


def most_memory_mb() -> int:
    """The most that this process has had; `ru_maxrss` would be its parent's, who is larger."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) // 1024


def handle(document: Mapping[str, Any], context: object) -> object:
    """As the real one; one line of figures after each invocation, CPU time by the event or job."""
    begun = time.process_time()
    try:
        return handler.handle(document, context)
    finally:
        _count[0] += 1
        figures = {
            "cpu_ms": round((time.process_time() - begun) * 1000 / len(document.get("Records", [document])), 2),
            "import_ms": round(_import_ms, 1),
            "memory_mb": most_memory_mb(),
            "warm": _count[0] > 1,
        }
        print("figures " + json.dumps(figures))  # noqa: T201 - the log is where they are read
