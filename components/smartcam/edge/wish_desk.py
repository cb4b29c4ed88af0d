"""Where an owner of settings hears the console's wishes and answers; bounded, because any neighbour may send them."""

import logging
import threading
from collections import deque
from typing import Final

from smartcam.contract.errors import BusError, ContractError
from smartcam.contract.times import NS_PER_S, MonotonicNs
from smartcam.contract.topics import ALL_SETTINGS, settings_topic
from smartcam.contract.wish import (
    FilterAsk,
    LocalArming,
    LocalVerdict,
    SettingsAsk,
    SettingsOwner,
    SettingsWish,
    WishAnswer,
    WishError,
    decode_wish_message,
    encode_wish_message,
)
from smartcam.edge.bus.port import LocalBus, Subscription
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

Wish = SettingsWish | SettingsAsk | FilterAsk | LocalVerdict | LocalArming
CHANGES: Final = (10, 1.0)
"""Settings, arming and the filter: how many at once, and a second. Each may start a camera anew, and is written to the
disk; or it reads much of it."""
OTHERS: Final = (100, 10.0)
"""Asks, trials and verdicts. A page asks about up to 64 cameras when it opens, and tries what is being drawn."""
_ANSWERED: Final = (20, 1.0)
"""Refusals for want of time; what is beyond is not answered."""
MOST_WAITING: Final = 200
"""Wishes, while their owner is busy."""
_LOG_EVERY: Final = 100
_BUSY: Final = WishError("settings", "are being changed too often; try again in a few seconds")


class WishPace:
    """Takes so many at once, and then so many a second."""

    def __init__(self, most: int, a_second: float, clock: Clock) -> None:
        self._most = most
        self._each_ns = round(NS_PER_S / a_second)
        self._clock = clock
        self._free_at = MonotonicNs(0)
        """When all of them are to be had again."""

    def takes(self) -> bool:
        """Whether one more is in time, which counts it."""
        now = self._clock.monotonic()
        free_at = max(self._free_at, now) + self._each_ns
        if free_at - now > self._most * self._each_ns:
            return False
        self._free_at = MonotonicNs(free_at)
        return True


class WishDesk:
    """Hears in the bus's thread, hands over and answers in its owner's."""

    def __init__(self, owner: SettingsOwner, bus: LocalBus, clock: Clock) -> None:
        self.refused = 0
        """Messages that cannot be understood, or come too often."""
        self._owner = owner
        self._bus = bus
        self._lock = threading.Lock()
        self._heard: deque[Wish] = deque()
        self._busy: deque[WishAnswer] = deque(maxlen=_ANSWERED[0])
        self._changes, self._others = WishPace(*CHANGES, clock), WishPace(*OTHERS, clock)
        self._answered = WishPace(*_ANSWERED, clock)
        self._is_failing = False

    def listen(self) -> Subscription:
        """Hear from now on."""
        return self._bus.subscribe_local(ALL_SETTINGS, self._hear)

    def waiting(self) -> list[Wish]:
        """What was heard since this was last asked, in order; what came too often is answered."""
        with self._lock:
            heard, busy = list(self._heard), list(self._busy)
            self._heard.clear()
            self._busy.clear()
        for answer in busy:
            self.answer(answer)
        return heard

    def answer(self, answer: WishAnswer) -> None:
        """Say what became of a wish. An answer that cannot be sent is lost: who waits for it asks again."""
        try:
            self._bus.publish_local(settings_topic(answer.camera_id), encode_wish_message(answer.fitting()))
        except (BusError, ContractError) as error:
            level = logging.DEBUG if self._is_failing else logging.WARNING
            self._is_failing = True
            log(logger, level, "wish_not_answered", camera=answer.camera_id, error=error)
            return
        self._is_failing = False

    def _hear(self, topic: str, payload: bytes) -> None:
        try:
            message = decode_wish_message(payload)
            if topic != settings_topic(message.camera_id):
                raise ContractError("camera_id", f"is not the camera of the topic {topic}")
        except ContractError as error:
            self._refuse(topic, str(error))
            return
        if isinstance(message, WishAnswer) or self._is_of_another(message):
            return
        in_time = (self._changes if _is_change(message) else self._others).takes()
        with self._lock:
            if in_time and len(self._heard) < MOST_WAITING:
                self._heard.append(message)
                return
        self._refuse(topic, _BUSY.words)
        if self._answered.takes():
            late = WishAnswer(message.id, message.camera_id, self._owner, applied=False, errors=(_BUSY,))
            with self._lock:
                self._busy.append(late)

    def _is_of_another(self, message: Wish) -> bool:
        if isinstance(message, SettingsWish):
            return message.owner is not self._owner
        return not isinstance(message, SettingsAsk) and self._owner is not SettingsOwner.INFERENCE

    def _refuse(self, topic: str, reason: str) -> None:
        self.refused += 1
        if self.refused % _LOG_EVERY == 1:
            log(logger, logging.WARNING, "wish_refused", topic=topic, error=reason, refused=self.refused)


def _is_change(message: Wish) -> bool:
    return isinstance(message, FilterAsk | LocalArming) or (isinstance(message, SettingsWish) and not message.trial)
