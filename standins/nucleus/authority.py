"""Who may do what: the `accessControl` of a component's configuration."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeGuard

from tools.recipes.matching import glob_matches, mqtt_resource_matches

PUBSUB: Final = "aws.greengrass.ipc.pubsub"
MQTT_PROXY: Final = "aws.greengrass.ipc.mqttproxy"


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """One policy of one service: these operations on these resources."""

    operations: frozenset[str]
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authority:
    """What one component may do, by service."""

    policies: Mapping[str, tuple[ServicePolicy, ...]]

    def allows(self, service: str, operation: str, resource: str) -> bool:
        """Whether a policy of the service names the operation (with its prefix) and the resource."""
        matches = _mqtt if service == MQTT_PROXY else glob_matches
        return any(_permits(policy, operation, resource, matches) for policy in self.policies.get(service, ()))


def read_access_control(document: object) -> Authority:
    """The authority in an `accessControl` document; whatever is malformed allows nothing."""
    if not isinstance(document, Mapping):
        return Authority({})
    return Authority({str(service): tuple(_policies(entries)) for service, entries in document.items()})


def _policies(entries: object) -> Iterator[ServicePolicy]:
    if not isinstance(entries, Mapping):
        return
    for entry in entries.values():
        # Lite stops at the first policy that is no map: later ones count for nothing.
        if not isinstance(entry, Mapping):
            return
        operations, resources = entry.get("operations"), entry.get("resources")
        if _are_texts(operations) and _are_texts(resources):
            yield ServicePolicy(frozenset(operations), tuple(resources))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _permits(policy: ServicePolicy, operation: str, resource: str, matches: Callable[[str, str], bool]) -> bool:
    if not policy.operations & {"*", operation}:
        return False
    return any(pattern == "*" or matches(resource, pattern) for pattern in policy.resources)


def _mqtt(resource: str, pattern: str) -> bool:
    return glob_matches(resource, pattern) or mqtt_resource_matches(resource, pattern)
