"""Says what people wish to the owners of the settings, and waits for their answers."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final

from smartcam.contract.errors import BusError, ContractError
from smartcam.contract.topics import settings_topic
from smartcam.contract.wish import SettingsOwner, WishAnswer, WishMessage, decode_wish_message, encode_wish_message
from smartcam.edge.bus.port import LocalBus
from smartcam.edge.logs import log

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 5.0
_MOST_WAITING: Final = 32
"""Answers."""


class NoAnswer(Exception):
    """Nobody can be asked; the words say why."""


class Wishing:
    """Asks and waits. Safe to use from any thread."""

    def __init__(self, bus: LocalBus, new_id: Callable[[], str], patience_s: float = PATIENCE_S) -> None:
        self.new_id = new_id
        self._bus = bus
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, SettingsOwner], Future[WishAnswer]] = {}

    def hear(self, topic: str, payload: bytes) -> None:
        """A message on the topic of the settings."""
        try:
            message = decode_wish_message(payload)
        except ContractError:
            return
        if not isinstance(message, WishAnswer) or topic != settings_topic(message.camera_id):
            return
        with self._lock:
            waiting = self._waiting.pop((message.id, message.owner), None)
        if waiting is not None:
            waiting.set_result(message)

    def say(self, message: WishMessage, *owners: SettingsOwner) -> dict[SettingsOwner, WishAnswer]:
        """What these owners answer in time.

        Raises:
            NoAnswer: it cannot be said, or none of them has answered.
            ContractError: it is too large for a message.
        """
        payload = encode_wish_message(message)
        waiting = {(message.id, owner): Future[WishAnswer]() for owner in owners}
        with self._lock:
            if len(self._waiting) >= _MOST_WAITING:
                raise NoAnswer("too much is being asked at once: try again")
            self._waiting |= waiting
        try:
            self._bus.publish_local(settings_topic(message.camera_id), payload)
            answers = [answered.result() for answered in wait(waiting.values(), self._patience_s).done]
        except BusError as error:
            log(logger, logging.WARNING, "wish_not_said", error=error)
            raise NoAnswer("the nucleus is away: try again") from error
        finally:
            with self._lock:
                self._waiting = {key: one for key, one in self._waiting.items() if key not in waiting}
        if not answers:
            names = " and ".join(f"smartcam.{owner.capitalize()}" for owner in owners)
            raise NoAnswer(f"{names} did not answer within {self._patience_s:g} s: is it running, and of this version?")
        return {answer.owner: answer for answer in answers}

    def ask(self, message: WishMessage, owner: SettingsOwner) -> WishAnswer:
        """What this owner answers. Raises what `say` raises."""
        return self.say(message, owner)[owner]
