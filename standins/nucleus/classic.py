"""A component as the classic nucleus runs it: its own state machine, which waits only for HARD dependencies."""

import asyncio
from collections.abc import Mapping
from typing import Final

from standins.nucleus.component import Component, ComponentState, LifecycleHost, StateChanges, uninterrupted
from standins.nucleus.deployment import DeploymentError
from standins.nucleus.recipe import Recipe
from standins.nucleus.restarts import ErrorLimit
from standins.nucleus.scripts import Ending
from tools.recipes.recipe import LifecyclePhase, Step

_READY: Final = frozenset({ComponentState.RUNNING, ComponentState.FINISHED, ComponentState.STOPPING})
_ALIVE: Final = frozenset({ComponentState.STARTING, ComponentState.RUNNING})


class ClassicComponent(Component):
    """See `Component`. It installs itself beside the others; SOFT dependencies are never waited for."""

    def __init__(self, recipe: Recipe, host: LifecycleHost, watch: StateChanges) -> None:
        super().__init__(recipe, host)
        self._watch = watch
        self._needs: list[Component] = []
        self._errors = ErrorLimit(host.rules)
        self._reported_error = asyncio.Event()
        self._installed = asyncio.Event()
        self._fault: DeploymentError | None = None

    async def prepare(self) -> None:
        """See `Component`: `start` has begun the installation."""
        await self._installed.wait()
        if self._fault is not None:
            raise self._fault

    def start(self, needed: Mapping[Component, bool]) -> None:
        """See `Component`."""
        self._needs = [component for component, hard in needed.items() if hard]
        self._work = asyncio.create_task(self._live(), name=self.recipe.name)

    def report(self, state: str) -> None:
        """See `Component`: RUNNING counts while it starts, ERRORED is an error like any other."""
        if state == ComponentState.ERRORED and self.state in _ALIVE:
            self._reported_error.set()
        elif state == ComponentState.RUNNING and self.state is ComponentState.STARTING:
            self._note(ComponentState.RUNNING, "reported")

    async def _stop_once(self) -> None:
        if await self._end_work(self.hard_dependents):
            await self._beside(LifecyclePhase.SHUTDOWN)
            self._note(ComponentState.FINISHED)

    async def _live(self) -> None:
        try:
            self._fault = await self._install()
        finally:
            self._installed.set()
        while self._fault is None:
            await self._watch.until(self._has_what_it_needs)
            if await self._serve():
                return

    async def _install(self) -> DeploymentError | None:
        steps = [
            self.recipe.steps[phase]
            for phase in (LifecyclePhase.BOOTSTRAP, LifecyclePhase.INSTALL)
            if phase in self.recipe.steps
        ]
        for step in steps:
            errors = ErrorLimit(self._host.rules)
            self._note(ComponentState.INSTALLING, step.phase)
            while not self._is_clean(ending := await self._once(step)):
                if not errors.failed(self._host.timing.monotonic()):
                    return self._broken(step, ending)
                self._note(ComponentState.ERRORED, f"{step.phase}: {ending}")
                await self._beside(LifecyclePhase.RECOVER)
        self._note(ComponentState.INSTALLED)
        return None

    async def _serve(self) -> bool:
        """Start the service once. True when it will not be started again."""
        self._note(ComponentState.STARTING)
        step = self.recipe.service
        if step is None:
            self._note(ComponentState.FINISHED)
            return True
        ending = await self._run(step)
        if ending is None:
            self._errors.reset()
            await self._come_down()
            return False
        if self._is_clean(ending):
            await self._come_down()
            self._note(ComponentState.FINISHED, str(ending))
            return True
        if not self._errors.failed(self._host.timing.monotonic()):
            self._note(ComponentState.BROKEN, f"{step.phase}: {ending}")
            await self._beside(LifecyclePhase.SHUTDOWN)
            return True
        self._note(ComponentState.ERRORED, f"{step.phase}: {ending}")
        await self._beside(LifecyclePhase.RECOVER)
        await self._come_down()
        self._note(ComponentState.INSTALLED)
        await self._host.timing.sleep(self._host.rules.restart_delay_s)
        return False

    async def _run(self, step: Step) -> Ending | None:
        """How the step ended; None when a HARD dependency was lost, and everything was stopped."""
        self._reported_error.clear()
        running = asyncio.create_task(self._once(step))
        watching = [
            asyncio.create_task(self._watch.until(lambda: not self._has_what_it_needs())),
            asyncio.create_task(self._reported_error.wait()),
        ]
        try:
            await asyncio.wait([running, *watching], return_when=asyncio.FIRST_COMPLETED)
            ended_by_itself = running.done()
        finally:
            for task in (running, *watching):
                task.cancel()
            await uninterrupted(asyncio.gather(running, *watching, return_exceptions=True))
        if ended_by_itself:
            return running.result()
        return Ending(1, "the component reported an error") if self._reported_error.is_set() else None

    async def _come_down(self) -> None:
        self._note(ComponentState.STOPPING)
        await self._beside(LifecyclePhase.SHUTDOWN)

    async def _beside(self, phase: LifecyclePhase) -> None:
        """Run a step that changes no state, whatever comes of it."""
        if phase in self.recipe.steps:
            await self._once(self.recipe.steps[phase])

    def _has_what_it_needs(self) -> bool:
        return all(component.state in _READY for component in self._needs)
