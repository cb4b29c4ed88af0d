"""A broker in memory, as smartcam.HomeAssistant needs one; `tests/mqtt/test_broker.py` holds it against a real one."""

import threading
import time
from dataclasses import dataclass, field

from smartcam.homeassistant.broker import BrokerAway, Introduction
from smartcam.homeassistant.settings import HomeAssistantSettings
from tests.fakes.bus import topic_matches


class FakeLine:
    def __init__(self, broker: "FakeBroker", introduction: Introduction) -> None:
        self.introduction = introduction
        self._broker = broker
        self._end: str | None = None

    @property
    def end(self) -> str | None:
        return self._end

    def publish(self, topic: str, payload: bytes) -> None:
        if self._end is not None:
            raise BrokerAway(self._end)
        self._broker.keep(topic, payload)

    def close(self) -> None:
        self.fail("it was left")

    def fail(self, reason: str) -> None:
        if self._end is None:
            self._end = reason
            self._broker.keep(*self.introduction.will)


@dataclass(eq=False)
class FakeBroker:
    """`settings` is what to connect with; `refuses`: in which words, None: it accepts."""

    settings: HomeAssistantSettings = field(default_factory=lambda: HomeAssistantSettings(host="broker"))
    refuses: str | None = None
    kept: dict[str, bytes] = field(default_factory=dict)
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    """Everything, in its order."""
    lines: list[FakeLine] = field(default_factory=list)
    attempts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connect(self, _settings: HomeAssistantSettings, introduction: Introduction) -> FakeLine:
        self.attempts += 1
        if self.refuses is not None:
            raise BrokerAway(self.refuses)
        for line in self.lines:
            if line.introduction.client_id == introduction.client_id:
                line.fail("somebody of the same name has come")
        self.lines.append(FakeLine(self, introduction))
        return self.lines[-1]

    def keep(self, topic: str, payload: bytes) -> None:
        with self._lock:
            self.heard.append((topic, payload))
            self.kept[topic] = payload
            if not payload:
                del self.kept[topic]

    def send(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Somebody else publishes."""
        if retain:
            self.keep(topic, payload)
        for line in self.lines:
            if line.end is None and any(topic_matches(each, topic) for each in line.introduction.filters):
                line.introduction.on_command(topic, payload)

    def kill(self) -> None:
        self.refuses = "cannot be reached"
        for line in self.lines:
            line.fail("the connection is over")

    def start(self) -> None:
        self.refuses = None

    def waits_for(self, topic: str, payload: bytes | None) -> bytes | None:
        """What is kept there: `payload`, as soon as it is; else what there is after half a minute."""
        limit = time.monotonic() + 60
        while self.kept.get(topic) != payload and time.monotonic() < limit:
            time.sleep(0.01)
        return self.kept.get(topic)
