"""What both nuclei do with a component: run its steps under a guard, stop them, and report its state."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol, TypeVar

from standins.nucleus.deployment import DeploymentError
from standins.nucleus.interpolation import VariableError
from standins.nucleus.profile import LifecycleRules
from standins.nucleus.recipe import Recipe
from standins.nucleus.scripts import Ending, Launch, RunningScript
from tools.recipes.recipe import LifecyclePhase, Step

T = TypeVar("T")


class ComponentState(StrEnum):
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


FINE: Final = frozenset({ComponentState.RUNNING, ComponentState.FINISHED})
"""What a deployment wants of a component."""


class StateChanges:
    """Wakes everyone who waits for some component's state to change."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def changed(self) -> None:
        """Wake everyone who waits."""
        self._next.set()
        self._next = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns when the condition holds."""
        while not condition():
            await self._next.wait()


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and the pause between two starts, so that tests need not wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class LifecycleHost(Protocol):
    """What a component needs from its runner."""

    timing: Timing

    @property
    def rules(self) -> LifecycleRules:
        """By which components are started and stopped."""

    def note(self, component: str, state: str, reason: str = "") -> None:
        """Journal a component's state."""

    def log(self, recipe: Recipe) -> Path:
        """Where a component's output goes."""

    def timeout(self, recipe: Recipe, step: Step) -> float | None:
        """A step's time limit in seconds; None for no limit. Raises DeploymentError."""

    def launch(self, recipe: Recipe, step: Step) -> Launch:
        """What a step needs to be started."""

    def stop_in_background(self, component: "Component") -> None:
        """Stop a component because what it needs has ended."""


async def uninterrupted(work: Awaitable[T], *, reraise: bool = True) -> T:
    """Wait until `work` has ended, even when cancelled; the cancellation is raised afterwards unless unwanted."""
    task = asyncio.ensure_future(work)
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    if cancelled and reraise:
        raise asyncio.CancelledError
    return task.result()


class Component(ABC):
    """One component of a deployment, from installation to its end. What differs is in the subclasses."""

    def __init__(self, recipe: Recipe, host: LifecycleHost) -> None:
        self.recipe = recipe
        self.state: ComponentState | None = None
        self.dependents: list[Component] = []
        self.hard_dependents: list[Component] = []
        self._host = host
        self._script: RunningScript | None = None
        self._work: asyncio.Task[None] | None = None
        self._stop: asyncio.Task[None] | None = None

    @abstractmethod
    async def prepare(self) -> None:
        """Returns when it is installed. Raises DeploymentError when that fails for good."""

    @abstractmethod
    def start(self, needed: Mapping["Component", bool]) -> None:
        """Start it; `needed` are the components that it depends on (True: HARD)."""

    def report(self, state: str) -> None:
        """The component reports its own state (UpdateState)."""
        self._note(state, "reported")

    def has_settled(self) -> bool:
        """Whether it has come to a state that a deployment waits for: a good one, or none that will become one."""
        return self.state in FINE | {ComponentState.BROKEN}

    async def stop(self) -> None:
        """Returns when this component and everything that depends on it has stopped."""
        if self._stop is None:
            self._stop = asyncio.create_task(self._stop_once())
        # Several callers may wait for one stop; cancelling one must not cancel it for the others.
        await asyncio.shield(self._stop)

    def kill(self) -> None:
        """Kill what runs."""
        if self._script is not None:
            self._script.kill()

    @abstractmethod
    async def _stop_once(self) -> None:
        """What stopping takes."""

    async def _end_work(self, dependents: Sequence["Component"]) -> bool:
        """Stop these first, then this component's own work; False when it had none."""
        await asyncio.gather(*(dependent.stop() for dependent in dependents))
        if self._work is None or self._work.done():
            return False
        self._note(ComponentState.STOPPING)
        self._work.cancel()
        await asyncio.wait([self._work])
        return True

    def _broken(self, step: Step, ending: Ending) -> DeploymentError:
        """Note that an installation failed for good; what to raise."""
        self._note(ComponentState.BROKEN, f"{step.phase}: {ending}")
        log = self._host.log(self.recipe)
        return DeploymentError(f"{self.recipe.name}: {step.phase} failed ({ending}); see {log}")

    def _is_clean(self, ending: Ending) -> bool:
        return ending.code == 0 or -ending.code in self._host.rules.clean_signals

    async def _once(self, step: Step) -> Ending:
        try:
            script = await self._launch(step)
        except (DeploymentError, VariableError, OSError) as error:
            return Ending(1, str(error))
        try:
            return await self._follow(step, script)
        finally:
            # Also when cancelled, which is how a component is stopped.
            script.stop()
            await uninterrupted(script.gone())
            self._script = None

    async def _launch(self, step: Step) -> RunningScript:
        # A start interrupted half-way would leave a process behind that nobody knows about.
        starting = asyncio.create_task(RunningScript.start(self._host.launch(self.recipe, step)))
        try:
            self._script = await asyncio.shield(starting)
        except asyncio.CancelledError:
            script = await uninterrupted(starting, reraise=False)
            script.stop()
            await uninterrupted(script.gone())
            raise
        return self._script

    async def _follow(self, step: Step, script: RunningScript) -> Ending:
        if step.phase is LifecyclePhase.RUN:
            self._running()
        elif step.phase is LifecyclePhase.STARTUP:
            self._note(ComponentState.STARTING)
        limit_s = self._limit_s(step)
        try:
            async with asyncio.timeout(limit_s):
                ending = await script.ended()
        except TimeoutError:
            return Ending(1, f"has not ended within {limit_s:g} s")
        if step.phase is LifecyclePhase.STARTUP and self._is_clean(ending):
            self._running()
            # Whatever a startup script leaves running is the service, even if that is nothing.
            await asyncio.Event().wait()
        return ending

    def _limit_s(self, step: Step) -> float | None:
        if step.phase is not LifecyclePhase.RUN:
            return self._host.timeout(self.recipe, step)
        # On lite the Timeout of run is the time to stop.
        if self._host.rules.run_timeout_is_stop_time or not step.timeout:
            return None
        return self._host.timeout(self.recipe, step)

    def _running(self) -> None:
        self._note(ComponentState.RUNNING)

    def _note(self, state: str, reason: str = "") -> None:
        if state in ComponentState.__members__:
            self.state = ComponentState(state)
        self._host.note(self.recipe.name, state, reason)
