"""What the broker keeps of ours: told again where it differs, and taken away where there is no more need of it."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Final

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields, parse_object
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.homeassistant.broker import LARGE_BYTES, BrokerAway

logger = logging.getLogger(__name__)

FILE: Final = "kept-by-the-broker"
_MOST: Final = 4096
"""Topics: those of 64 cameras, several times over."""
_LONGEST: Final = 1024
_MOST_FAILURES: Final = 2
_KEY: Final = "topics"
_GONE: Final = b""
"""What removes that which a broker keeps."""


class KeptByBroker:
    """Remembers the topics across restarts: a camera that has gone meanwhile would stay there for ever."""

    def __init__(self, memory: MemoryFile) -> None:
        self._memory = memory
        self._topics = _topics_in(memory.load())
        self._sent: dict[str, bytes] = {}
        self._failed: dict[str, tuple[bytes, int]] = {}
        """Large payloads during which connections have ended, and how many."""

    def begin_anew(self) -> None:
        """There is another connection: its broker may have forgotten everything."""
        self._sent.clear()

    def tell(self, told: Mapping[str, bytes], publish: Callable[[str, bytes], None], *, all_of_it: bool) -> None:
        """Publish what differs, in its order; where `told` is all that is to be there, what else is there goes first.

        Raises what `publish` raises; the rest is told the next time.
        """
        gone = sorted(self._topics - told.keys()) if all_of_it else []
        if not told.keys() <= self._topics:
            self._remember(self._topics | told.keys())
        for topic in gone:
            publish(topic, _GONE)
            self._sent.pop(topic, None)
        if gone:
            self._remember(self._topics.difference(gone))
        for topic, payload in told.items():
            if self._sent.get(topic) != payload:
                self._publish(topic, payload, publish)
                self._sent[topic] = payload

    def _publish(self, topic: str, payload: bytes, publish: Callable[[str, bytes], None]) -> None:
        """Some brokers hang up on a picture that is too large for them, without a word: it is left out from then on."""
        before, failed = self._failed.get(topic, (b"", 0))
        if before == payload and failed == _MOST_FAILURES:
            log(logger, logging.WARNING, "left_out_for_broker", topic=topic, bytes=len(payload))
            return
        try:
            publish(topic, payload)
        except BrokerAway:
            if len(payload) > LARGE_BYTES:
                self._failed[topic] = payload, (failed if before == payload else 0) + 1
            raise
        self._failed.pop(topic, None)

    def _remember(self, topics: set[str]) -> None:
        self._topics = topics
        try:
            self._memory.store(json.dumps({_KEY: sorted(topics)}).encode())
        except OSError as error:
            log(logger, logging.WARNING, "topics_not_kept", error=error)


def _topics_in(content: bytes) -> set[str]:
    if not content:
        return set()
    try:
        return set(Fields(parse_object(content, FILE)).words(_KEY, _MOST, _LONGEST))
    except ContractError as error:
        log(logger, logging.WARNING, "topics_unreadable", error=error)
        return set()
