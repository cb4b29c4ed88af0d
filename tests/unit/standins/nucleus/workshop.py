"""Recipes, artifacts and a nucleus for these tests, in a folder of the test."""

import asyncio
import json
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from standins.nucleus.cloud import NoCloud
from standins.nucleus.component import Timing
from standins.nucleus.configuration import ConfigurationStore, Update
from standins.nucleus.core import NucleusCore, SystemSettings
from standins.nucleus.deployment import DeploymentDocument, DeploymentEntry, resolve
from standins.nucleus.journal import Journal
from standins.nucleus.profile import LITE, Profile
from standins.nucleus.runner import Runner

PATIENCE_S = 60.0
"""How long a condition is waited for: a busy machine is slow."""
RECIPE = """\
RecipeFormatVersion: "2020-01-25"
ComponentName: {name}
ComponentVersion: {version}
{extra}Manifests:
  - Platform:
      os: linux
      runtime: "*"
{artifacts}    Lifecycle:
{lifecycle}
"""


@dataclass(frozen=True, slots=True)
class Workshop:
    """A folder with recipes and artifacts, and a root for a nucleus."""

    folder: Path

    @property
    def recipes(self) -> Path:
        return self.folder / "recipes"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def root(self) -> Path:
        return self.folder / "root"

    def recipe(
        self,
        name: str,
        lifecycle: str = "run: sleep 1000",
        *,
        version: str = "1.0.0",
        needs: Mapping[str, str] | None = None,
        configuration: str = "",
        zips: Sequence[str] = (),
    ) -> Path:
        """Write a recipe; `needs` maps names to HARD or SOFT; lifecycle and configuration are YAML."""
        extra = ""
        if configuration:
            inner = textwrap.indent(configuration, "    ")
            extra += f"ComponentConfiguration:\n  DefaultConfiguration:\n{inner}\n"
        if needs:
            extra += "ComponentDependencies:\n"
            extra += "".join(
                f"  {other}: {{VersionRequirement: '>=1.0.0 <2.0.0', DependencyType: {kind}}}\n"
                for other, kind in needs.items()
            )
        artifacts = "".join(f"      - Uri: s3://BUCKET/{file}\n        Unarchive: ZIP\n" for file in zips)
        text = RECIPE.format(
            name=name,
            version=version,
            extra=extra,
            artifacts=f"    Artifacts:\n{artifacts}" if artifacts else "",
            lifecycle=textwrap.indent(lifecycle, "      "),
        )
        return self.text(f"{name}-{version}.yaml", text)

    def text(self, file: str, text: str) -> Path:
        """Write a recipe as it is."""
        self.recipes.mkdir(exist_ok=True)
        (self.recipes / file).write_text(text, encoding="utf-8")
        return self.recipes / file

    def zip(self, name: str, file: str, entries: Mapping[str, str], version: str = "1.0.0") -> Path:
        """Write a zip artifact."""
        target = self.artifacts / name / version / file
        target.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(target, "w") as opened:
            for entry, content in entries.items():
                opened.writestr(entry, content)
        return target

    def deployment(self, **components: str) -> Path:
        """Write a deployment file; an underscore in a name stands for a dot."""
        document = {"components": {name.replace("_", "."): {"version": wanted} for name, wanted in components.items()}}
        (self.folder / "deploy.json").write_text(json.dumps(document), encoding="utf-8")
        return self.folder / "deploy.json"

    def log(self, name: str) -> str:
        return (self.root / "logs" / f"{name}.log").read_text(encoding="utf-8")

    def states(self, component: str) -> list[str]:
        """The states of a component so far."""
        lines = (self.root / "journal.jsonl").read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
        return [
            entry["state"]
            for entry in entries
            if entry["event"] == "component_state" and entry["component"] == component
        ]


class QuickTiming:
    """A clock that only the pauses move: restarts need no waiting."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def timing(self) -> Timing:
        return Timing(lambda: self.now, self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Device1:
    """A nucleus and the runner of one deployment."""

    nucleus: NucleusCore
    runner: Runner
    journal: Journal

    async def close(self) -> None:
        await self.runner.stop()
        self.journal.close()


def prepare(workshop: Workshop, wanted: str, profile: Profile = LITE, timing: Timing | None = None) -> Device1:
    """A device that has been given one component to run."""
    workshop.root.mkdir()
    recipes = resolve(DeploymentDocument({wanted: DeploymentEntry("1.0.0", Update())}), workshop.recipes, profile)
    journal = Journal(workshop.root / "journal.jsonl")
    device = SystemSettings(workshop.root, "yard", workshop.root / "s")
    nucleus = NucleusCore(device, profile, ConfigurationStore(), NoCloud(), journal)
    for recipe in recipes:
        nucleus.store.deploy(recipe.name, recipe.defaults, Update(), 1)
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    return Device1(nucleus, Runner(nucleus, recipes, environment, timing=timing), journal)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  what is waited for are other processes
            await asyncio.sleep(0.01)


def until_true(condition: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition, without an event loop. Raises TimeoutError."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)
