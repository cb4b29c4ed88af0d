"""What the conformance tests run against: the stand-in, or a real nucleus lite.

A real one is named by its folder in SMARTCAM_REAL_NUCLEUS; it must run the component whose recipe
`recipe` returns, which hands its token over in a file. tests/real deploys it and runs these tests:
docs/release.md says how. The device must be connected to IoT Core, and its IoT policy must allow to
publish, subscribe and receive `conformance/cloud/*`.

What needs a hand on the nucleus itself (its connection to the cloud, its restart, other
components' tokens) is skipped there.
"""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from awsiot.eventstreamrpc import LifecycleHandler
from awsiot.greengrasscoreipc import connect
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import BinaryMessage, JsonMessage, PublishMessage

from standins.nucleus.authority import MQTT_PROXY, PUBSUB
from standins.nucleus.testbed import RunningNucleus, running_nucleus

REAL: Final = "SMARTCAM_REAL_NUCLEUS"
"""Names the folder of a real nucleus lite."""
COMPONENT: Final = "smartcam.Conformance"
ACCESS_CONTROL: Final[Mapping[str, object]] = {
    PUBSUB: {
        "conformance:pubsub:1": {
            "operations": ["aws.greengrass#PublishToTopic", "aws.greengrass#SubscribeToTopic"],
            "resources": ["conformance/local/*"],
        }
    },
    MQTT_PROXY: {
        "conformance:mqttproxy:1": {
            "operations": ["aws.greengrass#PublishToIoTCore", "aws.greengrass#SubscribeToIoTCore"],
            "resources": ["conformance/cloud/+"],
        }
    },
}
CONFIGURATION: Final[Mapping[str, object]] = {
    "number": "5",
    "nested": {"leaf": "text", "other": "true"},
    "empty": {},
}
PATIENCE_S: Final = 60.0
"""How long an answer is waited for: a busy machine is slow."""


@dataclass(frozen=True, slots=True)
class Target:
    """A component of a nucleus; `nucleus` is None for a real one."""

    socket_path: str
    token: str
    nucleus: RunningNucleus | None


def token_file(root: Path) -> Path:
    """Where the component below a nucleus's folder leaves its socket's path and its token."""
    return root / "work" / COMPONENT / "token"


def recipe(version: str) -> str:
    """The recipe of the component that the tests speak for. JSON is YAML."""
    script = (
        'umask 077\nprintf "%s\\n" "$AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT" "$SVCUID" > token.new\n'
        "mv token.new token\nexec sleep infinity\n"
    )
    configuration = {**CONFIGURATION, "accessControl": ACCESS_CONTROL}
    document = {
        "RecipeFormatVersion": "2020-01-25",
        "ComponentName": COMPONENT,
        "ComponentVersion": version,
        "ComponentDescription": "Lends its token to the conformance tests.",
        "ComponentPublisher": "Smartcam",
        "ComponentConfiguration": {"DefaultConfiguration": configuration},
        "Manifests": [
            {
                "Platform": {"os": "linux", "runtime": "*"},
                "Lifecycle": {"run": {"Script": script}},
                "Artifacts": [],
            }
        ],
    }
    return json.dumps(document, indent=1)


@contextmanager
def open_target() -> Iterator[Target]:
    """The target that the environment asks for."""
    if root := os.environ.get(REAL):
        socket_path, token = token_file(Path(root)).read_text(encoding="utf-8").split()
        yield Target(socket_path, token, None)
        return
    with running_nucleus() as nucleus:
        environment = nucleus.add_component(COMPONENT, ACCESS_CONTROL, CONFIGURATION)
        yield Target(str(nucleus.socket_path), environment["SVCUID"], nucleus)


class Line(LifecycleHandler):  # type: ignore[misc]  # the SDK publishes no types
    """One connection of the SDK's own client, closed at the end of its block."""

    def __init__(self, target: Target, token: str | None = None) -> None:
        self.gone = threading.Event()
        inner = connect(ipc_socket=target.socket_path, authtoken=token or target.token, lifecycle_handler=self)
        self.ipc = GreengrassCoreIPCClientV2(inner, executor=ThreadPoolExecutor(1))

    def on_disconnect(self, reason: Exception | None) -> None:
        """Called by the client."""
        del reason
        self.gone.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ipc.close().exception(PATIENCE_S)

    def publish(self, topic: str, payload: bytes) -> None:
        """Publish bytes on a local topic."""
        self.ipc.publish_to_topic(
            topic=topic, publish_message=PublishMessage(binary_message=BinaryMessage(message=payload))
        )

    def publish_json(self, topic: str, document: Mapping[str, object]) -> None:
        """Publish JSON on a local topic."""
        self.ipc.publish_to_topic(
            topic=topic, publish_message=PublishMessage(json_message=JsonMessage(message=document))
        )

    def subscribe(self, topic: str) -> "Heard":
        """Subscribe to a local topic."""
        heard = Heard()
        _, heard.operation = self.ipc.subscribe_to_topic(topic=topic, **heard.callbacks())
        return heard

    def subscribe_cloud(self, topic: str) -> "Heard":
        """Subscribe to a topic of IoT Core."""
        heard = Heard()
        _, heard.operation = self.ipc.subscribe_to_iot_core(topic_name=topic, qos="1", **heard.callbacks())
        return heard

    def watch(self, **arguments: object) -> "Heard":
        """Subscribe to configuration updates."""
        heard = Heard()
        _, heard.operation = self.ipc.subscribe_to_configuration_update(**arguments, **heard.callbacks())
        return heard


class Heard:
    """What a subscription has brought so far."""

    def __init__(self) -> None:
        self.operation: Any = None
        self.closed = threading.Event()
        self._changed = threading.Condition()
        self._events: list[Any] = []

    def callbacks(self) -> dict[str, Callable[..., object]]:
        """What the client is given."""
        return {
            "on_stream_event": self._take,
            "on_stream_error": lambda _error: True,
            "on_stream_closed": self.closed.set,
        }

    def events(self, count: int) -> list[Any]:
        """The events, once there are `count`. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._events) >= count, PATIENCE_S):
                raise TimeoutError(f"{len(self._events)} of {count} events have come")
            return list(self._events)

    def messages(self, count: int) -> list[tuple[str, bytes]]:
        """Topic and payload of local messages, once there are `count`."""
        return [(event.binary_message.context.topic, event.binary_message.message) for event in self.events(count)]

    def close(self) -> None:
        """End the subscription."""
        self.operation.close().result(PATIENCE_S)

    def _take(self, event: object) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether a condition holds in time."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False
