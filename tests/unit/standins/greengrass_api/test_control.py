"""The control-plane stand-in, asked by boto3 itself: both sides work by the same service model."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError, ParamValidationError

from standins.greengrass_api.plane import ACCOUNT, DeploymentEnd
from standins.greengrass_api.wire import ModelBroken, Refusal, Wire
from tests.fakes.fleet import BUCKET, REGION, Account

ARN = f"arn:aws:greengrass:{REGION}:{ACCOUNT}:components:t.A:versions:1.0.0"


def recipe(name: str = "t.A", artifact: str | None = None) -> bytes:
    artifacts = [{"Uri": f"s3://{BUCKET}/{artifact}"}] if artifact else []
    document = {"ComponentName": name, "ComponentVersion": "1.0.0", "Manifests": [{"Artifacts": artifacts}]}
    return json.dumps(document).encode()


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def post(url: str, body: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(f"{url}/greengrass/v2/deployments", data=body.encode(), method="POST")  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def test_a_component_becomes_deployable_and_its_artifacts_get_digests(there: Account) -> None:
    greengrass = there.aws.greengrass
    there.aws.storage.put_object(Bucket=BUCKET, Key="a.zip", Body=b"abc")
    made = greengrass.create_component_version(inlineRecipe=recipe(artifact="a.zip"))
    assert (made["arn"], made["status"]["componentState"]) == (ARN, "REQUESTED")
    states = [greengrass.describe_component(arn=ARN)["status"]["componentState"] for _ in range(3)]
    assert states == ["REQUESTED", "DEPLOYABLE", "DEPLOYABLE"]
    told = json.loads(greengrass.get_component(arn=ARN, recipeOutputFormat="JSON")["recipe"])
    artifact = told["Manifests"][0]["Artifacts"][0]
    assert artifact["Digest"] == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


def test_a_component_whose_artifact_is_missing_fails(there: Account) -> None:
    there.aws.greengrass.create_component_version(inlineRecipe=recipe(artifact="none.zip"))
    there.aws.greengrass.describe_component(arn=ARN)
    status = there.aws.greengrass.describe_component(arn=ARN)["status"]
    assert status["componentState"] == "FAILED"
    assert "none.zip cannot be read" in status["message"]


def test_a_version_is_made_once(there: Account) -> None:
    there.aws.greengrass.create_component_version(inlineRecipe=recipe())
    with pytest.raises(ClientError) as error:
        there.aws.greengrass.create_component_version(inlineRecipe=recipe())
    assert code(error) == "ConflictException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 409
    there.aws.greengrass.delete_component(arn=ARN)
    there.aws.greengrass.create_component_version(inlineRecipe=recipe())


@pytest.mark.parametrize("raw", [b"x" * 16_001, b"[", b"{}", b"just words"])
def test_what_is_no_recipe_is_refused(raw: bytes, there: Account) -> None:
    with pytest.raises(ClientError) as error:
        there.aws.greengrass.create_component_version(inlineRecipe=raw)
    assert code(error) == "ValidationException"


def test_what_is_not_there_is_not_found(there: Account) -> None:
    for call, arguments in (
        (there.aws.greengrass.describe_component, {"arn": ARN}),
        (there.aws.greengrass.get_deployment, {"deploymentId": "none"}),
    ):
        with pytest.raises(ClientError) as error:
            call(**arguments)
        assert code(error) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{", "is not JSON"),
        ("[]", "is not an object"),
        ('{"targetArn": 5}', "targetArn"),
        ('{"targetarn": "arn:aws:iot:eu-west-1:123456789012:thinggroup/x"}', "unknown field 'targetarn'"),
        ("{}", "targetArn"),
        (
            '{"targetArn": "arn:aws:iot:eu-west-1:123456789012:thinggroup/x", "components": {"a": {}}}',
            "componentVersion",
        ),
        (
            '{"targetArn": "arn:aws:iot:x:1:thinggroup/x", "deploymentPolicies": {"failureHandlingPolicy": "PANIC"}}',
            "'PANIC' is none of ROLLBACK, DO_NOTHING",
        ),
    ],
)
def test_a_request_that_the_service_model_does_not_know_is_refused(body: str, reason: str, there: Account) -> None:
    status, answer = post(there.url, body)
    assert status == 400
    assert reason in answer["message"]


def test_boto3_itself_refuses_what_the_model_does_not_know(there: Account) -> None:
    with pytest.raises(ParamValidationError):
        there.aws.greengrass.create_deployment(target="x")


def test_an_answer_that_the_service_never_gives_is_a_fault_of_the_stand_in() -> None:
    wire = Wire()
    with pytest.raises(ModelBroken):
        wire.answer("GetDeployment", {"deploymentStatus": "FINE"})
    with pytest.raises(ModelBroken):
        wire.answer("GetDeployment", {"unheardOf": "x"})
    with pytest.raises(ModelBroken):
        wire.answer("DeleteComponent", {"message": "gone"})
    with pytest.raises(ModelBroken):
        wire.refuse("ListCoreDevices", Refusal("ConflictException", "no"))


def test_a_deployment_replaces_the_one_before_and_devices_go_through_their_states(there: Account) -> None:
    greengrass = there.aws.greengrass
    arn = there.group("yard", "one", "two")
    there.devices.special["two"] = DeploymentEnd("FAILED", "broken")
    greengrass.create_component_version(inlineRecipe=recipe())
    for _ in range(2):
        greengrass.describe_component(arn=ARN)
    components = {"t.A": {"componentVersion": "1.0.0"}}
    first = greengrass.create_deployment(targetArn=arn, components=components, clientToken="same-token")
    assert (
        greengrass.create_deployment(targetArn=arn, components=components, clientToken="same-token")["deploymentId"]
        == first["deploymentId"]
    )

    def states(thing: str) -> str:
        answer = greengrass.list_effective_deployments(coreDeviceThingName=thing)["effectiveDeployments"]
        return str(answer[0]["coreDeviceExecutionStatus"])

    assert [states("one") for _ in range(3)] == ["IN_PROGRESS", "SUCCEEDED", "SUCCEEDED"]
    assert [states("two") for _ in range(2)] == ["IN_PROGRESS", "FAILED"]
    assert (
        greengrass.list_installed_components(coreDeviceThingName="one")["installedComponents"][0]["componentName"]
        == "t.A"
    )
    greengrass.create_deployment(targetArn=arn, components=components)
    history = greengrass.list_deployments(targetArn=arn, historyFilter="ALL")["deployments"]
    assert [(each["isLatestForTarget"], each["deploymentStatus"]) for each in history] == [
        (True, "ACTIVE"),
        (False, "INACTIVE"),
    ]


def test_a_component_that_is_not_deployable_cannot_be_deployed(there: Account) -> None:
    arn = there.group("yard", "one")
    with pytest.raises(ClientError, match=r"t\.A 1\.0\.0 cannot be deployed"):
        there.aws.greengrass.create_deployment(targetArn=arn, components={"t.A": {"componentVersion": "1.0.0"}})


@pytest.mark.parametrize("update", [{"merge": "{"}, {"merge": "[]"}, {"reset": ["accessControl"]}])
def test_a_configuration_update_that_no_nucleus_reads_is_refused(update: dict[str, object], there: Account) -> None:
    arn = there.group("yard", "one")
    wanted = {"aws.greengrass.Nucleus": {"componentVersion": "2.13.0", "configurationUpdate": update}}
    with pytest.raises(ClientError) as error:
        there.aws.greengrass.create_deployment(targetArn=arn, components=wanted)
    assert code(error) == "ValidationException"


def test_long_lists_come_in_pages(there: Account) -> None:
    arn = there.group("yard", *(f"thing{number}" for number in range(7)))
    there.aws.greengrass.create_deployment(targetArn=arn)
    assert len(there.aws.core_devices(arn)) == 7
    first = there.aws.greengrass.list_core_devices(thingGroupArn=arn)
    assert len(first["coreDevices"]) < 7


def test_an_active_deployment_can_be_canceled_once(there: Account) -> None:
    arn = there.group("yard", "one")
    identity = there.aws.greengrass.create_deployment(targetArn=arn)["deploymentId"]
    there.aws.greengrass.cancel_deployment(deploymentId=identity)
    assert [each["coreDeviceExecutionStatus"] for each in there.aws.effective("one")] == ["CANCELED"]
    with pytest.raises(ClientError) as error:
        there.aws.greengrass.cancel_deployment(deploymentId=identity)
    assert code(error) == "ConflictException"
