"""A nucleus for tests, without recipes: in a thread of its own, with a cloud in memory.

with running_nucleus() as nucleus:
    environment = nucleus.add_component("test.Publisher", access_control(publish=["a/b"]))
    ...
"""

import asyncio
import contextlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from standins.nucleus.authority import MQTT_PROXY, PUBSUB
from standins.nucleus.cloud import CloudMessage, CloudUnavailable, Deliver, Notice
from standins.nucleus.configuration import ConfigurationStore, Update
from standins.nucleus.core import SOCKET_NAME, NucleusCore, SystemSettings
from standins.nucleus.journal import Journal
from standins.nucleus.operations import ACCESS_CONTROL
from standins.nucleus.profile import LITE, Profile
from standins.nucleus.rpc import PREFIX
from tools.recipes.matching import topic_matches

T = TypeVar("T")
_PATIENCE_S: Final = 60.0


class MemoryCloud:
    """IoT Core in memory: records what is published, delivers what a test injects."""

    configured = True

    def __init__(self) -> None:
        self.on_published: Callable[[CloudMessage], None] = lambda _message: None
        """Called with each message that the broker has taken, in the nucleus's thread."""
        self._changed = threading.Condition()
        self._published: list[CloudMessage] = []
        self._filters: dict[str, int] = {}
        self._connected = True
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deliver: Deliver = lambda _topic, _payload: None
        self._notice: Notice = lambda _connected, _reason: None

    @property
    def published(self) -> tuple[CloudMessage, ...]:
        """Everything that the broker has taken, in order of arrival."""
        with self._changed:
            return tuple(self._published)

    @property
    def filters(self) -> frozenset[str]:
        """What the nucleus is subscribed to."""
        with self._changed:
            return frozenset(self._filters)

    def connect(self) -> None:
        """The connection is up, as it is at the beginning."""
        self._switch(connected=True)

    def disconnect(self) -> None:
        """The connection is down: every publish and subscribe is refused at once."""
        self._switch(connected=False)

    def inject(self, topic: str, payload: bytes) -> None:
        """A message arrives from the cloud; lost without a connection or a matching subscription."""
        with self._changed:
            wanted = self._connected and any(topic_matches(topic, wanted) for wanted in self._filters)
        if wanted:
            self._call_in_loop(lambda: self._deliver(topic, payload))

    def wait_for(self, condition: Callable[[Sequence[CloudMessage]], bool], timeout_s: float = _PATIENCE_S) -> bool:
        """Wait until the published messages meet a condition; False when they do not in time."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(self._published), timeout_s)

    def start(self, deliver: Deliver, notice: Notice) -> None:
        """Called by the nucleus."""
        self._loop = asyncio.get_running_loop()
        self._deliver = deliver
        self._notice = notice
        notice(self._connected, "")

    async def publish(self, message: CloudMessage) -> None:
        """Called by the nucleus."""
        with self._changed:
            self._require_connection()
            self._published.append(message)
            self._changed.notify_all()
        self.on_published(message)

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """Called by the nucleus."""
        with self._changed:
            self._require_connection()
            self._filters[topic_filter] = qos
            self._changed.notify_all()

    async def unsubscribe(self, topic_filter: str) -> None:
        """Called by the nucleus."""
        with self._changed:
            self._filters.pop(topic_filter, None)
            self._changed.notify_all()

    async def stop(self) -> None:
        """Called by the nucleus."""
        self._loop = None

    def _switch(self, *, connected: bool) -> None:
        with self._changed:
            self._connected = connected
        self._call_in_loop(lambda: self._notice(connected, "" if connected else "switched off by the test"))

    def _call_in_loop(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(call)

    def _require_connection(self) -> None:
        if not self._connected:
            raise CloudUnavailable("switched off by the test")


class RunningNucleus:
    """A nucleus that runs in a thread of its own; every method may be called from any other thread."""

    def __init__(self, root: Path, profile: Profile, thing: str) -> None:
        self.cloud = MemoryCloud()
        self.thing = thing
        self.socket_path = root / SOCKET_NAME
        self._journal_path = root / "journal.jsonl"
        self._journal = Journal(self._journal_path)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="nucleus")
        self._thread.start()
        device = SystemSettings(root, thing, self.socket_path)
        self._nucleus = self._call(
            lambda: NucleusCore(device, profile, ConfigurationStore(), self.cloud, self._journal)
        )
        self._run(self._nucleus.start())

    def add_component(
        self,
        name: str,
        access_control: Mapping[str, object] | None = None,
        configuration: Mapping[str, object] | None = None,
    ) -> Mapping[str, str]:
        """Make a component known, and return the environment that it would get.

        `access_control` is the document of the recipe (see `access_control()`), `configuration`
        the rest of its configuration; scalars are delivered with the types that they have here.
        """
        document = dict(configuration or {})
        if access_control:
            document[ACCESS_CONTROL] = access_control
        self._call(lambda: self._nucleus.store.deploy(name, document, Update(), _now_ms()))
        return self.environment(name)

    def environment(self, name: str) -> Mapping[str, str]:
        """The environment variables of a component (SVCUID, the socket's path, the thing, ...)."""
        return self._call(lambda: self._nucleus.environment(name))

    def token(self, name: str) -> str:
        """A component's SVCUID."""
        return self._call(lambda: self._nucleus.register(name))

    def configuration(self, name: str) -> Mapping[str, object]:
        """A component's whole configuration as it is now."""
        return self._call(lambda: self._nucleus.store.document(name))

    def merge_configuration(self, name: str, merge: Mapping[str, object]) -> None:
        """What a deployment with this `merge` does; subscribers get one event per changed leaf."""
        self._call(lambda: self._nucleus.store.deploy(name, {}, Update(merge), _now_ms()))

    def stop_server(self) -> None:
        """The IPC server goes away: the socket vanishes, all connections end; on lite the tokens are forgotten."""
        self._run(self._nucleus.stop_ipc())

    def start_server(self) -> None:
        """The IPC server is back, with the same configuration and no subscriptions."""
        self._run(self._nucleus.start_ipc())

    def hide_server(self) -> None:
        """The IPC server is out of reach and does not die: no token is forgotten."""
        self._run(self._nucleus.server.stop())

    def show_server(self) -> None:
        """The server that was hidden can be reached again."""
        self._run(self._nucleus.start_ipc())

    def drop_connections(self) -> None:
        """Every connection ends; the server goes on listening."""
        self._call(lambda: self._nucleus.server.drop_connections("dropped by the test"))

    def subscriptions(self) -> int:
        """How many subscriptions there are."""
        return self._call(lambda: len(self._nucleus.operations.table))

    def journal(self, event: str | None = None) -> list[Mapping[str, object]]:
        """The journal's entries so far, or those of one event."""
        entries = [json.loads(line) for line in self._journal_path.read_text(encoding="utf-8").splitlines()]
        return [entry for entry in entries if event in {None, entry["event"]}]

    def close(self) -> None:
        """End the nucleus and its thread."""
        try:
            self._run(self._nucleus.stop())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE_S)
            self._loop.close()
            self._journal.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def _call(self, call: Callable[[], T]) -> T:
        async def work() -> T:
            return call()

        return self._run(work())


