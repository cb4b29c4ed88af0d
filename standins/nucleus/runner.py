"""Runs the lifecycles of a deployment's components by the nucleus's rules."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from standins.nucleus.classic import ClassicComponent
from standins.nucleus.component import FINE, Component, ComponentState, StateChanges, Timing
from standins.nucleus.core import NucleusCore
from standins.nucleus.deployment import DeploymentError
from standins.nucleus.interpolation import VariableError, Variables, interpolate_value, variables_of, work_folder
from standins.nucleus.lite import LiteComponent
from standins.nucleus.profile import LifecycleRules
from standins.nucleus.recipe import Recipe
from standins.nucleus.scripts import Launch, render
from standins.nucleus.units import Units
from tools.recipes.recipe import LifecyclePhase, Step


class Runner:
    """The components of one deployment."""

    def __init__(
        self,
        nucleus: NucleusCore,
        recipes: Sequence[Recipe],
        base_environment: Mapping[str, str],
        stop_s: float | None = None,
        timing: Timing | None = None,
    ) -> None:
        self.rules: LifecycleRules = nucleus.profile.lifecycle
        self.timing = timing or Timing()
        self._nucleus = nucleus
        self.recipes = tuple(recipes)
        self._base_environment = base_environment
        self._stop_s = stop_s
        self._background: set[asyncio.Task[None]] = set()
        self._watch = StateChanges()
        self.units = Units(nucleus.device.root)
        self._components = {recipe.name: self._made(recipe) for recipe in recipes}
        self._wire()
        self.listen()

    def listen(self) -> None:
        """Send the states that components report to these components from now on."""
        self._nucleus.operations.state_listener = self._reported

    def unstarted(self, recipes: Sequence[Recipe]) -> "Runner":
        """The same for these recipes, not started yet."""
        return Runner(self._nucleus, recipes, self._base_environment, self._stop_s, self.timing)

    async def run(self) -> None:
        """Install and start everything: on lite everything is installed before anything starts.

        Returns when everything is installed.

        Raises:
            DeploymentError: when a variable has no value or an installation fails for good.
        """
        self.check()
        if self.rules.in_turn:
            await self._install(self._components.values())
            self._link_and_start(self._components)
        else:
            self.start()
            await self._install(self._components.values())

    async def change(self, recipes: Sequence[Recipe], reconfigured: frozenset[str]) -> None:
        """Lite: bring what has changed beside what goes on. Returns when everything has been started.

        A component changes with its version, with a configuration of its own in the deployment, and when it does not
        run. Its unit is taken away before its installation begins: where one fails, what ran is without a unit.

        Raises:
            DeploymentError: when a variable has no value or an installation fails for good.
        """
        for recipe in recipes:
            self._check(recipe)
        fresh = {recipe.name: self._made(recipe) for recipe in recipes if self._changes(recipe, reconfigured)}
        self._unlink(name for name, component in fresh.items() if LifecyclePhase.INSTALL in component.recipe.steps)
        try:
            await self._install(fresh.values())
        except DeploymentError:
            self._take_recipes(recipes)
            raise
        for name, component in fresh.items():
            old = self._components.get(name)
            if isinstance(old, LiteComponent):
                await old.make_way()
            self._components[name] = component
        self._take_recipes(recipes)
        self._wire()
        self._link_and_start(fresh)

    async def settle(self, recipes: Sequence[Recipe]) -> None:
        """Wait until everything runs or has ended well, one after the other.

        Raises:
            DeploymentError: naming the first that does not.
        """
        for recipe in recipes:
            component = self._components[recipe.name]
            try:
                async with asyncio.timeout(self.rules.settle_s):
                    await self._watch.until(component.has_settled)
            except TimeoutError as error:
                hint = "" if recipe.service else "; it needs a run step"
                reason = (
                    f"{recipe.name}: still {component.state} after {self.rules.settle_s} s, not RUNNING or FINISHED"
                )
                raise DeploymentError(reason + hint) from error
            if component.state is ComponentState.BROKEN:
                raise DeploymentError(f"{recipe.name}: is BROKEN; see {self.log(recipe)}")

    async def drop_others(self, recipes: Sequence[Recipe]) -> None:
        """Stop and forget what is not among these."""
        others = self._components.keys() - {recipe.name for recipe in recipes}
        self._unlink(others)
        for name in others:
            await self._components[name].stop()
            del self._components[name]

    def check(self) -> None:
        """Raises DeploymentError where a variable has no value."""
        for component in self._components.values():
            self._check(component.recipe)

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
        self._watch.changed()

    def log(self, recipe: Recipe) -> Path:
        """Where a component's output goes."""
        return self._nucleus.device.root / "logs" / f"{recipe.name}.log"

    def timeout(self, recipe: Recipe, step: Step) -> float | None:
        """A step's time limit in seconds; None for a Timeout of 0. Raises DeploymentError."""
        return (self._seconds(recipe, step) or None) if step.timeout else self.rules.timeout_s

    def launch(self, recipe: Recipe, step: Step) -> Launch:
        """What a step needs to be started, its folders and its script made."""
        root = self._nucleus.device.root
        script = root / "run" / f"{recipe.name}.{step.phase}.sh"
        for folder in (work_folder(root, recipe.name), script.parent, self.log(recipe).parent):
            folder.mkdir(parents=True, exist_ok=True)
        script.write_text(render(step, self._variables(recipe)), encoding="utf-8")
        # Lite has one setting for the time to start and the time to stop.
        one_for_both = self.rules.run_timeout_is_stop_time and step.timeout and step.phase is LifecyclePhase.RUN
        stop_s = self._seconds(recipe, step) if one_for_both else self.rules.stop_s
        return Launch(
            script=script,
            environment={**self._base_environment, **self._nucleus.environment(recipe.name)},
            folder=work_folder(root, recipe.name),
            log=self.log(recipe),
            stop_s=stop_s if self._stop_s is None else min(stop_s, self._stop_s),
            lingers=step.phase is LifecyclePhase.STARTUP,
        )

    def start(self) -> None:
        """Start every component."""
        self._start(self._components)

    def _made(self, recipe: Recipe) -> Component:
        if self.rules.in_turn:
            return LiteComponent(recipe, self)
        return ClassicComponent(recipe, self, self._watch)

    def _wire(self) -> None:
        """Tell every component what depends on it."""
        for component in self._components.values():
            component.dependents.clear()
            component.hard_dependents.clear()
        for component in self._components.values():
            for needed, hard in self._needed(component).items():
                needed.dependents.append(component)
                if hard:
                    needed.hard_dependents.append(component)

    def _needed(self, component: Component) -> Mapping[Component, bool]:
        """What a component depends on; after a reboot not all of it may be there."""
        wanted = component.recipe.dependencies
        return {self._components[each.name]: each.hard for each in wanted if each.name in self._components}

    def _changes(self, recipe: Recipe, reconfigured: frozenset[str]) -> bool:
        there = self._components.get(recipe.name)
        if there is None or recipe.name in reconfigured:
            return True
        return there.recipe.version != recipe.version or there.state not in FINE

    def _unlink(self, names: Iterable[str]) -> None:
        names = tuple(names)
        for name in names:
            component = self._components.get(name)
            if isinstance(component, LiteComponent):
                component.unlink()
        self.units.unlink(names)

    def _take_recipes(self, recipes: Sequence[Recipe]) -> None:
        """Leave what runs alone; whatever is started next uses these recipes."""
        self.recipes = tuple(recipes)
        for recipe in recipes:
            if recipe.name in self._components:
                self._components[recipe.name].recipe = recipe

    async def _install(self, components: Iterable[Component]) -> None:
        """Install side by side; the first that fails for good, in their order, is raised when all have ended."""
        outcomes = await asyncio.gather(*(component.prepare() for component in components), return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    def _link_and_start(self, components: Mapping[str, Component]) -> None:
        self.units.link({name: each.recipe.version for name, each in components.items() if each.recipe.service})
        self._start(components)

    def _start(self, components: Mapping[str, Component]) -> None:
        for component in components.values():
            component.start(self._needed(component))

    def _reported(self, component: str, state: str) -> None:
        if component in self._components:
            self._components[component].report(state)

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
            raise DeploymentError(f"{recipe.file.name}: {step.phase}: Timeout is not a number of seconds") from error

    def _variables(self, recipe: Recipe) -> Variables:
        device = self._nucleus.device
        return variables_of(
            device.root,
            recipe.name,
            recipe.version,
            device.thing,
            lambda path: self._nucleus.store.read(recipe.name, path),
            self._nucleus.profile.recipes,
        )
