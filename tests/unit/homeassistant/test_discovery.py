import json
from dataclasses import replace
from typing import Any

import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.health import CameraCondition, CameraHealth
from smartcam.contract.ids import CameraId, ThingName
from smartcam.homeassistant.discovery import CameraNews, event_words, told_of_camera, told_of_device
from smartcam.homeassistant.topics import HomeTopics
from tests.unit.edge.history.sample import cleared, raised

YARD = CameraId("yard")
TOPICS = HomeTopics(ThingName("pi:1"), "smartcam", "homeassistant")
RUNNING = CameraHealth(YARD, CameraCondition.RUNNING, 5.0, armed=True)


def document(told: dict[str, bytes], camera: CameraId | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told[TOPICS.config(camera)])
    return found


def test_each_camera_is_a_device_with_an_entity_for_each_kind() -> None:
    told = told_of_camera(TOPICS, CameraNews(RUNNING), pictures=True)
    found = document(told, YARD)
    assert found["device"]["name"] == "pi:1 yard"
    assert found["device"]["via_device"] == TOPICS.identity(None)
    assert found["origin"]["name"] == "Smartcam"
    assert found["availability_topic"] == "smartcam/pi:1/status"
    kinds = {"person", "vehicle", "animal", "anomaly", "motion", "tamper"}
    assert set(found["components"]) == kinds | {"connected", "armed", "event", "picture"}
    assert {found["components"][kind]["platform"] for kind in kinds} == {"binary_sensor"}
    uniques = [one["unique_id"] for one in found["components"].values()]
    assert len(set(uniques)) == len(uniques)


def test_every_topic_that_is_told_is_one_that_home_assistant_looks_at_and_the_states_follow() -> None:
    news = CameraNews(RUNNING, frozenset({EventKind.PERSON}), raised(1), b"jpeg")
    told = told_of_camera(TOPICS, news, pictures=True)
    named = {
        value for one in document(told, YARD)["components"].values() for key, value in one.items() if "topic" in key
    }
    assert named - {TOPICS.command(YARD)} == told.keys() - {TOPICS.config(YARD)}
    assert next(iter(told)) == TOPICS.config(YARD)
    states = {topic.rpartition("/")[2]: payload for topic, payload in told.items()}
    assert (states["person"], states["vehicle"], states["connected"], states["armed"]) == (b"ON", b"OFF", b"ON", b"ON")
    assert states["picture"] == b"jpeg"
    assert states["event"] == b"Person"
    assert json.loads(states["attributes"])["event_id"] == raised(1).event_id


def test_without_pictures_there_is_neither_entity_nor_picture() -> None:
    told = told_of_camera(TOPICS, CameraNews(RUNNING, picture=b"jpeg"), pictures=False)
    assert document(told, YARD)["components"]["picture"] == {"platform": "image"}
    assert b"jpeg" not in told.values()


@pytest.mark.parametrize("condition", [CameraCondition.LOST, CameraCondition.ENDED, CameraCondition.AWAITED])
def test_a_camera_that_gives_no_pictures_is_not_connected(condition: CameraCondition) -> None:
    told = told_of_camera(TOPICS, CameraNews(replace(RUNNING, condition=condition, armed=None)), pictures=False)
    assert told[TOPICS.of(YARD, "connected")] == b"OFF"
    assert TOPICS.armed(YARD) not in told


def test_a_device_is_armed_if_all_its_cameras_are() -> None:
    door = replace(RUNNING, camera_id=CameraId("door"))
    for cameras, state in (
        ((RUNNING, door), b"ON"),
        ((RUNNING, replace(door, armed=False)), b"OFF"),
        ((RUNNING, replace(door, armed=None)), b"ON"),
        ((), None),
    ):
        told = told_of_device(TOPICS, cameras)
        assert told.get(TOPICS.armed(None)) == state
        assert document(told, None)["components"]["armed"]["command_topic"] == "smartcam/pi:1/armed/set"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "Person"),
        ({"zone": "drive"}, "Person in drive"),
        ({"kind": EventKind.VEHICLE, "label": "truck", "zone": "drive"}, "Vehicle: truck in drive"),
        ({"kind": EventKind.TAMPER, "label": None, "cause": "covered"}, "Tamper: covered"),
        ({"kind": EventKind.MOTION, "label": None, "cause": "motion"}, "Motion"),
        ({"kind": EventKind.CAMERA_LOST, "label": None}, "Camera lost"),
        ({"zone": "garden\x00\n\u2028{{ x }}"}, "Person in garden???{{ x }}"),
        ({"zone": "院子" * 300}, ("Person in " + "院子" * 300)[:255]),
    ],
)
def test_an_event_is_said_in_a_line_that_home_assistant_takes(changed: dict[str, Any], words: str) -> None:
    assert event_words(replace(raised(1), **changed)) == words


def test_the_largest_event_is_told_as_what_it_is() -> None:
    event = replace(cleared(raised(1)), zone='"\\/<script>', rule="r" * 500, label="{{ 7 }}")
    told = told_of_camera(TOPICS, CameraNews(RUNNING, newest=event), pictures=False)
    attributes = json.loads(told[TOPICS.of(YARD, "event/attributes")])
    assert (attributes["zone"], attributes["label"]) == ('"\\/<script>', "{{ 7 }}")
    assert attributes["ended_at"] == "2026-03-01T12:00:10.000Z"
