"""The question to the network and its answers, honest and hostile: on the loopback, and in memory."""

import socket
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.onvif_camera import HOST, OnvifCamera, envelope, switched_on
from tools.cameras import discovery
from tools.cameras.addresses import ServiceAddress
from tools.cameras.discovery import MOST_ANSWERS, MOST_CAMERAS, Answerer, Heard, ask, gathered, read_answer
from tools.cameras.envelope import NotUnderstood

IDENTITY = "0f5ad9f0-0000-4000-8000-000000000001"
RELATED = f"uuid:{IDENTITY}"
WAIT_S = 0.4


def quiet(_: str) -> None:
    """Say nothing."""


def heard(camera: OnvifCamera) -> Heard:
    return ask([(HOST, camera.udp_port)], WAIT_S, quiet)


def test_a_camera_is_found_by_its_answer_with_the_name_it_tells() -> None:
    told: list[str] = []
    with switched_on(OnvifCamera(name="Front Door")) as camera:
        found = ask([(HOST, camera.udp_port)], WAIT_S, told.append)
        service = ServiceAddress(HOST, camera.http_port, "/onvif/device_service")
    assert found == Heard((Answerer(HOST, "Front Door", service),))
    assert told == ["127.0.0.1 answers: Front Door"]


def test_a_camera_that_answers_twice_is_one_camera() -> None:
    raw = [*flood(2), *flood(3)]
    assert len(gathered(iter(raw), IDENTITY, frozenset(), quiet).answerers) == 3


def test_who_asks_one_address_waits_no_longer_than_for_its_answer() -> None:
    with switched_on(OnvifCamera()) as camera:
        begin = time.monotonic()
        assert len(ask([(HOST, camera.udp_port)], 60.0, quiet).answerers) == 1
    assert time.monotonic() - begin < 60


def test_the_question_is_repeated_because_datagrams_are_lost() -> None:
    asked: list[str] = []

    def deaf_once(related: str, camera: OnvifCamera) -> list[bytes]:
        asked.append(related)
        return [camera.match(related)] if len(asked) > 1 else []

    with switched_on(OnvifCamera(discovery=deaf_once)) as camera:
        assert len(heard(camera).answerers) == 1
    assert len(asked) == 2
    assert asked[0] == asked[1]


def test_nobody_there_is_found_after_the_wait_and_no_longer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((HOST, 0))
        port = door.getsockname()[1]
    begin = time.monotonic()
    assert ask([(HOST, port)], 0.3, quiet) == Heard()
    assert 0.25 < time.monotonic() - begin < 60


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00" * 100,
        b"not xml",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        envelope("<d:ProbeMatches/>"),
        envelope("<d:ProbeMatches/>", "<wsa:RelatesTo>uuid:another</wsa:RelatesTo>"),
        b"<" * 60_000,
    ],
    ids=range(7),
)
def test_an_answer_that_is_none_is_named_and_hides_no_camera(said: bytes) -> None:
    with switched_on(OnvifCamera(discovery=lambda _, __: [said])) as camera:
        found = heard(camera)
    assert found.answerers == ()
    [remark] = found.remarks
    assert remark.startswith(f"{HOST}: ")
    with switched_on(OnvifCamera(discovery=lambda related, camera: [said, camera.match(related)])) as camera:
        found = heard(camera)
    assert (len(found.answerers), found.remarks) == (1, ())


def answers(addresses: str = "http://192.168.1.20/onvif", scopes: str = "", sender: str = "192.168.1.20") -> Answerer:
    return read_answer(OnvifCamera().match(RELATED, addresses, scopes), sender, IDENTITY)


def test_the_address_that_is_the_cameras_own_is_taken_of_several() -> None:
    told = "http://169.254.1.2/onvif http://10.0.0.9/onvif http://192.168.1.20:8080/onvif"
    assert answers(told).service == ServiceAddress("192.168.1.20", 8080, "/onvif")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("http://192.168.1.1/onvif", "tells an address at 192.168.1.1, which is not its own"),
        ("https://192.168.1.20/onvif", "cannot be asked by https"),
        (" ", "tells no address"),
        (" ".join(["http://10.0.0.1/"] * 1000 + ["http://192.168.1.20/"]), "not its own"),
    ],
)
def test_a_camera_whose_service_cannot_be_asked_is_named_with_the_reason(told: str, reason: str) -> None:
    answerer = answers(told)
    assert answerer.service is None
    assert reason in answerer.reason


