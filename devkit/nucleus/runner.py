"""Runs the lifecycles of a deployment's components by the nucleus's rules."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from devkit.nucleus.core import Nucleus
from devkit.nucleus.deployment import DeploymentError
from devkit.nucleus.interpolation import VariableError, Variables, interpolate_value, variables_of, work_folder
from devkit.nucleus.profile import Profile
from devkit.nucleus.recipe import Phase, Recipe, Step
from devkit.nucleus.scripts import Ending, Launch, RunningScript, render

T = TypeVar("T")


class State(StrEnum):
    """What the journal says of a component."""

    INSTALLING = "INSTALLING"
    INSTALLED = "INSTALLED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    ERRORED = "ERRORED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and the pause between two starts, so that tests need not wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def may_start(starts: Sequence[float], now: float, profile: Profile) -> bool:
    """Whether a unit that was started at these times may be started once more."""
    recent = [start for start in starts if now - start < profile.start_window_s]
    return len(recent) < profile.starts


async def _surely(work: Awaitable[T], *, again: bool = True) -> T:
    """Wait for the end of `work` whatever happens; a cancellation is passed on afterwards if wanted."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and again:
        raise asyncio.CancelledError
    return task.result()


class Component:
    """One component of a deployment, from installation to its end."""

    def __init__(self, recipe: Recipe, runner: "Runner") -> None:
        self.recipe = recipe
        self.started = asyncio.Event()
        """Set when the service runs, or when it is clear that it never will."""
        self.over = False
        """Whether the service has ended by itself, for good."""
        self.dependents: list[Component] = []
        self.hard_dependents: list[Component] = []
        self._runner = runner
        self._script: RunningScript | None = None
        self._service: asyncio.Task[None] | None = None
        self._stop: asyncio.Task[None] | None = None

    async def prepare(self) -> None:
        """Run bootstrap and install. Raises DeploymentError when one of them fails for good."""
        steps = [self.recipe.steps[phase] for phase in (Phase.BOOTSTRAP, Phase.INSTALL) if phase in self.recipe.steps]
        for step in steps:
            self._note(State.INSTALLING, step.phase)
            ending = await self._until_clean(step)
            if not ending.clean:
                self._note(State.BROKEN, f"{step.phase}: {ending}")
                log = self._runner.log(self.recipe)
                raise DeploymentError(f"{self.recipe.name}: {step.phase} failed ({ending}); see {log}")
        self._note(State.INSTALLED)

    def start(self, needed: Mapping["Component", bool]) -> None:
        """Start the service, if there is one, once the needed components (True: HARD) have started."""
        self._service = asyncio.create_task(self._serve(needed), name=self.recipe.name)

    async def stop(self) -> None:
        """Returns when this component and everything that depends on it has stopped."""
        if self._stop is None:
            self._stop = asyncio.create_task(self._stop_once())
        # Two may wait for one end, and neither may take it from the other.
        await asyncio.shield(self._stop)

    def kill(self) -> None:
        """Kill what runs."""
        if self._script is not None:
            self._script.kill()

    async def _stop_once(self) -> None:
        await asyncio.gather(*(dependent.stop() for dependent in self.dependents))
        if self._service is None or self._service.done():
            return
        self._note(State.STOPPING)
        self._service.cancel()
        await asyncio.wait([self._service])
        self._note(State.STOPPED)

    async def _serve(self, needed: Mapping["Component", bool]) -> None:
        step = self.recipe.service
        try:
            for component in needed:
                await component.started.wait()
            if step is None:
                return
            missing = [component.recipe.name for component, hard in needed.items() if hard and component.over]
            ending = Ending(1, f"{missing[0]} has ended") if missing else await self._until_clean(step)
            self.over = True
            self._note(State.FINISHED if ending.clean else State.BROKEN, str(ending))
            for dependent in self.hard_dependents:
                self._runner.stop_in_background(dependent)
        finally:
            self.started.set()

    async def _until_clean(self, step: Step) -> Ending:
        """Start a step as often as the rules allow, until it ends well."""
        starts: list[float] = []
        timing = self._runner.timing
        while True:
            starts.append(timing.monotonic())
            ending = await self._once(step)
            if ending.clean:
                return ending
            self._note(State.ERRORED, f"{step.phase}: {ending}")
            if not may_start(starts, timing.monotonic(), self._runner.profile):
                return ending
            await timing.sleep(self._runner.profile.restart_delay_s)

    async def _once(self, step: Step) -> Ending:
        try:
            script = await self._launch(step)
        except (DeploymentError, VariableError, OSError) as error:
            return Ending(1, str(error))
        try:
            return await self._follow(step, script)
        finally:
            # Also when cancelled: this is how a component is stopped.
            script.stop()
            await _surely(script.gone())
            self._script = None

    async def _launch(self, step: Step) -> RunningScript:
        # A start that is interrupted half-way would leave a process that nobody knows.
        starting = asyncio.create_task(RunningScript.start(self._runner.launch(self.recipe, step)))
        try:
            self._script = await asyncio.shield(starting)
        except asyncio.CancelledError:
            script = await _surely(starting, again=False)
            script.stop()
            await _surely(script.gone())
            raise
        return self._script

    async def _follow(self, step: Step, script: RunningScript) -> Ending:
        if step.phase is Phase.RUN:
            self._note(State.RUNNING)
            self.started.set()
            return await script.ended()
        if step.phase is Phase.STARTUP:
            self._note(State.STARTING)
        limit_s = self._runner.timeout(self.recipe, step)
        try:
            async with asyncio.timeout(limit_s):
                ending = await script.ended()
        except TimeoutError:
            return Ending(1, f"has not ended within {limit_s:g} s")
        if step.phase is Phase.STARTUP and ending.clean:
            self._note(State.RUNNING)
            self.started.set()
            # What a startup script leaves behind is the service, and so is nothing.
            await asyncio.Event().wait()
        return ending

    def _note(self, state: State, reason: str = "") -> None:
        self._runner.note(self.recipe.name, state, reason)


