from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.edge.memory_file import MemoryFile
from smartcam.homeassistant.broker import BrokerAway
from smartcam.homeassistant.kept import FILE, KeptByBroker
from tests.fakes.home_broker import FakeBroker


def test_what_is_there_already_is_told_once(tmp_path: Path) -> None:
    broker, kept = FakeBroker(), KeptByBroker(MemoryFile(tmp_path / FILE))
    for told in ({"a": b"1", "b": b"2"}, {"a": b"1", "b": b"2"}, {"a": b"1", "b": b"3"}):
        kept.tell(told, broker.keep, all_of_it=True)
    assert broker.heard == [("a", b"1"), ("b", b"2"), ("b", b"3")]
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_another_connection_is_told_everything(tmp_path: Path) -> None:
    broker, kept = FakeBroker(), KeptByBroker(MemoryFile(tmp_path / FILE))
    kept.tell({"a": b"1"}, broker.keep, all_of_it=True)
    kept.begin_anew()
    kept.tell({"a": b"1"}, broker.keep, all_of_it=True)
    assert broker.heard == [("a", b"1")] * 2


def test_what_is_gone_is_taken_away_by_the_next_process_too_once_it_knows_all(tmp_path: Path) -> None:
    broker = FakeBroker()
    KeptByBroker(MemoryFile(tmp_path / FILE)).tell({"a": b"1", "b": b"2"}, broker.keep, all_of_it=True)
    later = KeptByBroker(MemoryFile(tmp_path / FILE))
    later.tell({"c": b"3"}, broker.keep, all_of_it=False)
    assert broker.kept == {"a": b"1", "b": b"2", "c": b"3"}
    later.tell({"a": b"1", "c": b"3"}, broker.keep, all_of_it=True)
    assert broker.kept == {"a": b"1", "c": b"3"}
    del broker.heard[:]
    KeptByBroker(MemoryFile(tmp_path / FILE)).tell({"a": b"1"}, broker.keep, all_of_it=True)
    assert broker.heard == [("c", b""), ("a", b"1")]


def test_what_could_not_be_said_is_said_the_next_time(tmp_path: Path) -> None:
    broker, kept = FakeBroker(), KeptByBroker(MemoryFile(tmp_path / FILE))

    def lame(topic: str, payload: bytes) -> None:
        if topic == "b":
            raise BrokerAway("gone")
        broker.keep(topic, payload)

    with pytest.raises(BrokerAway):
        kept.tell({"a": b"1", "b": b"2", "c": b"3"}, lame, all_of_it=True)
    kept.tell({"a": b"1", "b": b"2", "c": b"3"}, broker.keep, all_of_it=True)
    assert broker.heard == [("a", b"1"), ("b", b"2"), ("c", b"3")]


def test_a_picture_that_ends_two_connections_is_left_out_until_there_is_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker, kept = FakeBroker(), KeptByBroker(MemoryFile(tmp_path / FILE))

    def narrow(topic: str, payload: bytes) -> None:
        if len(payload) > 10_000:
            raise BrokerAway("the connection is over")
        broker.keep(topic, payload)

    told = {"a": b"1", "picture": bytes(10_001), "b": b"2"}
    for _ in range(2):
        kept.begin_anew()
        with pytest.raises(BrokerAway):
            kept.tell(told, narrow, all_of_it=True)
    kept.begin_anew()
    for _ in range(3):
        kept.tell(told, narrow, all_of_it=True)
    assert broker.kept == {"a": b"1", "b": b"2"}
    assert caplog.text.count("left_out_for_broker") == 1
    with pytest.raises(BrokerAway):
        kept.tell({"picture": bytes(10_002)}, narrow, all_of_it=True)
    kept.tell({"picture": bytes(9_000)}, narrow, all_of_it=True)
    assert broker.kept == {"picture": bytes(9_000)}


def test_a_small_thing_is_never_left_out(tmp_path: Path) -> None:
    broker, kept = FakeBroker(), KeptByBroker(MemoryFile(tmp_path / FILE))

    def dead(_topic: str, _payload: bytes) -> None:
        raise BrokerAway("the connection is over")

    for _ in range(5):
        with pytest.raises(BrokerAway):
            kept.tell({"status": b"online"}, dead, all_of_it=True)
    kept.tell({"status": b"online"}, broker.keep, all_of_it=True)
    assert broker.kept == {"status": b"online"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"topics": 7}', b'{"topics": [1]}', b"\xff", b'{"topics": [""]}'])
def test_a_memory_that_is_damaged_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    memory = MemoryFile(tmp_path / FILE)
    memory.store(content)
    broker = FakeBroker()
    KeptByBroker(memory).tell({"a": b"1"}, broker.keep, all_of_it=True)
    assert broker.kept == {"a": b"1"}


def test_a_disk_that_is_full_keeps_nothing_from_being_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker = FakeBroker()
    KeptByBroker(MemoryFile(tmp_path / "no folder" / FILE)).tell({"a": b"1"}, broker.keep, all_of_it=True)
    assert broker.kept == {"a": b"1"}
    assert "topics_not_kept" in caplog.text


@settings(max_examples=30)
@given(st.lists(st.tuples(st.dictionaries(st.sampled_from("abcd"), st.sampled_from([b"1", b"2"])), st.booleans())))
def test_the_broker_keeps_exactly_what_was_told_last(story: list[tuple[dict[str, bytes], bool]]) -> None:
    class Memory(MemoryFile):
        def __init__(self) -> None:
            self.content = b""

        def load(self) -> bytes:
            return self.content

        def store(self, content: bytes, *, durable: bool = False) -> None:
            assert not durable
            self.content = content

    broker, memory = FakeBroker(), Memory()
    kept = KeptByBroker(memory)
    for told, restarts in story:
        if restarts:
            kept = KeptByBroker(memory)
        kept.tell(told, broker.keep, all_of_it=True)
        assert broker.kept == told
