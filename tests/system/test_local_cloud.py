"""The real local cloud, from `cdk deploy` to a person's mailbox."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import boto3
import botocore.exceptions
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from smartcam.contract.ids import ThingName
from standins.cloud.cdk import DeployError
from standins.cloud.device import DeviceIdentity
from standins.cloud.folder import LocalCloudError
from standins.cloud.inbox import ReceivedMessage
from standins.cloud.local_cloud import LocalCloud
from tests.system.sample_stack import EMAIL, PHONE, POLICY, STACK, THING, write_assembly
from tests.waiting import PATIENCE_S
from tools.command_line import ROOT
from tools.setup import Toolchain, setup_cloud

pytestmark = pytest.mark.cloud
_LIMIT_S = PATIENCE_S
T = TypeVar("T")


@pytest.fixture(scope="module")
def toolchain() -> Toolchain:
    return setup_cloud()


@pytest.fixture(scope="module")
def cloud(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), toolchain) as started:
        yield started


@pytest.fixture(scope="module")
def outputs(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    cloud.bootstrap()
    return cloud.deploy(write_assembly(tmp_path_factory.mktemp("app") / "cdk.out"))[STACK]


@pytest.fixture(scope="module")
def confirmed(cloud: LocalCloud, outputs: Mapping[str, str]) -> int:
    assert outputs
    return cloud.confirm_subscriptions(at_least=1)


@pytest.fixture(scope="module")
def identity(cloud: LocalCloud, outputs: Mapping[str, str]) -> DeviceIdentity:
    assert outputs
    return cloud.provision(ThingName(THING), POLICY)


@pytest.fixture
def device(identity: DeviceIdentity) -> Iterator["Device"]:
    connected = Device(identity)
    yield connected
    connected.close()


class Device:
    """An MQTT client with a device's certificate."""

    def __init__(self, identity: DeviceIdentity) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, identity.thing)
        self._client.tls_set(str(identity.authority), str(identity.certificate), str(identity.key))
        answered: Future[bool] = Future()

        def on_connect(_client: mqtt.Client, _user: object, _flags: object, reason: ReasonCode, _more: object) -> None:
            if not answered.done():
                answered.set_result(not reason.is_failure)

        def on_disconnect(_client: mqtt.Client, *_reason: object) -> None:
            if not answered.done():
                answered.set_result(False)

        self._client.on_connect = on_connect
        self._client.on_disconnect = on_disconnect
        self.acknowledged: list[str] = []
        self._client.on_message = lambda _c, _u, message: self.acknowledged.append(message.payload.decode())
        self._client.connect(identity.host, identity.port)
        self._client.loop_start()
        if not answered.result(_LIMIT_S):
            self.close()
            raise ConnectionRefusedError
        self._client.subscribe(f"smartcam/v1/{identity.thing}/ack", qos=1)

    def publish(self, topic: str, qos: int = 1, **event: str) -> None:
        self._client.publish(topic, json.dumps(event), qos=qos)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _until(look: Callable[[], T], limit_s: float = _LIMIT_S) -> T:
    deadline = time.monotonic() + limit_s
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _of(deliveries: list[ReceivedMessage], event_id: str) -> list[ReceivedMessage]:
    return [delivery for delivery in deliveries if delivery.event_id == event_id]


def _bodies(cloud: LocalCloud, queue: str) -> list[Any]:
    answer = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [json.loads(message["Body"]) for message in answer.get("Messages", [])]


def test_a_device_publishes_and_a_person_gets_one_mail_and_one_text(
    cloud: LocalCloud, device: Device, confirmed: int
) -> None:
    assert confirmed == 1
    before_ns = time.time_ns()
    device.publish(f"smartcam/v1/{THING}/yard/event", event_id="e1", kind="person", text="hällo")
    emails = _until(lambda: _of(cloud.emails(), "e1"))
    texts = _until(lambda: _of(cloud.texts(), "e1"))
    assert [(mail.to, mail.subject, mail.body) for mail in emails] == [(EMAIL, "Alert", "mail: hällo")]
    assert [(text.to, text.body) for text in texts] == [(PHONE, "text: hällo")]
    assert {**emails[0].attributes} == {**texts[0].attributes} == {"event_id": "e1", "kind": "person"}
    assert before_ns < min(emails[0].delivered_at_ns, texts[0].delivered_at_ns)
    assert _until(lambda: device.acknowledged) == ["e1"]


def test_a_filter_policy_decides_who_gets_a_text(cloud: LocalCloud, device: Device, confirmed: int) -> None:
    assert confirmed == 1
    device.publish(f"smartcam/v1/{THING}/yard/event", event_id="e2", kind="vehicle", text="car")
    texts = _until(lambda: found if len(found := _of(cloud.texts(), "e2")) > 1 else [])
    assert {text.to for text in texts} == {PHONE, "+491700000002"}


