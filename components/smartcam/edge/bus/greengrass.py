"""The bus on a Greengrass nucleus: the only module that uses the Greengrass client.

A supervisor thread owns the connection: it connects, notices a loss, reconnects with back-off and reopens every
subscription. Publishing never waits for it. Callbacks run one by one in a second thread. Both are loops that the
watchdog looks at while they do something.
"""

import gc
import logging
import os
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from awscrt.exceptions import AwsCrtError
from awscrt.io import ClientBootstrap, DefaultHostResolver, EventLoopGroup, SocketDomain, SocketOptions
from awsiot.eventstreamrpc import AccessDeniedError, Connection, MessageAmendment
from awsiot.greengrasscoreipc.client import GreengrassCoreIPCClient
from awsiot.greengrasscoreipc.clientv2 import GreengrassCoreIPCClientV2
from awsiot.greengrasscoreipc.model import (
    QOS,
    BinaryMessage,
    ConflictError,
    GetConfigurationRequest,
    GreengrassCoreIPCError,
    PublishMessage,
    PublishToIoTCoreRequest,
    PublishToTopicRequest,
    ReceiveMode,
    ReportedLifecycleState,
    ResourceNotFoundError,
    ServiceError,
    UpdateStateRequest,
)

from smartcam.contract.errors import BusRefused, BusUnavailable, MessageTooLarge
from smartcam.contract.times import NS_PER_S
from smartcam.edge.bus.messages import cloud_message, local_message
from smartcam.edge.bus.port import LARGEST_PAYLOAD, OnMessage, Subscription, fits
from smartcam.edge.bus.streams import NEVER_S, Patience, Stream, StreamContext
from smartcam.edge.clock import Clock, SystemClock
from smartcam.edge.logs import log, log_exception
from smartcam.edge.loops import Pulse, RunningLoops, WatchedThread

logger = logging.getLogger(__name__)

USUAL_PATIENCE = Patience()
_LONGEST_TOPIC = 256
SOCKET_VARIABLE = "AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT"
_TOKEN_VARIABLE = "SVCUID"  # noqa: S105  the variable's name


