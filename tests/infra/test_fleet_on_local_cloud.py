"""The deployed watch, pictures and alarms: broker, rules, functions, table, bucket and topics together."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from front.main import main as front
from infra.alerts.stack import STACK_NAME
from infra.app import main
from infra.names import GROUP, policy_name
from infra.snapshots.runtime.links import S3Pictures
from smartcam.contract.event import ClipPart, Event, Phase
from smartcam.contract.health import CameraCondition, CameraHealth, DeviceState, Health
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.snapshot import clip_object_key, snapshot_key
from smartcam.contract.times import UtcNs, format_utc
from smartcam.contract.topics import ack_topic, health_topic
from smartcam.contract.wanted import Wanted
from smartcam.doctor.cloud import Identity, check_certificate, check_iot_core
from smartcam.doctor.finding import State
from smartcam.edge.clip_name import ClipName
from smartcam.edge.clock import SystemClock
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.pictures.clip_uploader import PIECE_BYTES, ClipUploader
from smartcam.edge.pictures.s3 import S3Store
from smartcam.edge.pictures.uploader import SnapshotSettings, SnapshotUploader
from standins.cloud.device import DeviceIdentity
from standins.cloud.inbox import Channel
from standins.cloud.local_cloud import LocalCloud
from tests.fakes.aws_server import FakeExchange, serving
from tests.infra.sample import raised
from tests.waiting import PATIENCE_S
from tools.alerts.command import main as alerts
from tools.command_line import ROOT
from tools.setup import setup_cloud

THING, GATE = ThingName("yard-1"), CameraId("gate")
PEOPLE, OPERATORS = "anna@example.org", "ops@example.org"

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv-cloud").is_dir(), reason="the local cloud is not set up (.venv-cloud)"),
]


@dataclass(frozen=True)
class Site:
    cloud: LocalCloud
    outputs: dict[str, str]
    identity: DeviceIdentity

    def client(self, service: str) -> Any:  # noqa: ANN401
        return self.cloud.client(service)

    def device(self) -> dict[str, Any] | None:
        key = {"camera": {"S": "fleet"}, "item": {"S": f"device#{THING}"}}
        item = self.client("dynamodb").get_item(TableName=self.outputs["TableName"], Key=key).get("Item")
        return None if item is None else dict(json.loads(item["document"]["S"]))

    def is_connected_after(self, seq: int) -> bool:
        """Whether both have arrived: this sign of life, and that there is a connection."""
        device = self.device()
        return device is not None and device["seq"] == seq and bool(device["presence"]["connected"])

    def look(self) -> dict[str, float]:
        """The dead-man switch looks now; its own schedule goes on beside."""
        answer = self.client("lambda").invoke(FunctionName=self.outputs["WatchFunctionName"])
        assert "FunctionError" not in answer, answer["Payload"].read()
        return dict(json.loads(answer["Payload"].read()))

    def subjects(self, to: str) -> list[str]:
        return [mail.subject for mail in self.cloud.emails() if mail.to == to and mail.channel is Channel.EMAIL]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("fleet")
    context = {
        "email": PEOPLE,
        "operations_email": OPERATORS,
        "things": str(THING),
        "snapshots": "on",
        "offline_grace_seconds": "1",
    }
    arguments = [text for key, value in context.items() for text in ("-c", f"{key}={value}")]
    assert main([*arguments, "-o", str(folder / "cdk.out")]) == 0
    with LocalCloud(folder / "cloud", setup_cloud(say=lambda _: None)) as cloud:
        cloud.bootstrap()
        outputs = dict(cloud.deploy(folder / "cdk.out", stacks=[STACK_NAME])[STACK_NAME])
        cloud.confirm_subscriptions(at_least=2)
        yield Site(cloud, outputs, cloud.provision(THING, policy_name(THING)))


def connected(site: Site) -> Client:
    client = Client(CallbackAPIVersion.VERSION2, client_id=THING)
    ready: Queue[None] = Queue()
    client.on_connect = lambda *_: ready.put(None)
    client.tls_set(str(site.identity.authority), str(site.identity.certificate), str(site.identity.key))
    assert client.connect(site.identity.host, site.identity.port) is MQTTErrorCode.MQTT_ERR_SUCCESS
    client.loop_start()
    ready.get(timeout=PATIENCE_S)
    return client


def say(client: Client, seq: int, thing: ThingName = THING, wanted_revision: int | None = None) -> None:
    word = Health(
        thing=thing,
        state=DeviceState.RUNNING,
        run="run-1",
        seq=seq,
        sent_at=UtcNs(time.time_ns()),
        clock_synced=True,
        uptime_s=600,
        version="0.1.0",
        cameras=(CameraHealth(GATE, CameraCondition.RUNNING, 25.0),),
        wanted_revision=wanted_revision,
    )
    client.publish(health_topic(THING), word.to_json(), qos=1).wait_for_publish(PATIENCE_S)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_device_that_vanishes_is_told_of_once_and_once_when_it_is_back(site: Site) -> None:
    client = connected(site)
    say(client, 1)
    wait_until(lambda: site.is_connected_after(1))
    assert site.look()["DevicesSilent"] == 0
    client.disconnect()
    client.loop_stop()
    wait_until(lambda: site.look()["DevicesSilent"] == 1)
    for _ in range(3):
        site.look()
    wait_until(lambda: len(site.subjects(PEOPLE)) == 1)
    assert site.subjects(PEOPLE)[0].startswith("yard-1: Device lost, ")
    client = connected(site)
    say(client, 2)
    wait_until(lambda: site.is_connected_after(2))
    for _ in range(3):
        site.look()
    wait_until(lambda: len(site.subjects(PEOPLE)) == 2)
    assert site.subjects(PEOPLE)[1].startswith("yard-1: Device restored, ")
    client.disconnect()
    client.loop_stop()


def test_a_health_message_that_names_another_thing_is_kept_for_a_person_and_changes_nothing(site: Site) -> None:
    client = connected(site)
    before = site.device()
    say(client, 99, ThingName("yard-2"))
    sqs, queue = site.client("sqs"), site.outputs["FailureQueueUrl"]
    found: list[Any] = []

    def is_there() -> bool:
        found.extend(sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []))
        return bool(found)

    wait_until(is_there)
    [kept] = found
    assert "thing: must be yard-1, as in the topic" in kept["Body"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=kept["ReceiptHandle"])
    after = site.device()
    assert before is not None
    assert after is not None
    assert after["seq"] == before["seq"]
    client.disconnect()
    client.loop_stop()


def test_a_device_is_disarmed_at_once_and_told_again_by_its_signs_of_life_until_it_knows(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in site.cloud.environment().items():
        monkeypatch.setenv(name, value)
    client, heard, subscribed = connected(site), Queue[Wanted](), Queue[None]()
    client.on_message = lambda _client, _data, message: heard.put(Wanted.from_json(bytes(message.payload)))
    client.on_subscribe = lambda *_: subscribed.put(None)
    client.subscribe(ack_topic(THING), qos=1)
    subscribed.get(timeout=PATIENCE_S)
    say(client, 100, wanted_revision=0)
    wait_until(lambda: (site.device() or {}).get("seq") == 100)
    assert front(["disarm", f"{THING}/{GATE}", "--for", "2h"]) == 0
    assert "is told now" in capsys.readouterr().out
    wanted = heard.get(timeout=PATIENCE_S)
    assert (wanted.revision, wanted.armed(GATE, configured=True)) == (1, False)
    say(client, 101, wanted_revision=0)
    assert heard.get(timeout=PATIENCE_S).cameras == wanted.cameras
    say(client, 102, wanted_revision=1)
    wait_until(lambda: (site.device() or {}).get("seq") == 102)
    assert alerts(["devices"]) == 0
    assert "; wanted: gate disarmed until " in capsys.readouterr().out
    assert front(["arm", f"{THING}/cellar"]) == 1
    assert "smartcam arm: yard-1 has no camera cellar; known: gate" in capsys.readouterr().err
    assert heard.empty()
    client.disconnect()
    client.loop_stop()


def test_an_alarm_reaches_those_who_run_it_and_not_the_alerted(site: Site) -> None:
    cloudwatch = site.client("cloudwatch")
    before = site.subjects(PEOPLE)
    names = [one["AlarmName"] for one in cloudwatch.describe_alarms()["MetricAlarms"]]
    [name] = [one for one in names if "TimersWait" in one]
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    wait_until(lambda: len(site.subjects(OPERATORS)) == 1)
    assert site.subjects(PEOPLE) == before


def test_the_switch_mails_the_operators_what_no_alarm_watches(site: Site) -> None:
    sqs, dynamodb, table = site.client("sqs"), site.client("dynamodb"), site.outputs["TableName"]
    sqs.send_message(QueueUrl=site.outputs["UnreachedQueueUrl"], MessageBody="an alert")
    key = {"camera": {"S": "fleet"}, "item": {"S": "device#porch-9"}}
    heard = {"heard_at": {"S": format_utc(UtcNs(time.time_ns()))}}
    dynamodb.put_item(TableName=table, Item={**key, **heard, "document": {"S": "{}"}, "revision": {"N": "1"}})
    site.look()
    wait_until(lambda: any("porch-9" in subject for subject in site.subjects(OPERATORS)))
    [mail] = [mail for mail in site.cloud.emails() if mail.to == OPERATORS and "porch-9" in mail.subject]
    assert "1 in Unreached: alerts that SNS could not deliver" in mail.body
    dynamodb.delete_item(TableName=table, Key=key)
    sqs.purge_queue(QueueUrl=site.outputs["UnreachedQueueUrl"])


def test_a_picture_goes_up_by_the_devices_own_code_and_can_be_seen_by_its_link(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = site.cloud.environment()
    clock, bucket = SystemClock(), site.outputs["SnapshotBucketName"]
    at = UtcNs(time.time_ns())
    event_id = new_event_id(at, os.urandom(10))
    event: Event = raised(event_id=event_id, snapshot_key=snapshot_key(THING, GATE, event_id))
    pictures = S3Pictures(site.client("s3"), bucket)
    early = pictures.link(event)
    assert early is not None
    assert not early.arrived
    key_id, secret = variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"]
    exchange = FakeExchange(access_key=key_id, secret_key=secret)
    with serving(exchange):
        for name, value in exchange.environment.items():
            monkeypatch.setenv(name, value)
        cloud = S3Store(variables["AWS_REGION"], {**variables, **exchange.environment}, clock)
        uploader = SnapshotUploader(tmp_path / "snapshots", THING, cloud, lambda: 1.0)
        uploader.configure(SnapshotSettings(enabled=True, bucket=bucket))
        uploader.keep(GATE, event_id, b"jpeg")
        assert uploader.keys_of(GATE, event_id).picture == event.snapshot_key
        assert uploader.step() == 0
    link = pictures.link(event)
    assert link is not None
    assert (link.arrived, link.valid_s) == (True, 3600)
    head = site.client("s3").head_object(Bucket=bucket, Key=event.snapshot_key)
    assert (head["ContentType"], head["ContentLength"]) == ("image/jpeg", 4)


def test_a_clip_goes_up_in_pieces_by_the_devices_own_code_and_can_be_seen_by_its_link(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables, bucket = site.cloud.environment(), site.outputs["SnapshotBucketName"]
    content = os.urandom(2 * PIECE_BYTES + 1)
    event_id = new_event_id(UtcNs(time.time_ns()), os.urandom(10))
    (tmp_path / str(ClipName(event_id, GATE, 1))).write_bytes(content)
    clips = (ClipPart(1, len(content), "0" * 64),)
    exchange = FakeExchange(access_key=variables["AWS_ACCESS_KEY_ID"], secret_key=variables["AWS_SECRET_ACCESS_KEY"])
    with serving(exchange):
        for name, value in exchange.environment.items():
            monkeypatch.setenv(name, value)
        cloud = S3Store(variables["AWS_REGION"], {**variables, **exchange.environment}, SystemClock())
        uploader = ClipUploader(tmp_path, THING, cloud, lambda: 1.0, MemoryFile(tmp_path / "to-upload"))
        uploader.configure(SnapshotSettings(enabled=True, bucket=bucket, clips=True))
        uploader.recorded(raised(event_id=event_id, phase=Phase.RECORDED, clips=clips))
        assert uploader.step() == 0
    key = clip_object_key(THING, GATE, event_id)
    assert S3Pictures(site.client("s3"), bucket).clip(raised(event_id=event_id, clip_object=key)) is not None
    found = site.client("s3").get_object(Bucket=bucket, Key=key)
    assert found["ContentType"] == "video/mp4"
    assert found["Body"].read() == content


def test_a_person_can_try_the_path_follow_it_and_list_the_devices(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in site.cloud.environment().items():
        monkeypatch.setenv(name, value)
    assert alerts(["test", "--camera", "gate"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("sent: it is on its way")
    wait_until(lambda: any("Test" in subject for subject in site.subjects(PEOPLE)))
    assert alerts(["tail", "--once", "--since", "1h"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert told.splitlines()[1] in shown
    assert any(" device_lost " in line and " ended=" in line for line in shown)
    day = told.splitlines()[1].partition("T")[0]  # the day of its arrival, which may be over by now
    assert alerts(["tail", "--day", day, "--camera", "yard-1/gate"]) == 0
    assert capsys.readouterr().out.splitlines() == [told.splitlines()[1]]
    assert alerts(["devices"]) == 0
    assert capsys.readouterr().out.startswith("yard-1: ")
    assert alerts(["test", "--camera", "cellar"]) == 2
    assert "known are gate): give --thing" in capsys.readouterr().err


def test_a_provisioned_device_connects_with_what_its_bundle_holds_until_it_is_removed(
    site: Site, tmp_path: Path
) -> None:
    def provision(*more: str) -> str:
        command = [sys.executable, "-m", "front", "provision", "porch-1", "--out", str(tmp_path), *more]
        environment = {**os.environ, **site.cloud.environment()}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    site.client("iot").create_thing_group(thingGroupName=GROUP)
    authority = ["--root-ca", str(site.cloud.endpoint.iot_authority)]
    assert "certificate" in provision(*authority)
    bundle = tmp_path / "smartcam-porch-1"
    key = (bundle / "device.key").read_bytes()
    assert "created" not in provision(*authority)
    assert (bundle / "device.key").read_bytes() == key
    identity = Identity(
        ThingName("porch-1"), bundle / "device.pem", bundle / "device.key", bundle / "root-ca.pem", "127.0.0.1"
    )
    found = check_iot_core(replace(identity, port=site.cloud.endpoint.mqtt_port))
    assert found.state is State.OK, found
    assert check_certificate(identity).state is State.OK
    provision("--remove")
    assert check_iot_core(replace(identity, port=site.cloud.endpoint.mqtt_port)).state is State.FAULT


def test_nothing_was_left_undelivered(site: Site) -> None:
    for name in ("ErrorQueueUrl", "FailureQueueUrl"):
        assert "Messages" not in site.client("sqs").receive_message(QueueUrl=site.outputs[name])
