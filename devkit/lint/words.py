"""The words that a recipe may use with both nuclei."""

from typing import Final

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
MANIFEST: Final = frozenset({"Name", "Platform", "Lifecycle", "Artifacts", "Selections"})
PLATFORM: Final = frozenset({"os", "architecture", "architecture.detail", "runtime"})
ARTIFACT: Final = frozenset({"Uri", "Unarchive", "Permission"})
PERMISSION: Final = frozenset({"Read", "Execute"})
POLICY: Final = frozenset({"policyDescription", "operations", "resources"})
# On every device, and named by a dependency only to say which version is meant.
BUILT_IN: Final = frozenset({"aws.greengrass.Nucleus", "aws.greengrass.TokenExchangeService"})
