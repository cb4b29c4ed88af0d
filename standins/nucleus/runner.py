"""Runs the lifecycles of a deployment's components by the nucleus's rules."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from standins.nucleus.classic import ClassicComponent, StateChanges
from standins.nucleus.component import Component, Timing
from standins.nucleus.core import NucleusCore
from standins.nucleus.deployment import DeploymentError
from standins.nucleus.interpolation import VariableError, Variables, interpolate_value, variables_of, work_folder
from standins.nucleus.lite import LiteComponent
from standins.nucleus.profile import LifecycleRules
from standins.nucleus.recipe import Recipe
from standins.nucleus.scripts import Launch, render
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
        watch = StateChanges()
        self._components: dict[str, Component] = {
            recipe.name: LiteComponent(recipe, self) if self.rules.in_turn else ClassicComponent(recipe, self, watch)
            for recipe in recipes
        }
        for recipe in recipes:
            for dependency in recipe.dependencies:
                needed = self._components[dependency.name]
                needed.dependents.append(self._components[recipe.name])
                if dependency.hard:
                    needed.hard_dependents.append(self._components[recipe.name])
        self.listen()

    def listen(self) -> None:
        """Send the states that components report to these components from now on."""
        self._nucleus.operations.state_listener = self._reported

    def unstarted_copy(self) -> "Runner":
        """The same components, not started yet."""
        return Runner(self._nucleus, self.recipes, self._base_environment, self._stop_s, self.timing)

    def take_recipes(self, recipes: Sequence[Recipe]) -> None:
        """Leave what runs alone; whatever is started next uses these recipes."""
        for recipe in recipes:
            if recipe.name in self._components:
                self._components[recipe.name].recipe = recipe

    async def run(self) -> None:
        """Install and start everything: on lite in turn, dependencies first, on classic side by side.

        Returns when everything is installed.

        Raises:
            DeploymentError: when a variable has no value or an installation fails for good.
        """
        self.check()
        if self.rules.in_turn:
            await self.prepare()
            self.start()
        else:
            self.start()
            await self.prepare()

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

    async def prepare(self) -> None:
        """Returns when everything is installed. Raises DeploymentError when that fails for good."""
        for component in self._components.values():
            await component.prepare()

    def start(self) -> None:
        """Start every component."""
        for component in self._components.values():
            component.start({self._components[needed.name]: needed.hard for needed in component.recipe.dependencies})

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
