"""The nucleus: does it let this component publish and subscribe to what the suite needs, and does the cloud answer."""

import logging
import threading
import time
from typing import Final

from smartcam.contract.errors import BusError, BusRefused
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import ack_topic, frames_topic, probe_answers, probe_topic
from smartcam.doctor.finding import Finding, State
from smartcam.edge.bus.port import Bus, CloudBus, LocalBus

PATIENCE_S: Final = 3.0
CLOUD_PATIENCE_S: Final = 15.0
"""A nucleus that was started a moment ago may still be connecting."""
_ASK_EVERY_S: Final = 3.0
DOCTOR: Final = CameraId("_doctor")
STREAMS: Final = "smartcam.edge.bus.streams"
_PROBE: Final = b"{}"
_CLOUD: Final = "cloud"
_REMEDY: Final = "events wait on the device until it is back; the nucleus's log says more"


def check_topics(bus: Bus, thing: ThingName, patience_s: float = PATIENCE_S) -> list[Finding]:
    """Each topic in turn; what is published to the device itself has to come back."""
    return [_check_frames(bus, patience_s), _check_acks(bus, thing, patience_s)]


def _check_frames(bus: LocalBus, patience_s: float) -> Finding:
    name, heard = f"topic {frames_topic(DOCTOR)}", threading.Event()
    subscription = bus.subscribe_local(frames_topic(DOCTOR), lambda _topic, _payload: heard.set())
    try:
        bus.publish_local(frames_topic(DOCTOR), _PROBE)
        is_back = heard.wait(patience_s)
    except BusRefused as error:
        return Finding(name, State.FAULT, f"{error}; deploy with reset of /accessControl")
    except BusError as error:
        return Finding(name, State.FAULT, str(error))
    finally:
        subscription.close()
    if not is_back:
        return Finding(name, State.FAULT, f"published, but not received within {patience_s:g} s; reset /accessControl")
    return Finding(name, State.OK, "published and received")


def _check_acks(bus: CloudBus, thing: ThingName, patience_s: float) -> Finding:
    name, refusals = f"topic {ack_topic(thing)}", _Refusals(ack_topic(thing))
    logger = logging.getLogger(STREAMS)
    logger.addHandler(refusals)
    try:
        subscription = bus.subscribe_cloud(ack_topic(thing), lambda _topic, _payload: None)
        refused = refusals.came.wait(patience_s)
        subscription.close()
    except BusError as error:
        return Finding(name, State.FAULT, str(error))
    finally:
        logger.removeHandler(refusals)
    if refused:
        return Finding(name, State.FAULT, "the nucleus refuses the subscription; deploy with reset of /accessControl")
    # Whether it arrives there is another question: classic accepts a subscription without a connection.
    return Finding(name, State.OK, "the nucleus lets a component hear it")


def check_cloud(bus: CloudBus, thing: ThingName, patience_s: float = CLOUD_PATIENCE_S) -> Finding:
    """Ask IoT Core something through the nucleus: only an answer proves that the device is connected.

    A publish that is accepted proves nothing: classic keeps it in memory, lite has only handed it to the network.
    """
    heard, until, reason = threading.Event(), time.monotonic() + patience_s, ""
    try:
        subscription = bus.subscribe_cloud(probe_answers(thing), lambda _topic, _payload: heard.set())
    except BusError as error:
        return Finding(_CLOUD, State.FAULT, str(error))
    try:
        while (left := until - time.monotonic()) > 0:
            asked = time.perf_counter()
            reason = _ask(bus, thing)
            if heard.wait(min(left, _ASK_EVERY_S)):
                took_ms = (time.perf_counter() - asked) * 1000
                return Finding(
                    _CLOUD, State.OK, f"IoT Core answered in {took_ms:.0f} ms", {"round_trip_ms": round(took_ms, 1)}
                )
    except BusRefused as error:
        return Finding(_CLOUD, State.FAULT, f"{error}; deploy with reset of /accessControl")
    finally:
        subscription.close()
    why = reason or f"the nucleus is offline, or the policy of {thing} lacks its shadow topics"
    return Finding(_CLOUD, State.FAULT, f"no answer from IoT Core in {patience_s:g} s: {why}; {_REMEDY}")


def _ask(bus: CloudBus, thing: ThingName) -> str:
    """Why the question was not sent; empty if it was, or may have been. Raises BusRefused."""
    try:
        bus.publish_cloud(probe_topic(thing), _PROBE)
    except BusRefused:
        raise
    except BusError as error:
        return str(error)
    return ""


class _Refusals(logging.Handler):
    """The bus retries a refused subscription and reports it in the log only."""

    def __init__(self, topic: str) -> None:
        super().__init__(logging.ERROR)
        self.came = threading.Event()
        self._topic = topic

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if said.startswith("subscription_refused") and self._topic in said:
            self.came.set()
