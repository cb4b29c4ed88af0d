"""The result of one check."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """`skipped`: it could not be checked from here; the text says what is missing."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """`said` is for people and names the remedy if something is wrong; `facts` are the numbers behind it."""

    name: str
    state: State
    said: str
    facts: Mapping[str, float | str] = field(default_factory=dict)


def as_text(findings: Sequence[Finding]) -> str:
    """One line for each finding, and a summary."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = [f"{finding.state:8} {finding.name:{width}}  {finding.said}" for finding in findings]
    faults, skipped = _count(findings, State.FAULT), _count(findings, State.SKIPPED)
    counts = f"{len(findings) - skipped} checked, {skipped} skipped"
    return "\n".join((*lines, f"{faults} fault{'' if faults == 1 else 's'}: {counts}"))


def as_json(findings: Sequence[Finding]) -> str:
    """The same for programs: `{"faults": 0, "checks": [{"name", "state", "said", ...facts}]}`."""
    rows = [{"name": each.name, "state": each.state, "said": each.said, **each.facts} for each in findings]
    return json.dumps({"faults": _count(findings, State.FAULT), "checks": rows})


def exit_code(findings: Sequence[Finding]) -> int:
    """1 when anything is a fault, else 0."""
    return min(_count(findings, State.FAULT), 1)


def _count(findings: Sequence[Finding], state: State) -> int:
    return sum(finding.state is state for finding in findings)
