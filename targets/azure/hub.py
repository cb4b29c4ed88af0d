"""The connection to the edge hub: the only module that uses Azure's client.

A supervisor thread owns it: it makes a client, notices that it is lost, and makes another with back-off. Each
connection has a client of its own: one that reconnects sends again, by itself, what the outbox has given up on.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import Any, Final, TypeVar

from azure.iot.device import IoTHubModuleClient, Message, MethodResponse
from azure.iot.device import exceptions as azure

from smartcam.contract.errors import BusRefused, BusUnavailable
from smartcam.edge.bus.streams import NEVER_S, Patience
from smartcam.edge.logs import log, log_exception
from targets.azure.port import MethodAnswer, Outgoing

logger = logging.getLogger(__name__)

T = TypeVar("T")
USUAL_PATIENCE: Final = Patience(request_s=20.0)
_KEEP_ALIVE_S: Final = 30
_FIRST_ATTEMPT_S: Final = 5.0
_SAY_AGAIN_S: Final = 600.0
_CALLS: Final = 8
"""Calls at once: sends of two components, the twin, answers, and old clients that are being ended."""
DEVICE_VARIABLE: Final = "IOTEDGE_DEVICEID"
_FAULTS: Final = (
    azure.ClientError,
    azure.OperationCancelled,
    azure.OperationTimeout,
    azure.ServiceError,
    CancelledError,
    TimeoutError,
    RuntimeError,
    OSError,
)
"""What the client raises where the hub is away or does not want to, and a pool of threads that ends."""
_VARIABLES: Final = (
    DEVICE_VARIABLE,
    "IOTEDGE_MODULEID",
    "IOTEDGE_IOTHUBHOSTNAME",
    "IOTEDGE_GATEWAYHOSTNAME",
    "IOTEDGE_MODULEGENERATIONID",
    "IOTEDGE_WORKLOADURI",
    "IOTEDGE_APIVERSION",
)


OnTwin = Callable[[Mapping[str, object]], Mapping[str, object]]
"""Takes the desired properties, returns what is to be reported."""
OnMethod = Callable[[str, object], MethodAnswer]


class EdgeHub:
    """The module's connection to its edge hub. All methods may be called from any thread."""

    def __init__(
        self,
        on_twin: OnTwin,
        on_method: OnMethod,
        environment: Mapping[str, str] = os.environ,
        *,
        patience: Patience = USUAL_PATIENCE,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Nothing is connected before `start`. `now` is in seconds, monotonic.

        Raises:
            BusRefused: the environment is not that of a module on IoT Edge.
        """
        if missing := [name for name in _VARIABLES if not environment.get(name)]:
            raise BusRefused(f"{', '.join(missing)} not set: the module must be started by the IoT Edge agent")
        self._on_twin = on_twin
        self._on_method = on_method
        self._patience = patience
        self._now = now
        self._backoff = patience.backoff(jitter)
        self._lock = threading.Lock()
        self._client: Any = None
        self._newest: Any = None
        self._connected_at = 0.0
        self._retry_at = 0.0
        self._twin_at = NEVER_S
        self._outage = ("", 0.0)
        self._closing = False
        self._wake = threading.Event()
        self._tried = threading.Event()
        self._calls = ThreadPoolExecutor(_CALLS, thread_name_prefix="edge-hub-call")
        self._supervisor = threading.Thread(target=self._supervise, name="edge-hub")

    def start(self) -> None:
        """Start connecting, and keep trying; wait for the first attempt, but not for long."""
        self._supervisor.start()
        self._tried.wait(_FIRST_ATTEMPT_S)

    def send(self, message: Outgoing) -> None:
        """Send a message with QoS 1. See `targets.azure.port.Hub`."""
        client = self._client
        if client is None or self._closing:
            raise BusUnavailable("the module is ending" if self._closing else "not connected to the edge hub")
        outgoing = Message(message.payload, message.identity, "utf-8", "application/json")
        outgoing.custom_properties.update(message.properties)
        try:
            self._call(client.send_message_to_output, outgoing, message.output)
        except _FAULTS as error:
            self._drop(client, error)
            raise BusUnavailable(f"send to output {message.output}: {_text(error)}") from error

    def is_connected(self) -> bool:
        """Whether there is a connection to the hub."""
        return self._client is not None

    def close(self) -> None:
        """End the connection and all threads; what waits for the hub then raises BusUnavailable."""
        self._closing = True
        self._wake.set()
        _leave(self._newest)  # for what it does now may wait for an answer
        self._supervisor.join()
        self._calls.shutdown(wait=False, cancel_futures=True)

    def _supervise(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                wait_s = self._tend()
            except _FAULTS as error:
                wait_s = self._failed(error)
            except Exception as error:  # noqa: BLE001  the edge of the loop, and the client raises what it likes
                log_exception(logger, "edge_hub_failed", error)
                wait_s = self._failed(error)
            self._tried.set()
            if not self._closing:
                self._wake.wait(wait_s)
        _leave(self._client)

    def _tend(self) -> float:
        """Do what is due; returns the seconds until there is more to do."""
        client = self._client
        if client is not None and not client.connected:
            self._drop(client, None)
            client = None
        if client is None:
            if self._now() < self._retry_at:
                return self._retry_at - self._now()
            client = self._connect()
        if self._now() >= self._twin_at:
            self._read_twin(client)
        return max(self._twin_at - self._now(), 0.0)

    def _read_twin(self, client: Any) -> None:  # noqa: ANN401  untyped client
        """Take the settings and report. A hub that refuses either must not keep events from going out."""
        self._twin_at = NEVER_S + self._now()
        try:
            report = self._on_twin(self._call(client.get_twin)["desired"])
            self._call(client.patch_twin_reported_properties, dict(report))
        except _FAULTS as error:
            self._twin_at = self._now() + self._patience.refused_s
            log(logger, logging.WARNING, "twin_not_taken", error=_text(error), again_s=self._patience.refused_s)

    def _connect(self) -> Any:  # noqa: ANN401  untyped client
        client = self._call(
            lambda: IoTHubModuleClient.create_from_edge_environment(
                keep_alive=_KEEP_ALIVE_S, auto_connect=False, connection_retry=False
            )
        )
        self._newest = client
        try:
            client.on_connection_state_change = self._wake.set
            self._call(client.connect)
            self._call(_listen, client, self._twin_changed, self._asked)
        except Exception:
            _leave(client)
            raise
        self._outage = ("", 0.0)
        self._connected_at = self._twin_at = self._now()
        with self._lock:
            self._client = client
        log(logger, logging.INFO, "edge_hub_connected")
        return client

    def _twin_changed(self, _patch: object) -> None:
        """Read the twin as a whole, once per burst of changes: then no patch can be missed."""
        self._twin_at = min(self._twin_at, self._now() + self._patience.burst_s)
        self._wake.set()

    def _asked(self, client: Any, request: Any) -> None:  # noqa: ANN401  untyped client
        try:
            answer = self._on_method(request.name, request.payload)
            response = MethodResponse.create_from_method_request(request, answer.status, dict(answer.payload))
            self._call(client.send_method_response, response)
        except Exception as error:  # noqa: BLE001  the edge of the client's handler thread
            log_exception(logger, "method_failed", error, method=request.name)

    def _drop(self, client: Any, error: Exception | None) -> None:  # noqa: ANN401  untyped client
        """Give up a client that has failed, unless another has done so."""
        with self._lock:
            if self._client is not client:
                return
            self._client = None
        if not self._closing:
            log(logger, logging.WARNING, "edge_hub_lost", reason=_text(error))
        if self._now() - self._connected_at > self._patience.longest_retry_s:
            self._backoff.reset()
        self._retry_at = self._now() + self._backoff.next()
        _leave(client)
        self._wake.set()

    def _failed(self, error: Exception) -> float:
        client = self._client
        if client is not None:
            self._drop(client, error)
        else:
            self._retry_at = self._now() + self._backoff.next()
        # What is said again and again, as through a night without network, is said every ten minutes.
        said, at = self._outage
        is_news = said != type(error).__name__ or self._now() - at > _SAY_AGAIN_S
        if is_news:
            self._outage = (type(error).__name__, self._now())
        log(logger, logging.WARNING if is_news else logging.DEBUG, "edge_hub_unreachable", error=_text(error))
        return max(self._retry_at - self._now(), 0.0)

    def _call(self, call: Callable[..., T], *arguments: object) -> T:
        """The result of a call that may never return by itself. Raises TimeoutError."""
        return self._calls.submit(call, *arguments).result(self._patience.request_s)


def _listen(client: Any, twin_changed: Callable[[object], None], asked: Callable[[Any, Any], None]) -> None:  # noqa: ANN401  untyped client
    """Let the client subscribe to what the hub may say; an assignment waits for the hub's answer."""
    client.on_twin_desired_properties_patch_received = twin_changed
    client.on_method_request_received = lambda request: asked(client, request)


def _leave(client: Any) -> None:  # noqa: ANN401  untyped client
    """End a client, which also frees whoever waits for its answer. It may hang; then it is left to itself."""
    if client is not None:
        threading.Thread(target=_shut_down, args=(client,), name="edge-hub-end", daemon=True).start()


def _shut_down(client: Any) -> None:  # noqa: ANN401  untyped client
    try:
        client.shutdown()
    except Exception as error:  # noqa: BLE001  it is gone either way
        log(logger, logging.DEBUG, "edge_hub_client_ended", error=_text(error))


def _text(error: Exception | None) -> str:
    if error is None:
        return "the connection is gone"
    cause = error.__cause__
    return f"{type(error).__name__}: {error}" + (f" ({type(cause).__name__}: {cause})" if cause is not None else "")
