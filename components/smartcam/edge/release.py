"""Which version this process is, and which one it runs instead of: its start script says so in the environment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from smartcam import __version__
from smartcam.contract.notice import LONGEST_REFUSAL
from smartcam.contract.reading import printable

_FOLDERS: Final = re.compile(r"(?:/[^/\s:]+)+/")
REFUSED_VERSION: Final = "SMARTCAM_REFUSED_VERSION"
REFUSED_REASON: Final = "SMARTCAM_REFUSED_REASON"


@dataclass(frozen=True, slots=True)
class RunningRelease:
    """What a component runs. `refused`: which version was installed and does not run, and why; empty if none."""

    version: str = __version__
    refused: str = ""


THIS_RELEASE: Final = RunningRelease()


def release_of(component: str, environment: Mapping[str, str]) -> RunningRelease:
    """The release that a component runs in this environment."""
    version = environment.get(REFUSED_VERSION, "")
    if not version:
        return THIS_RELEASE
    why = environment.get(REFUSED_REASON) or "see its log"
    plain = printable(f"{version}: {component}: {why}").encode("ascii", "replace").decode()
    if len(plain) > LONGEST_REFUSAL:
        # What is wrong stands at the end, often behind a long path.
        plain = _FOLDERS.sub(".../", plain)
    return RunningRelease(refused=plain[:LONGEST_REFUSAL])
