"""`smartcam alerts <verb> ...`: one module for each verb."""

from collections.abc import Sequence
from typing import Final

from tools.command_line import Verbs, run_verb

VERBS: Final[Verbs] = {
    "tail": ("tools.alerts.tail:main", "follow the history as it grows"),
    "verdict": ("tools.alerts.verdict:main", "say whether an event was one"),
    "export": ("tools.alerts.export:main", "write the history as a table, with your verdicts"),
    "test": ("tools.alerts.trial:main", "send a test alert through the whole real path"),
    "devices": ("tools.alerts.devices:main", "list the devices; pause, retire or reinstate one"),
    "redrive": ("tools.alerts.redrive:main", "hand what has failed to the alerting again"),
}


def main(argv: Sequence[str]) -> int:
    """Run one verb. 2 when there is no such verb."""
    code = run_verb("smartcam alerts", {"": VERBS}, argv)
    return code if argv else 2
