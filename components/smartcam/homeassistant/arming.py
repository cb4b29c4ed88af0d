"""Arming by command: whoever may write to the broker may send one, so they are bounded, and the newest holds."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from smartcam.contract.errors import BusError, ContractError
from smartcam.contract.ids import CameraId
from smartcam.contract.topics import settings_topic
from smartcam.contract.wish import LocalArming, WishAnswer, decode_wish_message, encode_wish_message
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.clock import Clock
from smartcam.edge.logs import log
from smartcam.edge.wish_desk import WishPace
from smartcam.homeassistant.discovery import OFF, ON

logger = logging.getLogger(__name__)

_PACE: Final = (5, 0.5)
"""How many wishes at once, and a second: half of what inference hears, which is the console's too."""
_MOST_ASKED: Final = 64
_LOG_EVERY: Final = 100
_WORDS: Final[Mapping[bytes, bool]] = {ON: True, OFF: False}


class ArmingCommands:
    """Hears in the broker's and the bus's threads, wishes in the service's."""

    def __init__(self, bus: LocalBus, clock: Clock, new_id: Callable[[], str]) -> None:
        self.ignored = 0
        """Commands that cannot be understood."""
        self._bus = bus
        self._new_id = new_id
        self._lock = threading.Lock()
        self._places: Mapping[str, CameraId | None] = {}
        self._waiting: dict[CameraId | None, bool] = {}
        self._asked: deque[str] = deque(maxlen=_MOST_ASKED)
        self._pace = WishPace(*_PACE, clock)

    def listen(self, places: Mapping[str, CameraId | None]) -> None:
        """Take commands on these topics from now on, and none on others."""
        self._places = places

    def forget(self) -> None:
        """What has not been wished is not wished any more."""
        with self._lock:
            self._waiting.clear()

    def hear(self, topic: str, payload: bytes) -> None:
        """A command of the broker's."""
        places, armed = self._places, _WORDS.get(payload)
        with self._lock:
            if armed is not None and topic in places:
                place = places[topic]
                self._waiting.pop(place, None)  # it goes to the end: of device and camera the later one holds
                self._waiting[place] = armed
                return
            self.ignored += 1
            count = self.ignored
        level = logging.WARNING if count % _LOG_EVERY == 1 else logging.DEBUG
        log(logger, level, "command_ignored", topic=topic, bytes=len(payload), count=count, understood="ON, OFF")

    def hear_answer(self, topic: str, payload: bytes) -> None:
        """What inference has made of a wish. What holds is heard with its health."""
        try:
            message = decode_wish_message(payload)
        except ContractError:
            return
        is_ours = isinstance(message, WishAnswer) and message.id in tuple(self._asked)
        if not is_ours or not isinstance(message, WishAnswer) or topic != settings_topic(message.camera_id):
            return
        words = "; ".join(f"{each.key}: {each.words}" for each in message.errors)
        level = logging.INFO if message.applied else logging.WARNING
        log(logger, level, "command_answered", camera=message.camera_id, applied=message.applied, error=words or None)

    def step(self) -> None:
        """Wish what is due."""
        while True:
            with self._lock:
                if not self._waiting or not self._pace.takes():
                    return
                place = next(iter(self._waiting))
                armed = self._waiting.pop(place)
            self._wish(place, armed=armed)

    def _wish(self, place: CameraId | None, *, armed: bool) -> None:
        wish = LocalArming(self._new_id(), place, armed)
        self._asked.append(wish.id)
        try:
            self._bus.publish_local(settings_topic(place), encode_wish_message(wish))
        except BusError as error:  # Home Assistant goes on showing what holds
            log(logger, logging.WARNING, "command_lost", camera=place, armed=armed, error=error)
