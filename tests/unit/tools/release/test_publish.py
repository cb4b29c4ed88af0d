from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from smartcam import __version__
from tests.fakes.fleet import BUCKET, Account, small_build
from tools.build.suite import Built
from tools.release import verbs
from tools.release.aws import ReleaseError
from tools.release.publish import publish_build


def publish(built: Built, there: Account, told: list[str], bucket: str = BUCKET) -> None:
    publish_build(built, bucket, there.aws, told.append, sleep=lambda _: None)


def state(there: Account, name: str) -> str:
    described = there.aws.greengrass.describe_component(arn=there.aws.component_arn(name, __version__))
    return str(described["status"]["componentState"])


def test_every_component_and_artifact_is_published(tmp_path: Path, there: Account, told: list[str]) -> None:
    built = small_build(tmp_path)
    publish(built, there, told)
    assert {state(there, name) for name in built.components} == {"DEPLOYABLE"}
    expected = {f"{name}/{__version__}/{file.name}" for name in built.components for file in built.artifacts_of(name)}
    assert set(there.objects()) == expected
    answer = there.aws.greengrass.get_component(
        arn=there.aws.component_arn("smartcam.Model", __version__), recipeOutputFormat="YAML"
    )
    assert b"BUCKET_NAME" not in answer["recipe"]
    assert f"s3://{BUCKET}/smartcam.Model/{__version__}/smartcam-model.zip".encode() in answer["recipe"]


def test_publishing_again_uploads_and_creates_nothing(tmp_path: Path, there: Account, told: list[str]) -> None:
    built = small_build(tmp_path)
    publish(built, there, told)
    told.clear()
    publish(built, there, told)
    assert told == [f"{name} {__version__}: already published" for name in built.components]


def test_a_published_version_is_never_overwritten(tmp_path: Path, there: Account, told: list[str]) -> None:
    publish(small_build(tmp_path), there, told)
    before = there.objects()
    changed = small_build(tmp_path, content='{"other": 1}')
    with pytest.raises(ReleaseError, match=r"smartcam\.Model .* is published with other content, .* raise the version"):
        publish(changed, there, told)
    assert there.objects() == before


def test_an_interrupted_publication_goes_on_where_it_was(
    tmp_path: Path, there: Account, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    built = small_build(tmp_path)
    upload = there.aws.storage.upload_file
    left = 3

    def interrupted(*arguments: object, **more: object) -> None:
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        upload(*arguments, **more)

    with monkeypatch.context() as patch:
        patch.setattr(there.aws.storage, "upload_file", interrupted)
        with pytest.raises(KeyboardInterrupt):
            publish(built, there, told)
    uploaded = there.objects()
    assert len(uploaded) == 3
    told.clear()
    publish(built, there, told)
    assert not [line for line in told if any(key in line for key in uploaded)]
    assert {state(there, name) for name in built.components} == {"DEPLOYABLE"}


def test_half_an_upload_of_other_content_is_replaced(tmp_path: Path, there: Account, told: list[str]) -> None:
    key = f"smartcam.Model/{__version__}/smartcam-model.zip"
    there.aws.storage.put_object(Bucket=BUCKET, Key=key, Body=b"of an earlier build", Metadata={"sha256": "0" * 64})
    publish(small_build(tmp_path), there, told)
    assert state(there, "smartcam.Model") == "DEPLOYABLE"


def test_a_component_that_failed_is_made_again(tmp_path: Path, there: Account, told: list[str]) -> None:
    built = small_build(tmp_path)
    recipe = built.recipe("smartcam.Model").read_bytes()
    there.aws.greengrass.create_component_version(inlineRecipe=recipe)
    for _ in range(2):
        state(there, "smartcam.Model")
    assert state(there, "smartcam.Model") == "FAILED"
    publish(built, there, told)
    assert state(there, "smartcam.Model") == "DEPLOYABLE"
    assert [line for line in told if "failed before" in line]


def test_what_another_tool_has_published_is_told_apart_by_its_artifacts(
    tmp_path: Path, there: Account, told: list[str]
) -> None:
    built = small_build(tmp_path)
    for file in built.artifacts_of("smartcam.Model"):
        there.aws.storage.upload_file(str(file), BUCKET, f"smartcam.Model/{__version__}/{file.name}")
    recipe = built.recipe("smartcam.Model").read_text().replace("BUCKET_NAME", BUCKET)
    there.aws.greengrass.create_component_version(inlineRecipe=recipe.encode())
    publish(built, there, told)
    with pytest.raises(ReleaseError, match="published with other content"):
        publish(small_build(tmp_path, content='{"other": 1}'), there, told)


def test_a_missing_bucket_is_named_with_the_remedy(tmp_path: Path, there: Account, told: list[str]) -> None:
    with pytest.raises(ReleaseError, match=r"there is no bucket 'none-such': deploy the fleet stack"):
        publish(small_build(tmp_path), there, told, bucket="none-such")


def test_what_greengrass_refuses_is_said_with_its_reason(
    tmp_path: Path, there: Account, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(there.aws.storage, "upload_file", lambda *_, **__: None)
    with pytest.raises(
        ReleaseError, match=r"smartcam\.Capture .*: Greengrass rejects it: the artifact .* cannot be read"
    ):
        publish(small_build(tmp_path), there, told)


def test_other_faults_of_a_service_are_not_taken_for_absence(
    tmp_path: Path, there: Account, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DescribeComponent")

    monkeypatch.setattr(there.aws.greengrass, "describe_component", forbidden)
    with pytest.raises(ClientError, match="AccessDenied"):
        publish(small_build(tmp_path), there, told)


def test_an_upload_that_is_refused_is_one_line(
    tmp_path: Path, there: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def forbidden(**_: object) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutObject")

    monkeypatch.setattr(there.aws.storage, "put_object", forbidden)
    monkeypatch.setattr(verbs, "connect", lambda _: there.aws)
    built = small_build(tmp_path)
    assert verbs.publish(["--build", str(built.folder), "--bucket", BUCKET]) == 2
    said = capsys.readouterr().err
    assert said.startswith("smartcam publish: AWS: Failed to upload")
    assert said.count("\n") == 1
