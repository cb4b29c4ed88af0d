"""The deployed alerting on the local cloud, as devices and people meet it."""

import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from infra.alerts.stack import STACK_NAME
from infra.app import main
from infra.names import policy_name
from smartcam.contract.ack import Acknowledgement
from smartcam.contract.event import Event
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs
from smartcam.contract.topics import ack_topic, event_topic
from standins.cloud.inbox import ReceivedMessage
from standins.cloud.local_cloud import LocalCloud
from tests.infra.sample import raised
from tests.waiting import PATIENCE_S
from tools.setup import setup_cloud

THING = ThingName("yard-1")
CONTEXT = {"email": "anna@example.org", "phone": "+4915112345678", "things": f"{THING},yard-2"}
FAILURES = ("ErrorQueueUrl", "FailureQueueUrl", "UntimelyQueueUrl", "UnreachedQueueUrl")


@dataclass
class Device:
    """A device's connection with its own certificate, and what the cloud answered."""

    client: Client
    thing: ThingName = THING
    replies: Queue[Acknowledgement] = field(default_factory=Queue)

    def send(self, event: Event) -> None:
        self.publish(event.to_json(), event.camera_id)

    def publish(self, payload: bytes, camera: CameraId) -> None:
        self.client.publish(event_topic(self.thing, camera), payload, qos=1)

    def reply(self) -> Acknowledgement:
        return self.replies.get(timeout=PATIENCE_S)

    def accepted(self, number: int, patience_s: float = PATIENCE_S) -> set[str]:
        """The ids of so many events, as soon as they are accepted."""
        ids, deadline = set[str](), time.monotonic() + patience_s
        while len(ids) < number:
            reply = self.replies.get(timeout=max(deadline - time.monotonic(), 0.01))
            assert reply.status == "accepted", reply
            ids.add(reply.event_id)
        return ids


@dataclass
class Site:
    cloud: LocalCloud
    outputs: Mapping[str, str]
    asset: Path
    clients: list[Client] = field(default_factory=list)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's clients have no common type
        return self.cloud.client(service)

    def items(self) -> list[dict[str, Any]]:
        pages = self.client("dynamodb").get_paginator("scan").paginate(TableName=self.outputs["TableName"])
        return [item for page in pages for item in page["Items"]]

    def items_of(self, partition: str, name: str) -> list[dict[str, Any]]:
        """The item of that name, where it is there."""
        answer = self.client("dynamodb").get_item(
            TableName=self.outputs["TableName"], Key={"camera": {"S": partition}, "item": {"S": name}}
        )
        return [answer["Item"]] if "Item" in answer else []

    def item_of(self, event: Event) -> dict[str, Any]:
        key = {"camera": {"S": f"{event.thing}/{event.camera_id}"}, "item": {"S": f"event#{event.event_id}"}}
        answer = self.client("dynamodb").get_item(TableName=self.outputs["TableName"], Key=key)
        item: dict[str, Any] = answer.get("Item", {})
        return item

    def state_of(self, event: Event) -> str | None:
        state: str | None = self.item_of(event).get("alert_state", {}).get("S")
        return state

    def told(self, purpose: str, camera: str = "") -> list[ReceivedMessage]:
        """The e-mails of a purpose, of a camera where one is named."""
        mails = [mail for mail in self.cloud.emails() if mail.attributes.get("purpose") == purpose]
        return [mail for mail in mails if camera in ("", mail.attributes.get("camera_id"))]

    def waiting(self, output: str) -> list[dict[str, Any]]:
        """The messages of a queue, looked at without hiding them."""
        answer = self.client("sqs").receive_message(
            QueueUrl=self.outputs[output], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def configure(self, **variables: str) -> None:
        """Change the function's environment."""
        function = self.outputs["FunctionName"]
        client = self.client("lambda")
        there = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        client.update_function_configuration(FunctionName=function, Environment={"Variables": there | variables})

    def run_by(self, handler: Path) -> None:
        """Run the deployed code by a handler of the tests that lies beside it; the template stays as it is."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path in self.asset.rglob("*"):
                archive.write(path, path.relative_to(self.asset))
            archive.write(handler, handler.name)
        client, function = self.client("lambda"), self.outputs["FunctionName"]
        client.update_function_code(FunctionName=function, ZipFile=packed.getvalue())
        client.update_function_configuration(FunctionName=function, Handler=f"{handler.stem}.handle")

    def connect(self, thing: ThingName = THING) -> Device:
        identity = self.cloud.provision(thing, policy_name(thing))
        device = Device(Client(CallbackAPIVersion.VERSION2, client_id=thing), thing)
        self.clients.append(device.client)
        subscribed: Queue[None] = Queue()

        def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
            device.replies.put(Acknowledgement.from_json(bytes(message.payload)))

        device.client.on_message = on_message
        device.client.on_connect = lambda client, *_: client.subscribe(ack_topic(thing), qos=1)
        device.client.on_subscribe = lambda *_: subscribed.put(None)
        device.client.tls_set(str(identity.authority), str(identity.certificate), str(identity.key))
        assert device.client.connect(identity.host, identity.port) is MQTTErrorCode.MQTT_ERR_SUCCESS
        device.client.loop_start()
        subscribed.get(timeout=PATIENCE_S)
        return device


@contextmanager
def deployed(folder: Path, context: Mapping[str, str]) -> Iterator[Site]:
    """The alerting of a context, deployed by the CDK CLI, with its subscribers' consent."""
    arguments = [text for key, value in (CONTEXT | dict(context)).items() for text in ("-c", f"{key}={value}")]
    assert main([*arguments, "-o", str(folder / "cdk.out")]) == 0
    with LocalCloud(folder / "cloud", setup_cloud(say=lambda _: None)) as cloud:
        cloud.bootstrap()
        outputs = dict(cloud.deploy(folder / "cdk.out", stacks=[STACK_NAME])[STACK_NAME])
        site = Site(cloud, outputs, next((folder / "cdk.out").glob("asset.*/infra")).parent)
        wait_until(lambda: cloud.confirm_subscriptions() >= 1)
        yield site
        for client in site.clients:
            client.disconnect()
            client.loop_stop()


def wait_until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "it has not become true in time"
        time.sleep(0.1)


def fresh(camera: str = "gate", **changes: object) -> Event:
    """An event of now."""
    now = UtcNs(time.time_ns())
    event = raised(
        event_id=new_event_id(now, os.urandom(10)),
        camera_id=CameraId(camera),
        started_at=now,
        expires_at=UtcNs(now + 3600 * NS_PER_S),
        age_ms=0,
    )
    return replace(event, **changes)  # type: ignore[arg-type]  # the tests name the fields


def ids_of(events: Sequence[Event]) -> set[str]:
    return {event.event_id for event in events}