class GreengrassBus:
    """A component's bus on its nucleus. Implements `smartcam.edge.bus.port.Bus`."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        patience: Patience = USUAL_PATIENCE,
        clock: Clock | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Wait for the first attempt to connect, at most `request_s`; later ones are made in the background.

        Raises:
            BusRefused: the environment is not that of a component on a nucleus.
        """
        self._socket = _required(environment, SOCKET_VARIABLE)
        self._token = _required(environment, _TOKEN_VARIABLE)
        self._patience = patience
        self._clock = clock or SystemClock()
        self._backoff = patience.backoff(jitter)
        self._lock = threading.Lock()
        self._streams: list[Stream] = []
        self._client: Any = None
        self._connection: Any = None
        self._connected_at = 0.0
        self._retry_at = 0.0
        self._outage = ""
        self._refused_at: float | None = None
        self._closing = False
        self._wake = threading.Event()
        self._tried = threading.Event()
        self._loops = EventLoopGroup(num_threads=1)
        self._bootstrap = ClientBootstrap(self._loops, DefaultHostResolver(self._loops))
        self.loops = RunningLoops()
        """Of its threads, those that do something just now."""
        self._callbacks = WatchedThread("bus-callbacks", self.loops)
        self._context = StreamContext(self._callbacks, patience, jitter, self._now, self._wake.set)
        self._supervisor = threading.Thread(target=self._supervise, name="bus-supervisor")
        self._supervisor.start()
        self._tried.wait(patience.request_s)

    def publish_local(self, topic: str, payload: bytes) -> None:
        """See `Bus`."""
        client = self._ready_to_publish(topic, payload)
        message = PublishMessage(binary_message=BinaryMessage(message=payload))
        request = PublishToTopicRequest(topic=topic, publish_message=message)
        self._ask(client.client.new_publish_to_topic(), request, f"publish {topic}")

    def publish_cloud(self, topic: str, payload: bytes) -> None:
        """See `Bus`."""
        client = self._ready_to_publish(topic, payload)
        request = PublishToIoTCoreRequest(topic_name=topic, qos=QOS.AT_LEAST_ONCE, payload=payload)
        self._ask(client.client.new_publish_to_iot_core(), request, f"publish {topic} to IoT Core")

    def subscribe_local(self, topic: str, on_message: OnMessage) -> Subscription:
        """See `Bus`."""
        # Classic leaves out a component's own messages from wildcard subscriptions unless asked not to; lite never.
        arguments = {"topic": topic, "receive_mode": ReceiveMode.RECEIVE_ALL_MESSAGES}

        def heard(event: Any) -> None:  # noqa: ANN401  untyped client
            on_message(*local_message(event, topic))

        return self._subscribe(f"subscribe {topic}", "subscribe_to_topic_async", arguments, heard)

    def subscribe_cloud(self, topic: str, on_message: OnMessage) -> Subscription:
        """See `Bus`."""
        arguments = {"topic_name": topic, "qos": QOS.AT_LEAST_ONCE}

        def heard(event: Any) -> None:  # noqa: ANN401  untyped client
            on_message(*cloud_message(event))

        return self._subscribe(f"subscribe {topic} of IoT Core", "subscribe_to_iot_core_async", arguments, heard)

    def configuration(self) -> Mapping[str, object]:
        """See `Bus`."""
        client = self._ready()
        try:
            request = GetConfigurationRequest(key_path=[])
            answer = self._ask(client.client.new_get_configuration(), request, "read the configuration")
        except _NotThere:
            return {}
        return answer.value or {}

    def on_configuration_change(self, on_change: Callable[[], None]) -> Subscription:
        """See `Bus`."""
        method = "subscribe_to_configuration_update_async"
        return self._subscribe(
            "watch the configuration", method, {"key_path": []}, lambda _: on_change(), in_bursts=True
        )

    def report_errored(self) -> None:
        """Tell the nucleus that this component has failed: classic starts it again, lite only takes note.

        Raises:
            BusUnavailable: the nucleus is away.
        """
        request = UpdateStateRequest(state=ReportedLifecycleState.ERRORED)
        self._ask(self._ready().client.new_update_state(), request, "report a failure")

    def is_connected(self) -> bool:
        """See `Bus`."""
        return self._client is not None

    def refused_s(self) -> float:
        """For how long every attempt to connect was refused the token; 0 if the last one was not."""
        refused_at = self._refused_at
        return 0.0 if refused_at is None else max(self._now() - refused_at, 1e-9)

    def close(self) -> None:
        """See `Bus`."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._wake.set()
        for stream in list(self._streams):
            stream.close()
        self._close_connection()  # which also ends an attempt to connect
        self._supervisor.join()
        self._close_connection()
        self._callbacks.shutdown(wait=True, cancel_futures=True)
        ended = self._loops.shutdown_event
        self._streams.clear()
        self._client = self._connection = self._bootstrap = self._loops = None
        # The client's network thread ends with the last object that needs it, and its handlers form reference cycles.
        gc.collect()
        ended.wait(1.0)

    def _subscribe(
        self,
        what: str,
        method: str,
        arguments: Mapping[str, object],
        on_event: Callable[[Any], None],
        *,
        in_bursts: bool = False,
    ) -> Subscription:
        def start(client: Any, **handlers: object) -> Any:  # noqa: ANN401  untyped client
            return getattr(client, method)(**arguments, **handlers)

        stream = Stream(what, start, on_event, self._context, in_bursts=in_bursts)
        with self._lock:
            if self._closing:
                raise BusUnavailable("the bus is closed")
            self._streams = [item for item in self._streams if not item.is_closed] + [stream]
            client = self._client
        if client is not None:
            self._open(stream, client)
        # If that failed the supervisor tries again, and it must not sleep past the next attempt.
        self._wake.set()
        return stream

    def _supervise(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                with self.loops.having(Pulse("bus-supervisor")):
                    wait_s = self._tend()
            except Exception as error:  # noqa: BLE001  the edge of the loop
                log_exception(logger, "bus_supervisor_failed", error)
                wait_s = self._patience.longest_retry_s
            self._tried.set()
            if not self._closing:
                self._wake.wait(wait_s)

    def _tend(self) -> float:
        """Do what is due; returns the seconds until there is more to do."""
        if self._client is None:
            if self._now() < self._retry_at:
                return self._retry_at - self._now()
            if not self._connect():
                return self._retry_at - self._now()
        client = self._client
        waits = [NEVER_S]
        for stream in list(self._streams):
            if client is not None and self._open(stream, client):
                stream.note_missed()
            waits.append(stream.report_or_wait())
        return min(waits)

    def _open(self, stream: Stream, client: Any) -> bool:  # noqa: ANN401  untyped client
        return stream.open(client, lambda ask: self._answer(ask, stream.what))

    def _connect(self) -> bool:
        connection = self._connection = self._new_connection()
        lifecycle = _Lifecycle(lambda reason: self._lost(connection, reason))
        try:
            connection.connect(lifecycle).result(self._patience.request_s)
        except Exception as error:  # noqa: BLE001  the client raises what it likes here, and the answer is to try again
            connection.close()
            self._retry_at = self._now() + self._backoff.next()
            is_refused = _is_refusal(error)
            self._refused_at = (self._refused_at or self._now()) if is_refused else None
            outage = "nucleus_refuses_token" if is_refused else "nucleus_unreachable"
            # One line per outage: further attempts say nothing new.
            level = logging.DEBUG if self._outage == outage or self._closing else logging.WARNING
            log(logger, level, outage, socket=self._socket, error=_text(error))
            self._outage = outage
            return False
        self._outage, self._refused_at = "", None
        self._connected_at = self._now()
        for stream in list(self._streams):
            stream.forget_failures()
        with self._lock:
            if lifecycle.is_lost:
                return False
            self._client = GreengrassCoreIPCClientV2(GreengrassCoreIPCClient(connection), self._callbacks)
        log(logger, logging.INFO, "nucleus_connected", socket=self._socket)
        return True

    def _new_connection(self) -> Any:  # noqa: ANN401  untyped client
        options = SocketOptions()
        options.domain = SocketDomain.Local
        return Connection(
            host_name=self._socket,
            port=0,
            bootstrap=self._bootstrap,
            socket_options=options,
            connect_message_amender=MessageAmendment.create_static_authtoken_amender(self._token),
        )

    def _lost(self, connection: object, reason: object) -> None:
        with self._lock:
            if connection is not self._connection:
                return
            self._client = None
        if not self._closing:
            log(logger, logging.WARNING, "nucleus_lost", reason=_text(reason))
        if self._now() - self._connected_at > self._patience.longest_retry_s:
            self._backoff.reset()
        self._retry_at = self._now() + self._backoff.next()
        self._wake.set()

    def _close_connection(self) -> None:
        if self._connection is not None:
            try:
                self._connection.close().result(self._patience.request_s)
            except Exception as error:  # noqa: BLE001  it is closed either way; the future carries why
                log(logger, logging.DEBUG, "connection_closed", reason=_text(error))

    def _ready(self) -> Any:  # noqa: ANN401  untyped client
        client = self._client
        if client is None or self._closing:
            raise BusUnavailable("the bus is closed" if self._closing else "not connected to the nucleus")
        return client

    def _ready_to_publish(self, topic: str, payload: bytes) -> Any:  # noqa: ANN401  untyped client
        if not fits(payload):
            raise MessageTooLarge(f"{len(payload)} bytes for {topic}: at most {LARGEST_PAYLOAD}")
        # Lite answers a malformed topic with the error of a failing nucleus.
        if not 1 <= len(topic) <= _LONGEST_TOPIC or any(sign in topic for sign in "+#?\0"):
            raise BusRefused(f"{topic!r} is not a topic to publish to")
        return self._ready()

    def _ask(self, operation: Any, request: object, what: str) -> Any:  # noqa: ANN401  untyped client
        """The answer to a call that opens no stream of events."""

        def ask() -> Future[object]:
            written, answer = operation.activate(request), operation.get_response()
            written.add_done_callback(lambda _: _hand_on(written.exception(), answer))
            return answer  # type: ignore[no-any-return]

        try:
            return self._answer(ask, what)
        finally:
            # Lite leaves the stream open after its answer, and the client keeps an open stream: 5 kB for each call.
            operation.close()

    def _answer(self, ask: Callable[[], Future[object]], what: str) -> object:
        try:
            return ask().result(self._patience.request_s)
        except ResourceNotFoundError as error:
            raise _NotThere(f"{what}: {_text(error)}") from error
        except (ServiceError, ConflictError) as error:
            raise BusUnavailable(f"{what}: {_text(error)}") from error
        except GreengrassCoreIPCError as error:
            raise BusRefused(f"{what}: {_text(error)}") from error
        except TimeoutError as error:
            raise BusUnavailable(f"{what}: no answer within {self._patience.request_s:g} s") from error
        except (AwsCrtError, RuntimeError) as error:  # the client's own errors are RuntimeErrors
            raise BusUnavailable(f"{what}: {_text(error)}") from error

    def _now(self) -> float:
        return self._clock.monotonic() / NS_PER_S


def _is_refusal(error: Exception) -> bool:
    """Whether somebody listens and refuses the token: classic says so, lite closes the connection."""
    return isinstance(error, AccessDeniedError) or getattr(error, "name", "") == "AWS_IO_SOCKET_CLOSED"


def _hand_on(error: BaseException | None, answer: Future[object]) -> None:
    """A request that could not be sent gets its error as the answer."""
    if error is not None and not answer.done():
        answer.set_exception(error)


class _NotThere(BusRefused):
    """The nucleus has nothing by that name."""


class _Lifecycle:
    """The client's callbacks about a connection, in its network thread."""

    def __init__(self, on_lost: Callable[[object], None]) -> None:
        self.is_lost = False
        self._on_lost = on_lost

    def on_connect(self) -> None:
        """The supervisor waits for the answer itself."""

    def on_disconnect(self, reason: object) -> None:
        self.is_lost = True
        self._on_lost(reason)

    def on_error(self, _error: object) -> bool:
        return True

    def on_ping(self, _headers: object, _payload: object) -> None:
        """Nothing to do."""


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise BusRefused(f"{name} is not set: the component must be started by a Greengrass nucleus")
    return value


def _text(error: object) -> str:
    # Lite sends errors without a message.
    if error is None:
        return "closed"
    message = getattr(error, "message", None) or str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
