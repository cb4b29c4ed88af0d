"""Artifacts to S3, component versions to Greengrass: once, never changed, and continued after an interruption."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from tools.build.archive import file_digest
from tools.build.suite import Built
from tools.command_line import Say
from tools.recipes.document import FaultList
from tools.recipes.recipe import read_document
from tools.recipes.rules import CLASSIC
from tools.release.aws import Aws, ReleaseError
from tools.session import error_code

CONTENT_TAG: Final = "smartcam-content"
_PLACEHOLDER: Final = "BUCKET_NAME"
_NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_NO_BUCKET: Final = frozenset({"404", "NoSuchBucket", "NotFound"})
_WAIT_S: Final = 120.0
_POLL_S: Final = 1.0

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Content:
    """What makes up a component version."""

    name: str
    version: str
    recipe: str
    artifacts: Mapping[str, Path]

    def digest(self) -> str:
        """Identifies recipe and artifacts together."""
        whole = hashlib.sha256(self.recipe.encode())
        for name in sorted(self.artifacts):
            whole.update(f"\n{name} {file_digest(self.artifacts[name])}".encode())
        return whole.hexdigest()

    def key(self, artifact: str) -> str:
        """Where an artifact is in the bucket, as with the Greengrass Development Kit."""
        return f"{self.name}/{self.version}/{artifact}"


def publish_build(built: Built, bucket: str, aws: Aws, say: Say, sleep: Sleep) -> None:
    """Publish every component of a build; what is already published with the same content is left alone.

    Raises:
        ReleaseError: when a version is published with other content, or the service refuses one.
        ClientError, BotoCoreError: when a service cannot be used.
    """
    _check_bucket(bucket, aws)
    for content in _contents(built, bucket):
        _publish(content, bucket, aws, say, sleep)


def _contents(built: Built, bucket: str) -> Iterator[Content]:
    for name in built.components:
        recipe = built.recipe(name).read_text().replace(f"s3://{_PLACEHOLDER}/", f"s3://{bucket}/")
        yield Content(name, built.version, recipe, {file.name: file for file in built.artifacts_of(name)})


def _publish(content: Content, bucket: str, aws: Aws, say: Say, sleep: Sleep) -> None:
    label = f"{content.name} {content.version}"
    arn = aws.component_arn(content.name, content.version)
    there = _described(arn, aws)
    if there is not None and there["status"]["componentState"] == "FAILED":
        # Nothing was ever deployed from it: what failed halfway may be made again.
        say(f"{label}: failed before ({there['status'].get('message', 'no reason')}); creating it again")
        aws.greengrass.delete_component(arn=arn)
        there = None
    if there is not None:
        _check_same(content, arn, there, aws)
        say(f"{label}: already published")
    else:
        for name, path in sorted(content.artifacts.items()):
            _upload(path, bucket, content.key(name), aws, say)
        aws.greengrass.create_component_version(
            inlineRecipe=content.recipe.encode(), tags={CONTENT_TAG: content.digest()}
        )
        say(f"{label}: created")
    _wait_until_deployable(label, arn, aws, sleep)


def _described(arn: str, aws: Aws) -> Mapping[str, Any] | None:
    try:
        described: Mapping[str, Any] = aws.greengrass.describe_component(arn=arn)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            return None
        raise
    return described


def _check_same(content: Content, arn: str, there: Mapping[str, Any], aws: Aws) -> None:
    """A version is never changed: those who have installed it would not notice."""
    tag = there.get("tags", {}).get(CONTENT_TAG)
    same = tag == content.digest() if tag else _artifacts_match(content, arn, aws)
    if not same:
        raise ReleaseError(
            f"{content.name} {content.version} is published with other content, and a published version never changes:"
            " raise the version in components/smartcam/__init__.py and gdk-config.json, and build again"
        )


def _artifacts_match(content: Content, arn: str, aws: Aws) -> bool:
    """For what another tool has published without our tag: the digests that the service computed itself."""
    answer = aws.greengrass.get_component(arn=arn, recipeOutputFormat="JSON")
    published = {
        artifact["Uri"].rpartition("/")[2]: artifact.get("Digest")
        for manifest in json.loads(answer["recipe"]).get("Manifests", [])
        for artifact in manifest.get("Artifacts", [])
    }
    own = {
        name: base64.b64encode(bytes.fromhex(file_digest(path))).decode() for name, path in content.artifacts.items()
    }
    recipe = read_document(content.recipe.encode(), FaultList(content.name), CLASSIC)
    return published == {each.file: own[each.file] for manifest in recipe.manifests for each in manifest.artifacts}


def _upload(path: Path, bucket: str, key: str, aws: Aws, say: Say) -> None:
    """No component version refers to the object yet, so what an interrupted run left may be replaced."""
    digest = file_digest(path)
    try:
        head = aws.storage.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) not in _NOT_THERE:
            raise
        head = None
    if head is not None and head["Metadata"].get("sha256") == digest and head["ContentLength"] == path.stat().st_size:
        return
    say(f"  s3://{bucket}/{key} ({path.stat().st_size / 1_000_000:.1f} MB)")
    aws.storage.upload_file(str(path), bucket, key, ExtraArgs={"Metadata": {"sha256": digest}})


def _wait_until_deployable(label: str, arn: str, aws: Aws, sleep: Sleep) -> None:
    waited = 0.0
    while True:
        status = aws.greengrass.describe_component(arn=arn)["status"]
        if status["componentState"] == "DEPLOYABLE":
            return
        if status["componentState"] == "FAILED":
            reasons = "; ".join(status.get("errors", {}).values()) or status.get("message", "no reason")
            raise ReleaseError(f"{label}: Greengrass rejects it: {reasons}")
        if waited >= _WAIT_S:
            raise ReleaseError(f"{label}: is {status['componentState']} after {_WAIT_S:.0f} s; try again")
        sleep(_POLL_S)
        waited += _POLL_S


def _check_bucket(bucket: str, aws: Aws) -> None:
    try:
        aws.storage.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error_code(error) in _NO_BUCKET:
            raise ReleaseError(
                f"there is no bucket {bucket!r}: deploy the fleet stack, or name one with --bucket"
            ) from error
        raise