def test_an_answer_from_outside_is_not_used_unless_it_was_asked_for_by_its_address() -> None:
    raw = OnvifCamera().match(RELATED, "http://8.8.8.8/onvif")
    with pytest.raises(NotUnderstood, match="outside the local network"):
        read_answer(raw, "8.8.8.8", IDENTITY)
    assert read_answer(raw, "8.8.8.8", IDENTITY, is_named=True).service == ServiceAddress("8.8.8.8", 80, "/onvif")


@pytest.mark.parametrize(
    ("scopes", "name"),
    [
        ("onvif://www.onvif.org/name/Yard%20West onvif://www.onvif.org/hardware/X1", "Yard West"),
        ("onvif://www.onvif.org/hardware/DS_2CD", "DS 2CD"),
        ("onvif://www.onvif.org/name/", "camera 192.168.1.20"),
        ("onvif://www.onvif.org/name/%1B%5B2Jevil%0Aline", "[2Jevil line"),
        ("urn:other", "camera 192.168.1.20"),
    ],
)
def test_a_camera_is_called_what_it_calls_itself(scopes: str, name: str) -> None:
    assert answers(scopes=scopes).name == name


def flood(number: int) -> Iterator[tuple[bytes, str]]:
    for index in range(number):
        host = f"10.0.{index // 250}.{index % 250 + 1}"
        yield OnvifCamera().match(RELATED, f"http://{host}/onvif"), host


def test_no_more_cameras_are_kept_than_the_limit_and_that_is_said() -> None:
    found = gathered(flood(MOST_CAMERAS + 50), IDENTITY, frozenset(), quiet)
    assert len(found.answerers) == MOST_CAMERAS
    assert found.remarks == (f"more than {MOST_CAMERAS} cameras answered: ask the others by --ask",)


def test_a_flood_is_left_after_a_number_of_datagrams() -> None:
    class Flooding:
        def __init__(self) -> None:
            self.given = 0

        def settimeout(self, _: float) -> None:
            pass

        def recvfrom(self, _: int) -> tuple[bytes, tuple[str, int]]:
            self.given += 1
            return b"junk", ("10.0.0.1", 3702)

    door = Flooding()
    taken = list(discovery._datagrams(door, 60.0, time.monotonic, lambda: None))  # type: ignore[arg-type]  # a socket
    assert len(taken) == door.given == MOST_ANSWERS


def test_somebody_who_was_not_asked_is_not_heard() -> None:
    found = gathered(flood(3), IDENTITY, frozenset({"10.0.0.2"}), quiet)
    assert [each.host for each in found.answerers] == ["10.0.0.2"]


def test_the_whole_network_is_asked_by_every_interface_but_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, int]] = []
    chosen: list[bytes] = []

    class Door:
        def setsockopt(self, level: int, option: int, value: bytes) -> None:
            assert (level, option) == (socket.IPPROTO_IP, socket.IP_MULTICAST_IF)
            chosen.append(value[8:])

        def sendto(self, _: bytes, place: tuple[str, int]) -> None:
            if chosen[-1] == b"\x05\x00\x00\x00":
                raise OSError(101, "Network is unreachable")
            sent.append(place)

    monkeypatch.setattr(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0"), (5, "wlan0")])
    count, problems = discovery._send(Door(), b"question", [])  # type: ignore[arg-type]  # what a socket does here
    assert count == 1
    assert sent == [("239.255.255.250", 3702)]
    assert problems == ["wlan0: the network cannot be asked (Network is unreachable)"]


@pytest.mark.parametrize(
    ("interfaces", "said"),
    [([(1, "lo")], "this machine is in no network"), ([(1, "lo"), (2, "eth0")], "eth0: the network cannot be asked")],
)
def test_a_machine_without_a_network_says_so_at_once(
    interfaces: Sequence[tuple[int, str]], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "if_nameindex", lambda: interfaces)
    monkeypatch.setattr(discovery, "GROUP", "not an address")  # nothing can be sent
    begin = time.monotonic()
    found = ask([], 60.0, quiet)
    assert time.monotonic() - begin < 60
    assert found.answerers == ()
    assert found.remarks[0].startswith(said)


@given(st.binary(max_size=500))
def test_any_datagram_is_an_answer_or_not_understood(raw: bytes) -> None:
    with pytest.raises(NotUnderstood):
        read_answer(raw, "192.168.1.20", IDENTITY)


@given(st.text(max_size=100), st.text(max_size=100))
def test_whatever_an_answer_tells_its_name_is_one_line_and_its_service_its_own(told: str, scopes: str) -> None:
    try:
        answerer = answers(told or " ", scopes or " ")
    except NotUnderstood:
        return  # no XML
    assert answerer.name.isprintable()
    assert answerer.service is None or answerer.service.host == "192.168.1.20"
