"""What has become of a local deployment, from what the nucleus and the running processes say. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SERVICES: Final = ("smartcam.Capture", "smartcam.Inference")
"""The components that must run; the others are installed only, or run once."""


class RunState(StrEnum):
    """What became of a deployment, by what runs."""

    PENDING = "pending"
    RUNNING = "running"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NucleusAnswer:
    """The nucleus's own answer: whether the deployment has ended, well or not, and why not."""

    state: RunState = RunState.PENDING
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A process of a component; empty where it has not begun to run a version yet."""

    version: str = ""
    refused: str = ""
    reason: str = ""

    def __str__(self) -> str:
        """For people."""
        runs = f"{self.version} runs" if self.version else "is starting"
        return f"{self.refused} was refused here ({self.reason}); {runs}" if self.refused else runs


@dataclass(frozen=True, slots=True)
class Situation:
    """What became of a deployment, why it failed, and a line for each component."""

    state: RunState
    reason: str
    lines: tuple[str, ...]


def judge(answer: NucleusAnswer, processes: Mapping[str, Sequence[Running]], version: str) -> Situation:
    """Old processes go on while a new version is installed: only both, the nucleus and the processes, are a success."""
    every = [one for name in SERVICES for one in processes.get(name, ())]
    state = answer.state
    if state is RunState.RUNNING:
        if any(one.refused == version for one in every):
            state = RunState.REFUSED
        elif not all(processes.get(name) for name in SERVICES) or {one.version for one in every} != {version}:
            state = RunState.PENDING
    lines = [f"{name}: {'; '.join(map(str, processes.get(name, ()))) or 'does not run'}" for name in SERVICES]
    return Situation(state, answer.reason, tuple(lines))


def read_processes(said: str) -> Mapping[str, Sequence[Running]]:
    """The processes in what `nuclei.py` asks for: each a line `process COMPONENT VERSION FILE`, and its variables.

    Version and file are of the code that run.sh keeps for going back.
    """
    found: dict[str, list[Running]] = {}
    for block in re.split(r"^process ", said, flags=re.MULTILINE)[1:]:
        head, *rest = block.splitlines()
        words = [*head.split(" ", 2), "", ""]
        name, proven, kept = words[0], words[1], words[2].strip()
        variables = dict(line.split("=", 1) for line in rest if "=" in line)
        code = variables.get("PYTHONPATH", "")
        deployed = re.search(rf"/{re.escape(name)}/([^/]+)/[^/]+\.zip$", code)
        version = deployed[1] if deployed else proven if code and code == kept else ""
        refused = variables.get("SMARTCAM_REFUSED_VERSION", "")
        found.setdefault(name, []).append(Running(version, refused, variables.get("SMARTCAM_REFUSED_REASON", "")))
    return found


def read_lite(journal: str) -> NucleusAnswer:
    """What the journal of nucleus lite's deployments says of the last one that has begun in it.

    It does not name deployments. One that was running before ours was sent began before this part of the journal.
    """
    answer, began = NucleusAnswer(), False
    errors: list[str] = []
    for line in journal.splitlines():
        if "Processing incoming deployment." in line:
            answer, errors, began = NucleusAnswer(), [], True
        elif began and "reporting job as SUCCEEDED" in line:
            answer = NucleusAnswer(RunState.RUNNING)
        elif began and "reporting job as FAILED" in line:
            answer = NucleusAnswer(RunState.FAILED, "; ".join(errors[-3:]))
        elif line.startswith("E["):
            errors.append(line.partition(": ")[2])
    return answer


def read_classic(said: str, deployment: str) -> NucleusAnswer:
    """What `greengrass-cli deployment status` says of a deployment."""
    found = re.search(rf"{re.escape(deployment)}: (\w+)", said)
    status = found[1] if found else ""
    if status == "SUCCEEDED":
        return NucleusAnswer(RunState.RUNNING)
    if status not in {"FAILED", "CANCELED", "REJECTED"}:
        return NucleusAnswer()
    why = re.findall(r"^(?:Detailed Status|Deployment Failure Cause): (.+)$", said, re.MULTILINE)
    return NucleusAnswer(RunState.FAILED, "; ".join(why) or status)
