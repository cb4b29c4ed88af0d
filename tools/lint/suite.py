"""All recipes together: what one says of another."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tools.build.suite import ON_DEMAND, SUITE
from tools.lint.access import policy_names
from tools.lint.document import Report
from tools.lint.facts import Facts
from tools.lint.finding import Finding
from tools.lint.recipe import Checked, Dependency, check_recipe
from tools.recipes.keys import nearest
from tools.recipes.versions import parse_version

RUNTIME: Final = "smartcam.Runtime"
_BUILT_IN: Final = frozenset({"aws.greengrass.Nucleus", "aws.greengrass.TokenExchangeService"})
"""On every device, and named by a dependency only to say which version is meant."""


def lint_suite(recipes: Mapping[str, str], facts: Facts) -> list[Finding]:
    """What is wrong with the recipes, given by component name as they are delivered; by file and line."""
    reports = {name: Report(f"{name}.yaml") for name in recipes}
    read = {name: check_recipe(text, name, facts, reports[name]) for name, text in recipes.items()}
    suite = {name: checked for name, checked in read.items() if checked is not None}
    for checked in suite.values():
        for dependency in checked.dependencies:
            _check_dependency(checked, dependency, recipes, suite, facts)
        _check_waiting(checked, facts)
    _check_completeness(suite)
    _check_circles(suite)
    _check_policy_names(suite)
    return sorted({finding for report in reports.values() for finding in report.findings})


def _check_dependency(
    checked: Checked, dependency: Dependency, recipes: Mapping[str, str], suite: Mapping[str, Checked], facts: Facts
) -> None:
    name, spot = dependency.name, dependency.spot
    if name in _BUILT_IN:
        return
    if name == checked.name:
        spot.wrong("a component cannot depend on itself")
    elif name not in recipes:
        spot.wrong(f"there is no component {name!r}{nearest(name, recipes)}")
    else:
        wanted = dependency.requirement
        if wanted is not None and not wanted.takes(parse_version(facts.version)):
            spot.wrong(f"{wanted.text!r} leaves out {facts.version}, which is built beside it")
        if dependency.hard and name in suite and not suite[name].runs:
            spot.wrong("HARD on a component that is only installed can never start on lite: write SOFT")


def _check_waiting(checked: Checked, facts: Facts) -> None:
    """SOFT dependencies are not waited for: whoever runs in the Runtime's packages waits for them itself."""
    if checked.name == RUNTIME or RUNTIME not in {dependency.name for dependency in checked.dependencies}:
        return
    stamp = "{kernel:rootPath}/work/" + f"{RUNTIME}/packages-{facts.packages}"
    for lifecycle in checked.lifecycles:
        for phase, script in lifecycle.scripts.items():
            text = script.raw()
            installs = phase == "install"
            if installs and RUNTIME in text and '"{artifacts:path}/run.sh" --install ' not in text:
                script.wrong("waiting for the Runtime in install can lock nucleus lite: run.sh --install gives up")
            elif (not installs or RUNTIME in text) and (stamp not in text or "{artifacts:path}/run.sh" not in text):
                script.wrong(
                    "does not wait for the Runtime: start it with {artifacts:path}/run.sh and"
                    " {kernel:rootPath}/work/smartcam.Runtime/packages-{RUNTIME_PACKAGES}"
                )


def _check_completeness(suite: Mapping[str, Checked]) -> None:
    if SUITE in suite:
        top = suite[SUITE]
        brought = {dependency.name for dependency in top.dependencies}
        for missing in sorted(suite.keys() - {SUITE} - ON_DEMAND.keys() - brought):
            top.top.wrong(f"does not bring {missing}")


def _check_circles(suite: Mapping[str, Checked]) -> None:
    for name, checked in suite.items():
        for circle in _ways_back(name, name, suite, ()):
            spot = next(each.spot for each in checked.dependencies if each.name == circle[0])
            spot.wrong(f"depends on {name} in turn: {' -> '.join((name, *circle))}")


def _ways_back(start: str, here: str, suite: Mapping[str, Checked], way: tuple[str, ...]) -> Iterator[Sequence[str]]:
    for dependency in suite[here].dependencies if here in suite else ():
        if dependency.name == start and way:
            yield (*way, start)
        elif dependency.name not in way and dependency.name != start:
            yield from _ways_back(start, dependency.name, suite, (*way, dependency.name))


def _check_policy_names(suite: Mapping[str, Checked]) -> None:
    seen: dict[str, str] = {}
    for name, checked in suite.items():
        for policy, spot in policy_names(checked.control) if checked.control is not None else ():
            if seen.setdefault(policy, name) != name:
                spot.wrong(f"{seen[policy]} has a policy of this name: the nucleus would keep one of them")