@contextlib.contextmanager
def running_nucleus(profile: Profile = LITE, thing: str = "test-thing") -> Iterator[RunningNucleus]:
    """A nucleus until the end of the block, in a folder of its own that vanishes with it."""
    # Not in pytest's folder: a socket's path has 107 characters at most.
    root = Path(tempfile.mkdtemp(prefix="nucleus-"))
    try:
        nucleus = RunningNucleus(root, profile, thing)
        try:
            yield nucleus
        finally:
            nucleus.close()
    finally:
        shutil.rmtree(root)


def access_control(
    *,
    publish: Sequence[str] = (),
    subscribe: Sequence[str] = (),
    publish_cloud: Sequence[str] = (),
    subscribe_cloud: Sequence[str] = (),
) -> Mapping[str, object]:
    """An `accessControl` document that allows these resources and nothing else."""
    wanted = (
        (PUBSUB, "PublishToTopic", publish),
        (PUBSUB, "SubscribeToTopic", subscribe),
        (MQTT_PROXY, "PublishToIoTCore", publish_cloud),
        (MQTT_PROXY, "SubscribeToIoTCore", subscribe_cloud),
    )
    document: dict[str, dict[str, object]] = {}
    for service, operation, resources in wanted:
        if resources:
            policy = {"operations": [PREFIX + operation], "resources": list(resources)}
            document.setdefault(service, {})[f"test:{operation}"] = policy
    return document


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
