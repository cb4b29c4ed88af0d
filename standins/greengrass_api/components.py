"""Component versions: published once, never changed, checked against their artifacts."""

import base64
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from standins.greengrass_api.paging import page
from standins.greengrass_api.wire import Fields, Refusal, invalid

LARGEST_RECIPE_BYTES: Final = 16_000
_BUILT_IN: Final = "aws.greengrass."

Digest = Callable[[str, str], bytes | None]
"""The SHA-256 of an object, by bucket and key; None when there is none."""


@dataclass(slots=True)
class _Component:
    name: str
    version: str
    recipe: dict[str, Any]
    created: dt.datetime
    tags: Mapping[str, str]
    state: str
    message: str

    def status(self) -> Fields:
        said: dict[str, Any] = {"componentState": self.state, "vendorGuidance": "ACTIVE"}
        if self.message:
            said |= {"message": self.message, "errors": {"artifacts": self.message}}
        return said


class ComponentCatalogue:
    """The component versions of an account."""

    def __init__(self, digest: Digest, region: str, account: str) -> None:
        self._digest = digest
        self._prefix = f"arn:aws:greengrass:{region}:{account}:components"
        self._components: dict[tuple[str, str], _Component] = {}

    def handle(self, operation: str, fields: Fields, now: dt.datetime) -> Fields:
        """The answer's fields. Raises Refusal."""
        match operation:
            case "CreateComponentVersion":
                return self._create(fields, now)
            case "DescribeComponent":
                return self._describe(self._find(fields["arn"]))
            case "GetComponent":
                return self._get(self._find(fields["arn"]), fields.get("recipeOutputFormat", "JSON"))
            case "ListComponentVersions":
                return self._versions(fields)
            case "DeleteComponent":
                component = self._find(fields["arn"])
                del self._components[component.name, component.version]
                return {}
        raise Refusal("ValidationException", f"the stand-in does not implement {operation}", reason="UNKNOWN_OPERATION")

    def check_deployable(self, name: str, version: str) -> None:
        """Raises Refusal unless the version is there, or is AWS's own."""
        component = self._components.get((name, version))
        if name.startswith(_BUILT_IN):
            return
        if component is None or component.state != "DEPLOYABLE":
            raise invalid(f"{name} {version} cannot be deployed")

    def _arn(self, name: str, version: str) -> str:
        return f"{self._prefix}:{name}:versions:{version}"

    def _create(self, said: Fields, now: dt.datetime) -> Fields:
        raw = said.get("inlineRecipe", b"")
        if len(raw) > LARGEST_RECIPE_BYTES:
            raise invalid("the recipe is over 16000 bytes")
        try:
            recipe = yaml.safe_load(raw)
            name, version = recipe["ComponentName"], recipe["ComponentVersion"]
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise invalid("the recipe cannot be read") from error
        if (name, version) in self._components:
            raise Refusal(
                "ConflictException", "exists already", resourceId=self._arn(name, version), resourceType="COMPONENT"
            )
        missing = self._add_digests(recipe)
        component = _Component(name, version, recipe, now, said.get("tags", {}), "REQUESTED", missing)
        self._components[name, version] = component
        begun = {"componentState": "REQUESTED", "vendorGuidance": "ACTIVE"}
        return {**_named(component, self._arn(name, version)), "creationTimestamp": now, "status": begun}

    def _add_digests(self, recipe: dict[str, Any]) -> str:
        """Add the digest of every artifact, as the service does. Returns what is missing."""
        for manifest in recipe.get("Manifests", []):
            for artifact in manifest.get("Artifacts", []):
                bucket, _, key = artifact["Uri"].removeprefix("s3://").partition("/")
                digest = self._digest(bucket, key)
                if digest is None:
                    return f"the artifact {artifact['Uri']} cannot be read"
                artifact |= {"Digest": base64.b64encode(digest).decode(), "Algorithm": "SHA-256"}
        return ""

    def _describe(self, component: _Component) -> Fields:
        # The service checks the artifacts after it has answered.
        described = {
            **_named(component, self._arn(component.name, component.version)),
            "creationTimestamp": component.created,
            "status": component.status(),
            "tags": dict(component.tags),
        }
        if component.state == "REQUESTED":
            component.state = "FAILED" if component.message else "DEPLOYABLE"
        return described

    def _get(self, component: _Component, form: str) -> Fields:
        text = yaml.safe_dump(component.recipe) if form == "YAML" else json.dumps(component.recipe)
        return {"recipeOutputFormat": form, "recipe": text.encode(), "tags": dict(component.tags)}

    def _versions(self, said: Fields) -> Fields:
        name = said["arn"].rpartition(":")[2]
        found = [
            {**_named(each, self._arn(each.name, each.version))}
            for each in sorted(self._components.values(), key=lambda each: each.created, reverse=True)
            if each.name == name
        ]
        return page("componentVersions", found, said)

    def _find(self, arn: str) -> _Component:
        for (name, version), component in self._components.items():
            if self._arn(name, version) == arn:
                return component
        raise Refusal("ResourceNotFoundException", "no such component", resourceId=arn, resourceType="COMPONENT")


def _named(component: _Component, arn: str) -> dict[str, Any]:
    return {"arn": arn, "componentName": component.name, "componentVersion": component.version}
