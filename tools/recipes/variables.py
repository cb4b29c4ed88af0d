"""The variables that both nuclei replace in scripts and environment values."""

import re
from typing import Final

from tools.recipes.keys import nearest

PLAIN: Final = frozenset(
    {"kernel:rootPath", "iot:thingName", "work:path", "artifacts:path", "artifacts:decompressedPath"}
)
KNOWN: Final = PLAIN | {"configuration:/pointer"}
_BRACE: Final = re.compile(r"\{([^{}\n]*)(\}?)")


def braces(line: str) -> list[tuple[str, str]]:
    """The name after every opening brace of a line, and what is wrong with it: lite takes each for a variable."""
    return [(name, _fault(name, closed=bool(end))) for name, end in _BRACE.findall(line)]


def _fault(name: str, *, closed: bool) -> str:
    if not closed:
        return f"the brace in '{{{name[:40]}' is not closed: lite takes each for a variable"
    if name in PLAIN or name.startswith("configuration:/"):
        return ""
    if name.partition(":")[2] in PLAIN or ":configuration:" in name:
        return f"{{{name}}}: nucleus lite knows no variables of other components"
    return f"{{{name}}} is not a variable that lite knows{nearest(name, KNOWN)} (write $NAME, not ${{NAME}})"
