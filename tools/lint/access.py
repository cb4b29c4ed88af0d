"""accessControl: exactly what the code uses, in words that both nuclei understand."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tools.lint.facts import Use
from tools.recipes.document import Node
from tools.recipes.keys import EVERY_OPERATION, OPERATIONS, nearest
from tools.recipes.matching import is_valid_resource
from tools.recipes.recipe import AccessPolicy, RecipeDocument

_EVERY: Final = "*"


@dataclass(frozen=True, slots=True)
class Grant:
    """One operation on one resource that a policy allows."""

    use: Use
    operation: Node
    resource: Node


def check_access(document: RecipeDocument, uses: frozenset[Use], component: str) -> None:
    """Note policies that are wider than the code's uses, or lack one of them."""
    control = document.defaults.mapping().optional("accessControl")
    if not control:
        for use in sorted(uses):
            document.defaults.wrong(f"accessControl is missing: the code does {_said(use)}")
        return
    grants = [grant for policy in document.policies for grant in _grants(policy, component)]
    for grant in grants:
        _check_grant(grant, uses)
    for use in sorted(uses - {grant.use for grant in grants}):
        control.wrong(f"the code does {_said(use)}, which no policy allows")


def _grants(policy: AccessPolicy, component: str) -> Iterator[Grant]:
    if not policy.name.startswith(f"{component}:"):
        policy.keys.parent.wrong(f"must be called {component}:..., so that no other component's policy replaces it")
    lists = policy.keys.optional("operations"), policy.keys.optional("resources")
    for node in lists:
        if node.is_list and not node.items():
            node.wrong("must name at least one")
    for operation in lists[0].items():
        if _is_narrow_operation(operation, policy.service):
            for resource in lists[1].items():
                if _is_narrow_resource(resource):
                    yield Grant(Use(policy.service, operation.raw, resource.raw), operation, resource)


def _is_narrow_operation(node: Node, service: str) -> bool:
    if node.raw in OPERATIONS.get(service, frozenset()):
        return True
    if node.raw == _EVERY:
        node.wrong("'*' allows more than the code uses: name the operations")
    elif node.raw in EVERY_OPERATION:
        owner = next(other for other, words in OPERATIONS.items() if node.raw in words)
        node.wrong(f"{node.raw!r} belongs to {owner}")
    return False


def _is_narrow_resource(node: Node) -> bool:
    if not node.raw or "{" in node.raw:
        return False
    if not is_valid_resource(node.raw):
        node.wrong("'?' and '$' have a meaning of their own in resources")
        return False
    return True


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