def test_mail_waits_for_the_confirmation_of_its_reader(cloud: LocalCloud, outputs: Mapping[str, str]) -> None:
    sns = cloud.client("sns")
    answer = sns.subscribe(TopicArn=outputs["Topic"], Protocol="email", Endpoint="new@example.com")
    assert answer["SubscriptionArn"] == "pending confirmation"

    def publish(event_id: str) -> None:
        attributes = {"event_id": {"DataType": "String", "StringValue": event_id}}
        sns.publish(TopicArn=outputs["Topic"], Message="m", MessageAttributes=attributes)

    def got() -> list[str]:
        return [mail.event_id for mail in cloud.emails() if mail.to == "new@example.com"]

    publish("before")
    cloud.confirm_subscriptions(at_least=1)
    publish("after")
    # Mail is delivered in the order of publishing: what was held back would have come first.
    assert _until(got) == ["after"]


def test_mail_that_does_not_come_is_not_waited_for_for_ever(cloud: LocalCloud, confirmed: int) -> None:
    assert confirmed == 1
    with pytest.raises(LocalCloudError, match="0 of 1 confirmation e-mails"):
        cloud.confirm_subscriptions(at_least=1, limit_s=0.1)


def test_another_things_topic_is_refused(cloud: LocalCloud, device: Device, confirmed: int) -> None:
    assert confirmed == 1
    # At most once, or the client would send it again with each new connection, and take the name from the other one.
    device.publish("smartcam/v1/cam-2/yard/event", 0, event_id="forged", kind="person", text="x")
    device.close()
    with_own_name = Device(cloud.provision(ThingName(THING), POLICY))
    with_own_name.publish(f"smartcam/v1/{THING}/yard/event", event_id="e3", kind="person", text="x")
    assert _until(lambda: _of(cloud.emails(), "e3"))
    with_own_name.close()
    assert _of(cloud.emails(), "forged") == []


def test_a_client_id_that_the_policy_does_not_name_cannot_connect(cloud: LocalCloud, identity: DeviceIdentity) -> None:
    other = cloud.provision(ThingName("cam-2"), POLICY)
    assert other.key.stat().st_mode & 0o777 == 0o600
    assert other.certificate.read_bytes() != identity.certificate.read_bytes()
    with pytest.raises(ConnectionRefusedError):
        Device(other)


def test_a_failing_function_is_tried_again_and_its_event_kept(
    cloud: LocalCloud, device: Device, outputs: Mapping[str, str]
) -> None:
    device.publish(f"smartcam/v1/{THING}/yard/event", event_id="e4", kind="failure", text="x")
    (failure,) = _until(lambda: _bodies(cloud, outputs["Failures"]))
    assert failure["requestPayload"]["event_id"] == "e4"
    assert failure["responsePayload"]["errorMessage"] == "as asked"


def test_a_function_that_must_not_be_started_reaches_the_rules_error_action(
    cloud: LocalCloud, device: Device, outputs: Mapping[str, str]
) -> None:
    device.publish(f"smartcam/v1/{THING}/yard/forbidden", event_id="e5", kind="person", text="x")
    (error,) = _until(lambda: _bodies(cloud, outputs["Errors"]))
    assert error["topic"] == f"smartcam/v1/{THING}/yard/forbidden"
    assert "no permission" in error["failures"][0]["errorMessage"]


def test_a_burst_loses_and_doubles_nothing(cloud: LocalCloud, device: Device, confirmed: int) -> None:
    assert confirmed == 1
    names = [f"burst-{number}" for number in range(12)]
    for name in names:
        device.publish(f"smartcam/v1/{THING}/yard/event", event_id=name, kind="person", text=name)

    def got() -> list[tuple[str, str]]:
        return sorted((one.event_id, one.to) for one in (*cloud.emails(), *cloud.texts()) if one.event_id in names)

    _until(lambda: len([to for _, to in got() if to in (EMAIL, PHONE)]) >= 2 * len(names))
    assert [(name, to) for name, to in got() if to in (EMAIL, PHONE)] == sorted(
        (name, to) for name in names for to in (EMAIL, PHONE)
    )


def test_a_restarted_cloud_goes_on_with_everything_that_it_knew(
    cloud: LocalCloud, identity: DeviceIdentity, confirmed: int
) -> None:
    assert confirmed == 1
    mails, address = cloud.emails(), (cloud.endpoint.url, cloud.endpoint.mqtt_port)
    cloud.restart()
    assert (cloud.endpoint.url, cloud.endpoint.mqtt_port) == address
    device = Device(identity)
    try:
        device.publish(f"smartcam/v1/{THING}/yard/event", event_id="e9", kind="person", text="again")
        # Another test's reader may be subscribed as well.
        mine = _until(lambda: [mail for mail in _of(cloud.emails(), "e9") if mail.to == "person@example.com"])
        assert len(mine) == 1
        assert len(_until(lambda: _of(cloud.texts(), "e9"))) == 1
        assert _until(lambda: device.acknowledged) == ["e9"]
    finally:
        device.close()
    assert cloud.emails()[: len(mails)] == mails


