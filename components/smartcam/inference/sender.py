"""The sender: from the outbox to the cloud, until the cloud acknowledges."""

import logging
from collections.abc import Callable
from typing import Final

from smartcam.contract.ack import Acknowledgement
from smartcam.contract.errors import BusError, BusUnavailable, ContractError, OutboxError
from smartcam.contract.ids import ThingName
from smartcam.contract.topics import ack_topic, event_topic
from smartcam.contract.wanted import is_wanted
from smartcam.edge.backoff import Backoff
from smartcam.edge.bus.port import CloudBus, OnMessage
from smartcam.edge.lifecycle import Bell, StopToken
from smartcam.edge.logs import log
from smartcam.edge.outbox.outbox import DueEvent, Outbox, Urgency
from smartcam.edge.outbox.window import Reply, SendingWindow

logger = logging.getLogger(__name__)

_LONGEST_REST_S: Final = 30.0
_LOOK_AGAIN_S: Final = 5.0
"""While something is due that has no place: what was fresh may be due again earlier than a place is free."""


class Sender:
    """Publishes what is due with QoS 1 and receives what the cloud answers. `wake` may be called from any thread.

    No more is on its way at once than the window lets through, which sees to it that a fresh alarm goes at once.
    `on_wanted` takes what is no acknowledgement, but what the cloud wants of the device.
    """

    def __init__(
        self,
        bus: CloudBus,
        outbox: Outbox,
        thing: ThingName,
        random: Callable[[], float],
        on_wanted: OnMessage,
    ) -> None:
        self._bus = bus
        self._outbox = outbox
        self._thing = thing
        self._on_wanted = on_wanted
        self._bell = Bell()
        self._backoff = Backoff(1.0, 30.0, random)
        self._away_backoff = Backoff(1.0, 30.0, random)
        self._window = SendingWindow(outbox.clock, random)
        self._is_down = False
        self._stop = StopToken()

    def wake(self) -> None:
        """Something new is in the outbox."""
        self._bell.set()

    def run(self, stop: StopToken) -> None:
        """Send until `stop` is set."""
        self._stop = stop
        subscription = self._bus.subscribe_cloud(ack_topic(self._thing), self._on_answer)
        try:
            while not stop.is_set():
                self._bell.clear()
                self._bell.rest(stop, self._try())
        finally:
            subscription.close()

    def _try(self) -> float:
        """Send what is due; the seconds until there is something to do again."""
        try:
            wait_s = self.send_due()
        except OutboxError as error:
            wait_s = self._backoff.next()
            log(logger, logging.ERROR, "outbox_unusable", error=error, again_s=wait_s)
            return wait_s
        self._backoff.reset()
        return wait_s

    def send_due(self) -> float:
        """Publish everything that is due and has a place; the seconds until there is something to do again.

        Raises:
            OutboxError: the disk cannot be read or written.
        """
        has_all_gone = True
        for urgency in Urgency:
            if self._send(urgency):
                continue
            if self._is_down:
                return self._away_backoff.next()
            has_all_gone = False
        return self._next_s() if has_all_gone else min(self._window.free_in_s(), _LOOK_AGAIN_S)

    def _send(self, urgency: Urgency) -> bool:
        """Whether all that is due was published; False where there is no place for more, no way, or a stop."""
        while due := self._outbox.due(max(1, self._window.free(urgency)), urgency):
            for item in due:
                if self._stop.is_set() or not self._window.admits(item) or not self._publish(item):
                    return False
        return True

    def _next_s(self) -> float:
        wait_s = self._outbox.next_due_s()
        return _LONGEST_REST_S if wait_s is None else min(wait_s, _LONGEST_REST_S)

    def _publish(self, due: DueEvent) -> bool:
        """False if the cloud cannot be reached, so that the rest need not be tried."""
        event = due.event
        # Before it is published: its acknowledgement may come before the bus says that it has gone.
        held_s = self._window.sent(due)
        try:
            self._bus.publish_cloud(event_topic(self._thing, event.camera_id), due.payload)
        except BusUnavailable as error:
            self._window.reopen()
            self._outbox.attempted(due, reached=False)
            if not self._is_down:
                self._is_down = True
                log(logger, logging.WARNING, "cloud_unreachable", error=error)
            return False
        except BusError as error:
            # It keeps its place: ten thousand of them must not be tried in one go.
            self._outbox.attempted(due, held_s=held_s)
            log(logger, logging.ERROR, "event_not_published", event_id=event.event_id, error=error)
            return True
        if self._is_down:
            self._is_down = False
            log(logger, logging.INFO, "cloud_reachable")
            self._away_backoff.reset()
            self._outbox.retry_now()
        self._outbox.attempted(due, held_s=held_s)
        log(
            logger,
            logging.DEBUG,
            "event_published",
            event_id=event.event_id,
            camera=event.camera_id,
            kind=event.kind,
            phase=event.phase,
            attempt=due.attempts + 1,
        )
        return True

    def _on_answer(self, topic: str, payload: bytes) -> None:
        handle = self._on_wanted if is_wanted(payload) else self._on_acknowledgement
        handle(topic, payload)

    def _on_acknowledgement(self, topic: str, payload: bytes) -> None:
        try:
            acknowledgement = Acknowledgement.from_json(payload)
            known = self._outbox.acknowledge(acknowledgement)
            reply = self._window.answered(acknowledgement.event_id, acknowledgement.phase, waited=known)
            if reply is Reply.AFTER_SILENCE:
                self._outbox.retry_now()
            if reply is not Reply.TO_NOTHING:
                self.wake()
        except ContractError as error:
            log(logger, logging.WARNING, "acknowledgement_unreadable", topic=topic, error=error)
            return
        except OutboxError as error:
            # The row stays and is sent again; the cloud knows the event by its id and acknowledges it again.
            log(logger, logging.ERROR, "acknowledgement_not_stored", error=error)
            return
        # The outbox itself reports what is refused.
        log(
            logger,
            logging.DEBUG,
            "event_acknowledged",
            event_id=acknowledgement.event_id,
            phase=acknowledgement.phase,
            status=acknowledgement.status,
            known=known,
        )
