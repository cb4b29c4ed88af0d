"""`smartcam cameras <verb> ...`: one module for each verb."""

from collections.abc import Sequence
from typing import Final

from tools.command_line import Verbs, run_verb

VERBS: Final[Verbs] = {
    "find": ("tools.cameras.find:main", "look for cameras here and on the local network, and print their settings"),
}


def main(argv: Sequence[str]) -> int:
    """Run one verb. 2 when there is no such verb."""
    code = run_verb("smartcam cameras", {"": VERBS}, argv)
    return code if argv else 2
