"""The deployed template under real concurrency: broker, policies, function, table and topic together."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from queue import Empty, Queue

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from devkit.cloud.local_cloud import LocalCloud
from devkit.tools import ROOT, setup_cloud
from infra.app import main
from infra.devices import policy_name
from smartcam.contract.ack import Acknowledgement, AckStatus
from smartcam.contract.event import Event, Phase
from smartcam.contract.ids import ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import ack_topic, event_topic
from tests.infra.sample import raised

THING = ThingName("yard-1")
PATIENCE_S = 30.0
BURST = 12

pytestmark = [
    pytest.mark.cloud,
    pytest.mark.slow,
    pytest.mark.skipif(not (ROOT / ".venv-cloud").is_dir(), reason="the local cloud is not set up (.venv-cloud)"),
]


@dataclass
class Device:
    """A device's connection with its own certificate, and what the cloud answered."""

    client: Client
    replies: Queue[Acknowledgement] = field(default_factory=Queue)

    def send(self, event: Event, thing: ThingName = THING) -> None:
        self.client.publish(event_topic(thing, event.camera_id), event.to_json(), qos=1)

    def reply(self) -> Acknowledgement:
        return self.replies.get(timeout=PATIENCE_S)


@dataclass(frozen=True)
class Site:
    cloud: LocalCloud
    outputs: dict[str, str]
    connect: Callable[[], Device]

    def states(self) -> list[str]:
        items = self.cloud.client("dynamodb").scan(TableName=self.outputs["TableName"])["Items"]
        return sorted(item["alert_state"]["S"] for item in items if "alert_state" in item)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("alerts")
    context = {"email": "anna@example.org", "phone": "+4915112345678", "things": f"{THING},yard-2"}
    arguments = [text for key, value in context.items() for text in ("-c", f"{key}={value}")]
    assert main([*arguments, "-o", str(folder / "cdk.out")]) == 0
    clients: list[Client] = []
    with LocalCloud(folder / "cloud", setup_cloud(say=lambda _: None)) as cloud:
        cloud.bootstrap()
        outputs = dict(cloud.deploy(folder / "cdk.out")["SmartcamAlerts"])
        wait_until(lambda: cloud.confirm_subscriptions() == 1)
        yield Site(cloud, outputs, lambda: connected(cloud, clients))
        for client in clients:
            client.disconnect()
            client.loop_stop()


def connected(cloud: LocalCloud, clients: list[Client]) -> Device:
    identity = cloud.provision(THING, policy_name(THING))
    device = Device(Client(CallbackAPIVersion.VERSION2, client_id=THING))
    clients.append(device.client)
    subscribed: Queue[None] = Queue()

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        device.replies.put(Acknowledgement.from_json(bytes(message.payload)))

    device.client.on_message = on_message
    device.client.on_connect = lambda client, *_: client.subscribe(ack_topic(THING), qos=1)
    device.client.on_subscribe = lambda *_: subscribed.put(None)
    device.client.tls_set(str(identity.authority), str(identity.certificate), str(identity.key))
    assert device.client.connect(identity.host, identity.port) is MQTTErrorCode.MQTT_ERR_SUCCESS
    device.client.loop_start()
    subscribed.get(timeout=PATIENCE_S)
    return device


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def fresh() -> Event:
    now = UtcNs(time.time_ns())
    return raised(
        event_id=new_event_id(now, os.urandom(10)), started_at=now, expires_at=UtcNs(now + 3600 * NS_PER_S), age_ms=0
    )


def test_a_burst_is_recorded_and_answered_and_gives_one_alert_per_channel(site: Site) -> None:
    device = site.connect()
    events = [fresh() for _ in range(BURST)]
    for event in events:
        device.send(event)
    replies = {device.reply() for _ in events}
    assert replies == {Acknowledgement(event.event_id, Phase.RAISED, AckStatus.ACCEPTED) for event in events}
    assert site.states() == ["SENT"] + ["SUPPRESSED"] * (BURST - 1)
    wait_until(lambda: bool(site.cloud.emails() and site.cloud.texts()))
    [email], [text] = site.cloud.emails(), site.cloud.texts()
    assert email.event_id == text.event_id
    assert text.body.startswith("Smartcam> gate: Person, ")
    assert email.subject.startswith("gate: Person, ")
    assert email.attributes["alert_number"] in text.body


def test_a_payload_in_anothers_name_is_refused_and_kept(site: Site) -> None:
    device = site.connect()
    stolen = raised(thing=ThingName("yard-2"))
    before = site.states()
    device.send(stolen)
    reply = device.reply()
    assert (reply.event_id, reply.status) == (stolen.event_id, AckStatus.REFUSED)
    assert reply.reason == "thing: must be yard-1, as in the topic"
    queue = site.outputs["FailureQueueUrl"]
    [kept] = site.cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert '"condition": "Refused"' in kept["Body"]
    assert site.states() == before


def test_a_device_cannot_speak_on_anothers_topic(site: Site) -> None:
    device = site.connect()
    before = site.states()
    device.send(raised(thing=ThingName("yard-2")), thing=ThingName("yard-2"))
    with pytest.raises(Empty):
        device.replies.get(timeout=2)
    assert site.states() == before


def test_nothing_was_left_undelivered(site: Site) -> None:
    queue = site.outputs["ErrorQueueUrl"]
    assert "Messages" not in site.cloud.client("sqs").receive_message(QueueUrl=queue)