class Runner:
    """The components of one deployment."""

    def __init__(
        self,
        nucleus: Nucleus,
        recipes: Sequence[Recipe],
        base_environment: Mapping[str, str],
        stop_s: float | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.profile = nucleus.profile
        self.timing = timing or Timing()
        self._nucleus = nucleus
        self._base_environment = base_environment
        self._stop_s = stop_s
        self._background: set[asyncio.Task[None]] = set()
        self._components = {recipe.name: Component(recipe, self) for recipe in recipes}
        for recipe in recipes:
            for dependency in recipe.dependencies:
                needed = self._components[dependency.name]
                needed.dependents.append(self._components[recipe.name])
                if dependency.hard:
                    needed.hard_dependents.append(self._components[recipe.name])
        nucleus.operations.state_listener = lambda component, state: self.note(component, state, "reported")

    async def run(self) -> None:
        """Install everything, dependencies first, then start everything.

        Raises:
            DeploymentError: when a variable has no value or an installation fails for good.
        """
        for component in self._components.values():
            self._check(component.recipe)
        for component in self._components.values():
            await component.prepare()
        for component in self._components.values():
            component.start({self._components[needed.name]: needed.hard for needed in component.recipe.dependencies})

    async def stop(self) -> None:
        """Stop everything, dependents first; returns when nothing is left."""
        await asyncio.gather(*(component.stop() for component in self._components.values()))
        await asyncio.gather(*self._background)

    def kill(self) -> None:
        """Kill everything that runs; `stop` returns soon after."""
        for component in self._components.values():
            component.kill()

    def stop_in_background(self, component: Component) -> None:
        """Stop a component because what it needs has ended."""
        task = asyncio.create_task(component.stop())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def note(self, component: str, state: str, reason: str = "") -> None:
        """Journal a component's state."""
        self._nucleus.journal.write("component_state", component=component, state=str(state), reason=reason or None)

    def log(self, recipe: Recipe) -> Path:
        """Where a component's output goes."""
        return self._nucleus.device.root / "logs" / f"{recipe.name}.log"

    def timeout(self, recipe: Recipe, step: Step) -> float | None:
        """A step's time limit in seconds; None for a Timeout of 0. Raises DeploymentError."""
        return (self._seconds(recipe, step) or None) if step.timeout else self.profile.timeout_s

    def launch(self, recipe: Recipe, step: Step) -> Launch:
        """What a step needs to be started, its folders and its script made."""
        root = self._nucleus.device.root
        script = root / "run" / f"{recipe.name}.{step.phase}.sh"
        for folder in (work_folder(root, recipe.name), script.parent, self.log(recipe).parent):
            folder.mkdir(parents=True, exist_ok=True)
        script.write_text(render(step, self._variables(recipe)), encoding="utf-8")
        # Lite has one setting for the time to start and the time to stop.
        stop_s = self._seconds(recipe, step) if step.timeout and step.phase is Phase.RUN else self.profile.stop_s
        return Launch(
            script=script,
            environment={**self._base_environment, **self._nucleus.environment(recipe.name)},
            folder=work_folder(root, recipe.name),
            log=self.log(recipe),
            stop_s=stop_s if self._stop_s is None else min(stop_s, self._stop_s),
            lingers=step.phase is Phase.STARTUP,
        )

    def _check(self, recipe: Recipe) -> None:
        for step in recipe.steps.values():
            try:
                render(step, self._variables(recipe))
            except VariableError as error:
                raise DeploymentError(f"{recipe.file.name}: {step.phase}: {error}") from error
            if step.timeout:
                self._seconds(recipe, step)

    def _seconds(self, recipe: Recipe, step: Step) -> float:
        try:
            return float(interpolate_value(step.timeout or "", self._variables(recipe)))
        except ValueError as error:
            raise DeploymentError(f"{recipe.file.name}: {step.phase}: Timeout is no number of seconds") from error

    def _variables(self, recipe: Recipe) -> Variables:
        device = self._nucleus.device
        return variables_of(
            device.root,
            recipe.name,
            recipe.version,
            device.thing,
            lambda path: self._nucleus.store.read(recipe.name, path),
        )