def test_an_unknown_access_key_is_refused(cloud: LocalCloud) -> None:
    client = boto3.client(
        "sns",
        endpoint_url=cloud.endpoint.url,
        verify=str(cloud.endpoint.authority),
        region_name="eu-west-1",
        aws_access_key_id="AKIAUNKNOWN000000000",
        aws_secret_access_key="unknown",  # noqa: S106
    )
    with pytest.raises(botocore.exceptions.ClientError, match="security token"):
        client.list_topics()


def test_a_function_has_only_the_rights_of_its_role(cloud: LocalCloud, outputs: Mapping[str, str]) -> None:
    assert outputs
    sts = cloud.client("sts").assume_role(RoleArn=_role_arn(cloud), RoleSessionName="test")["Credentials"]
    client = boto3.client(
        "dynamodb",
        endpoint_url=cloud.endpoint.url,
        verify=str(cloud.endpoint.authority),
        region_name="eu-west-1",
        aws_access_key_id=sts["AccessKeyId"],
        aws_secret_access_key=sts["SecretAccessKey"],
        aws_session_token=sts["SessionToken"],
    )
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        client.list_tables()


def _role_arn(cloud: LocalCloud) -> str:
    roles = cloud.client("iam").list_roles()["Roles"]
    return next(str(role["Arn"]) for role in roles if role["RoleName"].startswith(f"{STACK}-Role"))


def test_it_listens_on_the_loopback_address_only(cloud: LocalCloud) -> None:
    listening = _listening_addresses(_family(cloud.pid))
    assert {cloud.endpoint.https_port, cloud.endpoint.mqtt_port} <= {port for _, port in listening}
    assert {address for address, _ in listening} == {"127.0.0.1"}


def test_a_deployment_that_fails_says_why(cloud: LocalCloud, tmp_path: Path) -> None:
    assembly = write_assembly(tmp_path / "cdk.out")
    template = assembly / "sample.template.json"
    template.write_text(json.dumps({"Resources": {"X": {"Type": "AWS::No::Such"}}}))
    manifest = (assembly / "manifest.json").read_text().replace(f'"{STACK}"', '"Broken"')
    (assembly / "manifest.json").write_text(manifest)
    with pytest.raises(DeployError, match="AWS::No::Such"):
        cloud.deploy(assembly)


def test_a_port_in_use_is_named_with_its_remedy(toolchain: Toolchain, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        wanted = LocalCloud(tmp_path, toolchain, mqtt_port=port)
        with pytest.raises(LocalCloudError, match=rf"port {port} for MQTT.*remedy.*--mqtt-port"):
            wanted.start()


def test_the_command_runs_until_ctrl_c_and_leaves_nothing(toolchain: Toolchain, tmp_path: Path) -> None:
    assert toolchain.cloud_python.exists()
    command = [sys.executable, "-m", "front", "cloud", "up", "--dir", str(tmp_path / "cloud")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline()]
        while lines[-1] and not lines[-1].startswith("# e-mail:"):
            lines.append(running.stdout.readline())
        family = _family(running.pid)
        running.send_signal(signal.SIGINT)
        assert running.wait(_LIMIT_S) == 0
    assert any(line.startswith("export AWS_ENDPOINT_URL=https://127.0.0.1:") for line in lines)
    assert len(family) > 2
    assert _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


_OWNER = """
import sys, time
from pathlib import Path
from standins.cloud.local_cloud import LocalCloud
from tools.setup import setup_cloud
cloud = LocalCloud(Path(sys.argv[1]), setup_cloud())
cloud.start()
print(cloud.pid, flush=True)
time.sleep(60)
"""


def test_nothing_outlives_an_owner_that_was_killed(toolchain: Toolchain, tmp_path: Path) -> None:
    assert toolchain.cloud_python.exists()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "components")])}
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    ) as owner:
        assert owner.stdout is not None
        leash = int(owner.stdout.readline())
        family = _family(leash)
        assert len(family) > 1
        owner.send_signal(signal.SIGKILL)
    assert _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family))


def _family(pid: int) -> set[int]:
    """A process and all its descendants."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found, grown = {pid}, True
    while grown:
        children = {child for child, parent in parents.items() if parent in found} - found
        grown = bool(children)
        found |= children
    return found


def _listening_addresses(pids: set[int]) -> set[tuple[str, int]]:
    """(address, port) of every TCP socket that one of these processes listens on."""
    inodes = set[str]()
    for pid in pids:
        with suppress(OSError):  # a function's process has ended
            inodes |= _sockets(pid)
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.add((_readable(address), int(port, 16)))
    return found


def _sockets(pid: int) -> set[str]:
    """The sockets that a process holds. Raises OSError when it is gone."""
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            target = str(descriptor.readlink())
            found |= {target[8:-1]} if target.startswith("socket:[") else set()
    return found


def _readable(address: str) -> str:
    if len(address) > 8:
        return f"[{address}]"
    return socket.inet_ntoa(bytes.fromhex(address)[::-1])
