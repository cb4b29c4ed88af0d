"""The nucleus: is it there, and does it let this component publish and subscribe to what the suite needs."""

import logging
import threading
from typing import Final

from smartcam.contract.errors import BusError, BusRefused
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import ack_topic, frames_topic
from smartcam.doctor.finding import Finding, State
from smartcam.edge.bus.port import Bus, CloudBus, LocalBus

PATIENCE_S: Final = 3.0
DOCTOR: Final = CameraId("_doctor")
STREAMS: Final = "smartcam.edge.bus.streams"
_PROBE: Final = b"{}"


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
    return Finding(name, State.OK, f"subscribed, not refused within {patience_s:g} s")


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
