"""Words that a recipe may use: a misspelt one is named together with the one that was meant."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

FORMAT_VERSIONS: Final = frozenset({"2020-01-25"})
COMPONENT_TYPES: Final = frozenset({"aws.greengrass.generic"})
TOP: Final = frozenset(
    {
        "RecipeFormatVersion",
        "ComponentName",
        "ComponentVersion",
        "ComponentDescription",
        "ComponentPublisher",
        "ComponentType",
        "ComponentConfiguration",
        "ComponentDependencies",
        "Manifests",
        "Lifecycle",
    }
)
CONFIGURATION: Final = frozenset({"DefaultConfiguration"})
DEPENDENCY: Final = frozenset({"VersionRequirement", "DependencyType"})
DEPENDENCY_TYPES: Final = frozenset({"HARD", "SOFT"})
MANIFEST: Final = frozenset({"Name", "Platform", "Lifecycle", "Artifacts", "Selections"})
PLATFORM: Final = frozenset({"os", "architecture", "architecture.detail", "runtime"})
ARTIFACT: Final = frozenset({"Uri", "Unarchive", "Permission"})
UNARCHIVE: Final = frozenset({"NONE", "ZIP"})
PERMISSION: Final = frozenset({"Read", "Execute"})
PERMITTED: Final = frozenset({"NONE", "OWNER", "ALL"})
LIFECYCLE: Final = frozenset({"bootstrap", "install", "startup", "run", "shutdown", "recover", "Setenv"})
STEP: Final = frozenset({"Script", "Setenv", "Timeout", "RequiresPrivilege", "Skipif"})
POLICY: Final = frozenset({"policyDescription", "operations", "resources"})
PUBSUB: Final = "aws.greengrass.ipc.pubsub"
MQTT: Final = "aws.greengrass.ipc.mqttproxy"
OPERATIONS: Final[Mapping[str, frozenset[str]]] = {
    PUBSUB: frozenset({"aws.greengrass#PublishToTopic", "aws.greengrass#SubscribeToTopic"}),
    MQTT: frozenset({"aws.greengrass#PublishToIoTCore", "aws.greengrass#SubscribeToIoTCore"}),
}
"""Per service."""
EVERY_OPERATION: Final = frozenset({"*"}).union(*OPERATIONS.values())


def nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the known one it resembles, or all of them."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    if close:
        return f"; did you mean {by_lower[close[0]]!r}?"
    return f"; known: {', '.join(sorted(by_lower.values()))}"
