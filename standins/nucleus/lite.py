"""A component as nucleus lite runs it: a systemd unit, started after everything that it depends on."""

import asyncio
from collections.abc import Mapping

from standins.nucleus.component import Component, ComponentState, LifecycleHost
from standins.nucleus.recipe import Recipe
from standins.nucleus.restarts import StartLimit
from standins.nucleus.scripts import Ending
from tools.recipes.recipe import LifecyclePhase


class LiteComponent(Component):
    """See `Component`. Everything is installed before anything starts."""

    def __init__(self, recipe: Recipe, host: LifecycleHost) -> None:
        super().__init__(recipe, host)
        self.started = asyncio.Event()
        """Set when the service runs, or when it is certain that it never will."""
        self.over = False
        """Whether the service has ended by itself, for good."""
        self._linked = True

    async def prepare(self) -> None:
        """See `Component`."""
        for phase in (LifecyclePhase.BOOTSTRAP, LifecyclePhase.INSTALL):
            if phase not in self.recipe.steps:
                continue
            self._note(ComponentState.INSTALLING, phase)
            ending = await self._until_clean(phase)
            if not self._is_clean(ending):
                raise self._broken(self.recipe.steps[phase], ending)
        self._note(ComponentState.INSTALLED)

    def start(self, needed: Mapping[Component, bool]) -> None:
        """See `Component`."""
        self._work = asyncio.create_task(self._serve(needed), name=self.recipe.name)

    def unlink(self) -> None:
        """Its unit is taken away: what runs goes on, and nobody starts it again."""
        self._linked = False

    async def make_way(self) -> None:
        """Stop for a new version; what depends on it goes on."""
        if await self._end_work(()):
            self._note(ComponentState.STOPPED)

    async def _stop_once(self) -> None:
        if await self._end_work(self.dependents):
            self._note(ComponentState.STOPPED)

    async def _serve(self, needed: Mapping[Component, bool]) -> None:
        step = self.recipe.service
        units = {component: hard for component, hard in needed.items() if isinstance(component, LiteComponent)}
        try:
            for unit in units:
                await unit.started.wait()
            if step is None:
                return
            missing = [unit.recipe.name for unit, hard in units.items() if hard and unit.over]
            ending = Ending(1, f"{missing[0]} has ended") if missing else await self._until_clean(step.phase)
            self.over = True
            self._note_end(ending)
            for dependent in self.hard_dependents:
                self._host.stop_in_background(dependent)
        finally:
            self.started.set()

    def _note_end(self, ending: Ending) -> None:
        if not self._linked:
            self._note(ComponentState.STOPPED, f"{ending}; its unit was taken away, so nobody starts it again")
        else:
            self._note(ComponentState.FINISHED if self._is_clean(ending) else ComponentState.BROKEN, str(ending))

    async def _until_clean(self, phase: LifecyclePhase) -> Ending:
        """Start a step as often as the rules allow, until it ends well; each start uses the recipe as it is then."""
        timing, limit = self._host.timing, StartLimit(self._host.rules)
        while True:
            limit.started(timing.monotonic())
            ending = await self._once(self.recipe.steps[phase])
            if self._is_clean(ending):
                return ending
            self._note(ComponentState.ERRORED, f"{phase}: {ending}")
            if not limit.failed(timing.monotonic()):
                return ending
            await timing.sleep(self._host.rules.restart_delay_s)
            if not self._linked:
                return ending

    def _running(self) -> None:
        super()._running()
        self.started.set()
