"""All recipes together: what one states about another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tools.build.suite import ON_DEMAND, SUITE
from tools.lint.facts import SuiteFacts
from tools.lint.recipe import CheckedRecipe, check_recipe
from tools.recipes.document import Fault, FaultList
from tools.recipes.keys import nearest
from tools.recipes.recipe import BUILT_IN, Dependency, LifecyclePhase
from tools.recipes.versions import parse_version

RUNTIME: Final = "smartcam.Runtime"
_ON_BOTH_NUCLEI: Final = BUILT_IN - {"aws.greengrass.NucleusLite"}


def lint_suite(recipes: Mapping[str, str], facts: SuiteFacts) -> list[Fault]:
    """The faults of the recipes (component name -> text as delivered), by file and line."""
    faults = {name: FaultList(f"{name}.yaml") for name in recipes}
    read = {name: check_recipe(text, name, facts, faults[name]) for name, text in recipes.items()}
    suite = {name: recipe for name, recipe in read.items() if recipe.document.top}
    for name, recipe in suite.items():
        for dependency in recipe.document.dependencies:
            _check_dependency(name, dependency, recipes, facts)
        _check_waiting(name, recipe, facts)
    _check_completeness(suite)
    _check_circles(suite)
    _check_policy_names(suite)
    return sorted({fault for each in faults.values() for fault in each.found})


def _check_dependency(
    component: str,
    dependency: Dependency,
    recipes: Mapping[str, str],
    facts: SuiteFacts,
) -> None:
    name, node, wanted = dependency.name, dependency.node, dependency.requirement
    if name in _ON_BOTH_NUCLEI:
        return
    if name == component:
        node.wrong("a component cannot depend on itself")
    elif name not in recipes:
        node.wrong(f"there is no component {name!r}{nearest(name, recipes)}")
    elif not wanted.takes(parse_version(facts.version)):
        node.wrong(f"{wanted.text!r} leaves out {facts.version}, which is built beside it")
    if dependency.hard and name in recipes:
        node.wrong("HARD: nucleus lite stops a component when what it needs has ended, even well: write SOFT")


def _check_waiting(name: str, recipe: CheckedRecipe, facts: SuiteFacts) -> None:
    """SOFT dependencies are not waited for: a component that runs on the Runtime's packages waits for them itself."""
    if name in {RUNTIME, SUITE} or RUNTIME not in _dependencies(recipe):
        return
    stamp = "{kernel:rootPath}/work/" + f"{RUNTIME}/packages-{facts.packages}"
    for step in (step for steps in recipe.lifecycles for step in steps.values()):
        fault = _fault_of_waiting(step.script, stamp, installs=step.phase is LifecyclePhase.INSTALL)
        if fault:
            step.keys.optional("Script").wrong(fault)


def _fault_of_waiting(script: str, stamp: str, *, installs: bool) -> str:
    """What is wrong with how a script waits for the packages that the stamp stands for; empty if nothing is."""
    if installs and RUNTIME not in script:
        return ""
    if installs and '"{artifacts:path}/run.sh" --install ' not in script:
        return "waiting for the Runtime in install can lock nucleus lite: run.sh --install gives up"
    if stamp in script and "{artifacts:path}/run.sh" in script:
        return ""
    return (
        "does not wait for the Runtime: start it with {artifacts:path}/run.sh and"
        " {kernel:rootPath}/work/smartcam.Runtime/packages-{RUNTIME_PACKAGES}"
    )


def _check_completeness(suite: Mapping[str, CheckedRecipe]) -> None:
    if SUITE in suite:
        top = suite[SUITE].document.top.parent
        for missing in sorted(suite.keys() - {SUITE} - ON_DEMAND.keys() - _dependencies(suite[SUITE]).keys()):
            top.wrong(f"does not bring {missing}")


def _check_circles(suite: Mapping[str, CheckedRecipe]) -> None:
    for name, recipe in suite.items():
        for circle in _ways_back(name, name, suite, ()):
            _dependencies(recipe)[circle[0]].node.wrong(f"depends on {name} in turn: {' -> '.join((name, *circle))}")


def _ways_back(
    start: str, here: str, suite: Mapping[str, CheckedRecipe], way: tuple[str, ...]
) -> Iterator[Sequence[str]]:
    for name in _dependencies(suite[here]) if here in suite else ():
        if name == start and way:
            yield (*way, start)
        elif name not in way and name != start:
            yield from _ways_back(start, name, suite, (*way, name))


def _check_policy_names(suite: Mapping[str, CheckedRecipe]) -> None:
    """Classic wants them to be different on the whole device."""
    seen: dict[str, str] = {}
    for name, recipe in suite.items():
        for policy in recipe.document.policies:
            owner = seen.setdefault(policy.name, name)
            if owner != name:
                policy.keys.parent.wrong(f"{owner} has a policy of this name: the nucleus would keep one of them")


def _dependencies(recipe: CheckedRecipe) -> Mapping[str, Dependency]:
    return {dependency.name: dependency for dependency in recipe.document.dependencies}
