"""What a broker does for the component: the real one over TLS with a password, and the one of the other tests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smartcam.contract.errors import SettingsError
from smartcam.homeassistant.broker import BrokerAway, BrokerLine, Introduction
from smartcam.homeassistant.mqtt import PahoLine
from smartcam.homeassistant.settings import HomeAssistantSettings
from standins.mosquitto import Mosquitto
from tests.fakes.home_broker import FakeBroker
from tests.mqtt.mosquitto_broker import HOST, MosquittoBroker
from tests.mqtt.plain_listener import PlainListener
from tests.unit.standins.nucleus.broker import Papers, make_papers
from tests.waiting import until

Either = FakeBroker | MosquittoBroker


@pytest.fixture(params=["fake", "mosquitto"])
def either(request: pytest.FixtureRequest) -> Either:
    if request.param == "fake":
        return FakeBroker()
    found = request.getfixturevalue("broker")
    assert isinstance(found, MosquittoBroker)
    return found


class Customer:
    """A component at the broker, and the commands that have come."""

    def __init__(self, broker: Either, name: str = "pi") -> None:
        self.commands: list[tuple[str, bytes]] = []
        filters = ("a/set", "a/+/deep/set")
        said = Introduction(name, ("a/status", b"offline"), filters, lambda *one: self.commands.append(one))
        self.line: BrokerLine = broker.connect(broker.settings, said)


@pytest.fixture
def customer(either: Either) -> Iterator[Customer]:
    customer = Customer(either)
    yield customer
    customer.line.close()


def test_what_is_told_is_kept_in_its_order_and_goes_when_it_is_empty(either: Either, customer: Customer) -> None:
    picture = bytes(range(256)) * 4000
    for topic, payload in (("a/one", b"first"), ("a/two", picture), ("a/one", b"second")):
        customer.line.publish(topic, payload)
    assert either.waits_for("a/one", b"second") == b"second"
    assert either.waits_for("a/two", picture) == picture
    assert next(one for one in either.heard if one[0].startswith("a/")) == ("a/one", b"first")
    customer.line.publish("a/one", b"")
    assert either.waits_for("a/one", None) is None


def test_commands_come_by_their_filters_alone(either: Either, customer: Customer) -> None:
    for topic in ("a/set", "a/b/deep/set", "a/b/set", "a/set/more", "a/one", "b/deep/set"):
        either.send(topic, topic.encode())
    either.send("a/set", b"last")
    assert until(lambda: ("a/set", b"last") in customer.commands)
    assert customer.commands == [("a/set", b"a/set"), ("a/b/deep/set", b"a/b/deep/set"), ("a/set", b"last")]


def test_a_command_that_a_broker_has_kept_is_not_obeyed_by_who_comes_later(either: Either) -> None:
    either.send("a/set", b"of yesterday", retain=True)
    assert either.waits_for("a/set", b"of yesterday") == b"of yesterday"
    customer = Customer(either)
    either.send("a/set", b"of today", retain=True)
    assert until(lambda: customer.commands)  # what is kept comes first
    assert customer.commands == [("a/set", b"of today")]
    customer.line.close()


def test_the_will_is_done_however_the_connection_ends(either: Either, customer: Customer) -> None:
    customer.line.publish("a/status", b"online")
    assert either.waits_for("a/status", b"online") == b"online"
    customer.line.close()
    assert either.waits_for("a/status", b"offline") == b"offline"
    customer.line.close()
    assert customer.line.end
    with pytest.raises(BrokerAway):
        customer.line.publish("a/one", b"too late")


def test_another_of_the_same_name_takes_the_place(either: Either, customer: Customer) -> None:
    other = Customer(either)
    assert until(lambda: customer.line.end)
    other.line.publish("a/one", b"mine")
    assert either.waits_for("a/one", b"mine") == b"mine"
    other.line.close()


def test_a_broker_that_dies_ends_the_connection_and_takes_the_next_one_when_it_is_back(
    either: Either, customer: Customer
) -> None:
    assert customer.line.end is None
    either.kill()
    assert until(lambda: customer.line.end)
    with pytest.raises(BrokerAway):
        customer.line.publish("a/one", b"lost")
    with pytest.raises(BrokerAway, match="cannot be reached"):
        Customer(either)
    either.start()
    back = Customer(either)
    back.line.publish("a/one", b"here again")
    assert either.waits_for("a/one", b"here again") == b"here again"
    back.line.close()


def said(broker: MosquittoBroker, **changed: object) -> str:
    """How a connection with other settings fails."""
    with pytest.raises(BrokerAway) as refused:
        PahoLine(replace(broker.settings, **changed), Introduction("pi", ("a", b""), ("a",), lambda *_: None))  # type: ignore[arg-type]
    return str(refused.value)


def test_a_wrong_password_a_wrong_user_and_none_are_refused_in_words(broker: MosquittoBroker, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("a guess")
    wrong.chmod(0o600)
    words = f"{HOST} port {broker.port}: refuses the connection: Not authorized; check user and password_file"
    assert said(broker, password_file=wrong).startswith(words)
    assert said(broker, user="nobody").startswith(words)
    assert said(broker, user="", password_file=None).startswith(words)
    assert "guess" not in said(broker, password_file=wrong)


def test_a_certificate_of_somebody_else_or_for_another_name_is_refused_before_the_password_is_said(
    broker: MosquittoBroker, tmp_path: Path
) -> None:
    stranger = make_papers(tmp_path, "Stranger")
    for changed in ({"authority": stranger.ca}, {"authority": None}):
        words = said(broker, **changed)
        assert "its certificate is not trusted (" in words
        assert "set authority to the file of who has signed it, and host to a name that it bears" in words
    assert "Hostname mismatch" in said(broker, host="localhost")


def test_who_speaks_no_tls_or_nothing_at_all_is_said_in_words(broker: MosquittoBroker) -> None:
    with PlainListener() as port:
        assert "does not speak TLS as it must" in said(broker, port=port)
    assert "cannot be reached (Connection refused); check host and port" in said(broker, port=port)


def test_files_that_are_wrong_are_named_before_anybody_is_called(broker: MosquittoBroker, tmp_path: Path) -> None:
    for changed in ({"authority": tmp_path / "gone"}, {"password_file": tmp_path / "gone"}):
        with pytest.raises(SettingsError, match=f"{next(iter(changed))} = .*gone"):
            PahoLine(
                replace(broker.settings, **changed),  # type: ignore[arg-type]
                Introduction("pi", ("a", b""), ("a",), lambda *_: None),
            )


def test_a_flood_of_huge_commands_does_not_come_and_the_connection_stays(broker: MosquittoBroker) -> None:
    customer = Customer(broker)
    for size in (10, 1500, 3000, 1_000_000, 5_000_000):
        broker.send("a/set", bytes(size))
    broker.send("a/set", b"ON")
    assert until(lambda: ("a/set", b"ON") in customer.commands)
    assert [len(payload) for _, payload in customer.commands] == [10, 1500, 2]
    assert customer.line.end is None
    customer.line.close()


def test_a_picture_that_the_broker_does_not_take_is_left_out_and_the_rest_is_told(
    mosquitto: Mosquitto, papers: Papers, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with MosquittoBroker(mosquitto, papers, tmp_path, "max_packet_size 10000") as broker:
        customer = Customer(broker)
        for _ in range(3):
            customer.line.publish("a/picture", bytes(20_000))
        customer.line.publish("a/one", bytes(9000))
        assert broker.waits_for("a/one", bytes(9000))
        assert customer.line.end is None
        customer.line.close()
        assert [one.levelname for one in caplog.records if "too_large_for_broker" in one.getMessage()] == ["WARNING"]


def test_a_broker_that_takes_nothing_from_this_user_says_so_in_words(
    mosquitto: Mosquitto, papers: Papers, tmp_path: Path
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("user smartcam\ntopic readwrite allowed/#\n")
    with MosquittoBroker(mosquitto, papers, tmp_path, f"acl_file {rights}") as broker:
        customer = Customer(broker)
        customer.line.publish("allowed/one", b"1")
        assert broker.waits_for("allowed/one", b"1")
        customer.line.publish("a/one", b"1")
        assert until(lambda: customer.line.end)
        assert "refuses what it is told: Not authorized; allow this user to write below" in str(customer.line.end)
        customer.line.close()


def test_who_takes_the_call_and_says_nothing_is_given_up_in_time(
    broker: MosquittoBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.homeassistant.mqtt._CONNECT_S", 0.3)
    broker.freeze()
    assert "cannot be reached (it takes too long)" in said(broker)


def test_a_broker_that_stands_still_is_left_after_a_while(
    broker: MosquittoBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.homeassistant.mqtt._KEEP_ALIVE_S", 1)
    customer = Customer(broker)
    broker.freeze()
    assert until(lambda: customer.line.end)
    assert "Keep alive timeout" in str(customer.line.end)
    customer.line.close()


def test_what_is_taken_away_is_gone_or_the_attempt_has_failed(
    broker: MosquittoBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    customer = Customer(broker)
    customer.line.publish("a/picture", b"private")
    assert broker.waits_for("a/picture", b"private")
    broker.freeze()
    monkeypatch.setattr("smartcam.homeassistant.mqtt._ACCEPTED_S", 0.2)
    with pytest.raises(BrokerAway, match="does not acknowledge what it is told"):
        customer.line.publish("a/picture", b"")
    customer.line.close()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x30\x08\x00\x02\xff\xfe\x00abc",  # a topic that is no UTF-8
        b"\x30\x03\x00\x09a",  # a topic longer than its packet
        b"\x40\x04\x00\x01\x95\x00",  # an acknowledgement with a reason that there is not
        b"\x30\x06\x00\x01a\x7f\xff\xff",  # properties that are none
        b"\xf0\x00",
        b"\x20\x03\x00\x00\x00",
        bytes(64),
        b"\xff" * 64,
    ],
)
def test_a_broker_that_talks_nonsense_ends_the_connection_or_is_not_listened_to(
    papers: Papers, nonsense: bytes
) -> None:
    accepted = b"\x20\x03\x00\x00\x00" + b"\x90\x04\x00\x01\x00\x00"
    with PlainListener(papers, accepted + nonsense) as port:
        heard: list[bytes] = []
        said = Introduction("pi", ("a", b""), ("a",), lambda _, payload: heard.append(payload))
        try:
            line = PahoLine(HomeAssistantSettings(HOST, port, papers.ca), said)
        except BrokerAway as error:
            end: str | None = str(error)
        else:
            assert until(lambda: line.end)
            end = line.end
            line.close()
        assert "says what cannot be read" in str(end) or "the connection is over" in str(end)
        assert not heard
