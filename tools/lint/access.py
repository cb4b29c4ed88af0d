"""accessControl: exactly what the code uses, in words that both nuclei understand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools.lint.code_use import MQTT, PUBSUB
from tools.lint.document import Spot, required
from tools.lint.facts import Use
from tools.recipes.keys import POLICY, nearest
from tools.recipes.matching import is_valid_resource

_OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    PUBSUB: frozenset({"aws.greengrass#PublishToTopic", "aws.greengrass#SubscribeToTopic"}),
    MQTT: frozenset({"aws.greengrass#PublishToIoTCore", "aws.greengrass#SubscribeToIoTCore"}),
}
_EVERY: Final = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation on one resource that a policy allows."""

    use: Use
    operation: Spot
    resource: Spot


def check_access(control: Spot | None, configuration: Spot, uses: frozenset[Use], component: str) -> None:
    """Note policies that are malformed, wider than the code's uses, or lacking one of them."""
    if control is None:
        for use in sorted(uses):
            configuration.wrong(f"accessControl is missing: the code does {_said(use)}")
        return
    grants = list(_grants(control, component))
    granted = {grant.use for grant in grants}
    for grant in grants:
        _check_grant(grant, uses)
    for use in sorted(uses - granted):
        control.wrong(f"the code does {_said(use)}, which no policy allows")


def policy_names(control: Spot) -> Iterator[tuple[str, Spot]]:
    """Every policy's name; classic wants them to be different on the whole device."""
    for service in control.mapping().values():
        if service.is_mapping:
            yield from service.mapping().items()


def _grants(control: Spot, component: str) -> Iterator[Grant]:
    for service, policies in control.mapping(_OPERATIONS).items():
        for name, policy in policies.mapping().items():
            if not name.startswith(f"{component}:"):
                policy.wrong(f"must be called {component}:..., so that no other component's policy replaces it")
            keys = policy.mapping(POLICY)
            operations, resources = required(keys, "operations", policy), required(keys, "resources", policy)
            if operations is None or resources is None:
                continue
            for empty in (spot for spot in (operations, resources) if spot.is_list and not spot.items()):
                empty.wrong("must name at least one")
            for operation in operations.items():
                named = _operation(operation, service)
                for resource in resources.items() if named else ():
                    pattern = _resource(resource)
                    if named and pattern:
                        yield Grant(Use(service, named, pattern), operation, resource)


def _operation(spot: Spot, service: str) -> str | None:
    value = spot.text()
    if value is None:
        return None
    if value == _EVERY:
        spot.wrong("'*' allows more than the code uses: name the operations")
        return None
    known = _OPERATIONS.get(service, frozenset())
    if value not in known:
        others = [other for other, words in _OPERATIONS.items() if value in words]
        spot.wrong(f"{value!r} belongs to {others[0]}" if others else f"{value!r} is unknown{nearest(value, known)}")
        return None
    return value


def _resource(spot: Spot) -> str | None:
    value = spot.text()
    if value is None:
        return None
    if "{" in value:
        spot.wrong("variables stay as they are inside accessControl: write '*', '+' or '#'")
        return None
    if not is_valid_resource(value):
        spot.wrong("'?' and '$' have a meaning of their own in resources")
        return None
    return value


def _check_grant(grant: Grant, uses: frozenset[Use]) -> None:
    use = grant.use
    if use in uses:
        return
    same = sorted(other.resource for other in uses if other.operation == use.operation)
    if not same:
        grant.operation.wrong(f"the code does not use {use.operation}")
    elif use.resource in {_EVERY, "#"}:
        grant.resource.wrong(f"{use.resource!r} is wider than the code uses: {', '.join(same)}")
    else:
        grant.resource.wrong(f"the code uses no {use.operation} on {use.resource!r}{nearest(use.resource, same)}")


def _said(use: Use) -> str:
    return f"{use.operation} on {use.resource}"
