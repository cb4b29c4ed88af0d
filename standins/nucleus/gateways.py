"""The nucleus's way to IoT Core: lite sends at once or refuses, classic keeps in memory and sends when it can."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from standins.nucleus.cloud import Cloud, CloudMessage, CloudUnavailable
from standins.nucleus.journal import Journal
from standins.nucleus.profile import SpoolRules


class Gateway(Protocol):
    """Takes what components publish to IoT Core. All methods belong to the nucleus's event loop."""

    async def publish(self, component: str, message: CloudMessage) -> None:
        """Returns when the nucleus answers for the message. Raises CloudUnavailable."""

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """Returns when the broker has accepted. Raises CloudUnavailable."""

    def connection(self, *, up: bool) -> None:
        """The connection came or went."""

    async def stop(self) -> None:
        """Stop sending; whatever is kept in memory is lost."""


class DirectGateway:
    """Lite's: a message is with the broker when the component is answered, or it is refused."""

    def __init__(self, cloud: Cloud, journal: Journal) -> None:
        self._cloud = cloud
        self._journal = journal

    async def publish(self, component: str, message: CloudMessage) -> None:
        """See `Gateway`."""
        try:
            await self._cloud.publish(message)
        except CloudUnavailable as error:
            note_publish(self._journal, component, message, str(error))
            raise
        note_publish(self._journal, component, message, None)

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """See `Gateway`."""
        await self._cloud.subscribe(topic_filter, qos)

    def connection(self, *, up: bool) -> None:
        """See `Gateway`: the next publish finds out by itself."""

    async def stop(self) -> None:
        """See `Gateway`: nothing is kept."""


@dataclass(slots=True)
class _Spooled:
    component: str
    message: CloudMessage
    tries: int = 0


class SpoolingGateway:
    """Classic's: a message is accepted when it is in memory. What was not sent when the nucleus ends is lost."""

    def __init__(self, cloud: Cloud, journal: Journal, rules: SpoolRules) -> None:
        self._cloud = cloud
        self._journal = journal
        self._rules = rules
        self._queue: deque[_Spooled] = deque()
        self._bytes = 0
        self._up = asyncio.Event()
        self._filled = asyncio.Event()
        self._senders: list[asyncio.Task[None]] = []
        self._free_at = 0.0

    async def publish(self, component: str, message: CloudMessage) -> None:
        """See `Gateway`."""
        if not self._cloud.configured:
            raise CloudUnavailable("the device is configured to run offline")
        size = len(message.payload)
        if size > self._rules.message_bytes:
            raise CloudUnavailable(f"the message has {size} bytes, at most {self._rules.message_bytes} are allowed")
        if message.qos == 0 and not self._up.is_set():
            raise CloudUnavailable("the device is offline: a QoS 0 message is dropped")
        if self._bytes + size > self._rules.size_bytes:
            self._drop_qos_0(self._bytes + size - self._rules.size_bytes)
        if self._bytes + size > self._rules.size_bytes:
            raise CloudUnavailable("the message spool is full")
        self._journal.write("cloud_spooled", component=component, topic=message.topic, bytes=size)
        self._queue.append(_Spooled(component, message))
        self._bytes += size
        self._filled.set()
        if not self._senders:
            self._senders = [asyncio.create_task(self._send()) for _ in range(self._rules.in_flight)]

    async def subscribe(self, topic_filter: str, qos: int) -> None:
        """See `Gateway`: it waits for the connection, however long that takes."""
        if not self._cloud.configured:
            raise CloudUnavailable("the device is not configured to connect to AWS")
        await self._up.wait()
        await self._cloud.subscribe(topic_filter, qos)

    def connection(self, *, up: bool) -> None:
        """See `Gateway`."""
        if up:
            self._up.set()
        else:
            self._up.clear()

    async def stop(self) -> None:
        """See `Gateway`."""
        for sender in self._senders:
            sender.cancel()
        await asyncio.gather(*self._senders, return_exceptions=True)
        if self._queue:
            self._journal.write("spool_lost", messages=len(self._queue), bytes=self._bytes)
        self._queue.clear()

    def _drop_qos_0(self, bytes_needed: int) -> None:
        for entry in [entry for entry in self._queue if entry.message.qos == 0]:
            if bytes_needed <= 0:
                return
            self._queue.remove(entry)
            self._bytes -= len(entry.message.payload)
            bytes_needed -= len(entry.message.payload)

    async def _send(self) -> None:
        while True:
            await self._up.wait()
            if not self._queue:
                self._filled.clear()
                await self._filled.wait()
                continue
            entry = self._queue.popleft()
            try:
                await self._at_the_rate_allowed(len(entry.message.payload))
                await self._cloud.publish(entry.message)
            except CloudUnavailable as error:
                note_publish(self._journal, entry.component, entry.message, str(error))
                self._again(entry)
                await asyncio.sleep(self._rules.retry_s)
            except asyncio.CancelledError:
                self._queue.appendleft(entry)
                raise
            else:
                self._bytes -= len(entry.message.payload)
                note_publish(self._journal, entry.component, entry.message, None)

    def _again(self, entry: _Spooled) -> None:
        entry.tries += 1
        if entry.tries > self._rules.retries:
            self._bytes -= len(entry.message.payload)
            return
        self._queue.appendleft(entry)
        self._filled.set()

    async def _at_the_rate_allowed(self, size: int) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now, self._free_at)
        self._free_at = at + max(1 / self._rules.messages_per_s, size / self._rules.bytes_per_s)
        if at > now:
            await asyncio.sleep(at - now)


def note_publish(journal: Journal, component: str, message: CloudMessage, error: str | None) -> None:
    """Journal whether the broker has taken a message."""
    journal.write(
        "cloud_publish",
        component=component,
        topic=message.topic,
        qos=message.qos,
        bytes=len(message.payload),
        payload=message.payload,
        ok=error is None,
        error=error,
    )
