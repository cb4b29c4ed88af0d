import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from standins.nucleus import mqtt
from standins.nucleus.cloud import CloudMessage, CloudUnavailable
from standins.nucleus.mqtt import IotCore, MqttEndpoint
from tests.unit.standins.nucleus.broker import Broker, Papers, make_papers
from tests.unit.standins.nucleus.workshop import until


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr(mqtt, "_LONGEST_PAUSE_S", 0.05)


class Line:
    """A connection to the broker, and what it told the nucleus."""

    def __init__(self, papers: Papers, port: int) -> None:
        endpoint = MqttEndpoint("127.0.0.1", port, "yard", papers.ca, papers.device, papers.device_key)
        self.core = IotCore(endpoint)
        self.states: list[tuple[bool, str]] = []
        self.arrived: list[tuple[str, bytes]] = []

    @property
    def is_up(self) -> bool:
        return bool(self.states) and self.states[-1][0]

    def start(self) -> None:
        self.core.start(
            lambda topic, payload: self.arrived.append((topic, payload)),
            lambda connected, reason: self.states.append((connected, reason)),
        )


@asynccontextmanager
async def connected(papers: Papers, broker: Broker) -> AsyncIterator[Line]:
    line = Line(papers, broker.port)
    line.start()
    try:
        await until(lambda: line.is_up)
        yield line
    finally:
        await line.core.stop()


def test_a_publish_returns_when_the_broker_has_it(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            await line.core.publish(CloudMessage("a/b", b"one", 1))
            assert broker.published == [("a/b", b"one")]
            await line.core.publish(CloudMessage("a/b", b"two", 0))
            await until(lambda: len(broker.published) == 2)

    with Broker(papers) as broker:
        asyncio.run(story(broker))
        assert broker.clients == ["yard"]


def test_many_publishes_at_once_are_all_acknowledged_in_their_order(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            messages = [CloudMessage("a", str(number).encode(), 1) for number in range(50)]
            await asyncio.gather(*(line.core.publish(message) for message in messages))
            assert [payload for _, payload in broker.published] == [message.payload for message in messages]

    with Broker(papers) as broker:
        asyncio.run(story(broker))


def test_without_connection_everything_is_refused_at_once(papers: Papers) -> None:
    async def story(port: int) -> None:
        line = Line(papers, port)
        line.start()
        with pytest.raises(CloudUnavailable, match="no connection"):
            await line.core.publish(CloudMessage("a", b"x", 0))
        with pytest.raises(CloudUnavailable, match="no connection"):
            await line.core.subscribe("a", 1)
        await until(lambda: len(line.states) >= 2)
        assert not line.is_up
        await line.core.stop()

    with Broker(papers) as broker:
        port = broker.port
    asyncio.run(story(port))


def test_a_lost_connection_fails_what_waits_and_redelivers_nothing(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            broker.acknowledges = False
            waiting = asyncio.create_task(line.core.publish(CloudMessage("a", b"lost", 1)))
            await asyncio.sleep(0.05)
            broker.drop()
            with pytest.raises(CloudUnavailable, match="connection was lost"):
                await waiting
            broker.acknowledges = True
            await until(lambda: line.is_up)
            await line.core.publish(CloudMessage("a", b"new", 1))
            assert broker.published == [("a", b"new")]

    with Broker(papers) as broker:
        asyncio.run(story(broker))


def test_subscriptions_are_made_again_after_a_reconnect(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            await line.core.subscribe("c/+", 1)
            await line.core.subscribe("gone", 1)
            await line.core.unsubscribe("gone")
            await until(lambda: broker.unsubscribed == ["gone"])
            broker.drop()
            await until(lambda: broker.subscribed == ["c/+", "gone", "c/+"])
            broker.send("c/x", b"hello")
            await until(lambda: line.arrived != [])
            assert line.arrived == [("c/x", b"hello")]

    with Broker(papers) as broker:
        asyncio.run(story(broker))


def test_an_answer_that_never_comes_is_given_up(papers: Papers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_ACKNOWLEDGED_WITHIN_S", 0.05)

    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            broker.acknowledges = False
            with pytest.raises(CloudUnavailable, match=r"no acknowledgement within 0\.05 s"):
                await line.core.publish(CloudMessage("a", b"x", 1))

    with Broker(papers) as broker:
        asyncio.run(story(broker))


def test_a_refused_subscription_is_told(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            broker.refuses_subscriptions = True
            with pytest.raises(CloudUnavailable, match="Unspecified error"):
                await line.core.subscribe("secret", 1)

    with Broker(papers) as broker:
        asyncio.run(story(broker))


def test_a_broker_that_refuses_the_device_is_told_and_tried_again(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        broker.refuses = True
        line = Line(papers, broker.port)
        line.start()
        await until(lambda: len(broker.clients) >= 2)
        assert "Not authorized" in line.states[0][1]
        broker.refuses = False
        await until(lambda: line.is_up)
        await line.core.stop()

    with Broker(papers) as broker:
        asyncio.run(story(broker))


# Paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_authority_is_never_trusted(papers: Papers, tmp_path: Path) -> None:
    others = make_papers(tmp_path, "Somebody else")

    async def story(broker: Broker) -> None:
        line = Line(papers, broker.port)
        line.start()
        await until(lambda: bool(line.states))
        assert "certificate verify failed" in line.states[0][1]
        await line.core.stop()

    with Broker(others) as broker:
        asyncio.run(story(broker))
        assert broker.clients == []


def test_a_payload_and_topic_that_mqtt_cannot_carry_are_refused(papers: Papers) -> None:
    async def story(broker: Broker) -> None:
        async with connected(papers, broker) as line:
            with pytest.raises(CloudUnavailable):
                await line.core.publish(CloudMessage("a/+/b", b"x", 1))
            with pytest.raises(CloudUnavailable):
                await line.core.subscribe("a/#/b", 1)

    with Broker(papers) as broker:
        asyncio.run(story(broker))


def test_missing_certificates_are_noticed_at_once(papers: Papers, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        IotCore(MqttEndpoint("127.0.0.1", 1, "yard", tmp_path / "none.pem", papers.device, papers.device_key))
