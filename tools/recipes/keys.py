"""Words that a recipe may use: a misspelt one is named together with the one that was meant."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

T = TypeVar("T")

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
PHASES: Final = frozenset({"bootstrap", "install", "startup", "run", "shutdown", "recover"})
LIFECYCLE: Final = PHASES | {"Setenv"}
STEP: Final = frozenset({"Script", "Setenv", "Timeout", "RequiresPrivilege"})
POLICY: Final = frozenset({"policyDescription", "operations", "resources"})
SERVICES: Final = frozenset({"aws.greengrass.ipc.pubsub", "aws.greengrass.ipc.mqttproxy"})
OPERATIONS: Final = frozenset(
    {
        "*",
        "aws.greengrass#PublishToTopic",
        "aws.greengrass#SubscribeToTopic",
        "aws.greengrass#PublishToIoTCore",
        "aws.greengrass#SubscribeToIoTCore",
    }
)


class RecipeError(Exception):
    """What is wrong with a recipe, where, and what was probably meant."""

    def __init__(self, file: str, place: str, reason: str) -> None:
        super().__init__(f"{file}: {place}: {reason}" if place else f"{file}: {reason}")


class Node:
    """A place in a document, read key by key; every error names the file and the place."""

    def __init__(self, file: str, place: str, value: object) -> None:
        self.file = file
        self.place = place
        self.value = value

    def error(self, reason: str) -> RecipeError:
        """An error at this place."""
        return RecipeError(self.file, self.place, reason)

    def mapping(self, known: frozenset[str] | None = None) -> Mapping[str, "Node"]:
        """The inner places. Raises RecipeError for anything but an object of known keys."""
        if not isinstance(self.value, Mapping):
            raise self.error("must be an object")
        for key in self.value:
            if known is not None and key not in known:
                raise self.error(f"unknown key {key!r}{nearest(str(key), known)}")
        return {str(key): Node(self.file, self._inner(str(key)), inner) for key, inner in self.value.items()}

    def items(self) -> list["Node"]:
        """The items of a list. Raises RecipeError."""
        if not isinstance(self.value, list):
            raise self.error("must be a list")
        return [Node(self.file, f"{self.place}[{place}]", item) for place, item in enumerate(self.value)]

    def text(self) -> str:
        """Raises RecipeError unless the value is text that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            raise self.error("must be text")
        return self.value

    def choice(self, known: Iterable[str]) -> str:
        """Raises RecipeError unless the value is one of these words."""
        value, words = self.text(), frozenset(known)
        if value not in words:
            raise self.error(f"{value!r} is unknown{nearest(value, words)}")
        return value

    def _inner(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else key


def required(nodes: Mapping[str, Node], key: str, parent: Node) -> Node:
    """The place of a key. Raises RecipeError when it is missing."""
    if key not in nodes:
        raise parent.error(f"{key} is missing")
    return nodes[key]


def nearest(word: str, known: Iterable[str]) -> str:
    """The remedy for an unknown word: the known one it resembles, or all of them."""
    by_lower = {candidate.lower(): candidate for candidate in sorted(known)}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1)
    if close:
        return f"; did you mean {by_lower[close[0]]!r}?"
    return f"; known: {', '.join(sorted(by_lower.values()))}"
