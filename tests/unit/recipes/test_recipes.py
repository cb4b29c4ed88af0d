"""The recipes fit both nuclei, ask for no more than the code uses, and hold the code's own defaults."""

import re
from collections.abc import Mapping
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from smartcam.capture.settings import CaptureSettings, ClipSettings, FootageSettings, RecordingSettings, SourceSettings
from smartcam.capture.settings import read_settings as read_capture
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import (
    ALL_FRAMES,
    ack_topic,
    clips_topic,
    event_topic,
    frames_topic,
    health_topic,
    settings_topic,
    transport_topic,
    views_topic,
)
from smartcam.edge.pictures.uploader import SnapshotSettings
from smartcam.homeassistant.settings import HomeAssistantSettings
from smartcam.homeassistant.settings import read_settings as read_homeassistant
from smartcam.inference.settings import AnalysisSettings, InferenceSettings
from smartcam.inference.settings import read_settings as read_inference
from tools.build.suite import ON_DEMAND, build_suite

ROOT = Path(__file__).resolve().parents[3]
SOURCES = sorted((ROOT / "recipes").glob("*.yaml"))
PUBSUB, MQTT = "aws.greengrass.ipc.pubsub", "aws.greengrass.ipc.mqttproxy"
THING, CAMERA = ThingName("porch"), CameraId("door")


def recipe(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "recipes" / f"{name}.yaml").read_text())
    return document


def defaults(name: str) -> dict[str, Any]:
    document: dict[str, Any] = recipe(name)["ComponentConfiguration"]["DefaultConfiguration"]
    return document


def as_lite_delivers(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: as_lite_delivers(inner) for key, inner in value.items()}
    return str(value)


def allowed(name: str, service: str) -> set[tuple[str, str]]:
    policies = defaults(name)["accessControl"].get(service, {}).values()
    return {
        (operation.removeprefix("aws.greengrass#"), resource)
        for policy in policies
        for operation in policy["operations"]
        for resource in policy["resources"]
    }


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_recipe_runs_on_both_nuclei(source: Path) -> None:
    document = yaml.safe_load(source.read_text())
    assert document["ComponentName"] == source.stem
    for manifest in document["Manifests"]:
        assert manifest["Platform"].items() >= {"os": "linux", "runtime": "*"}.items()
        # Nucleus lite knows no other phases than these, and a SOFT dependency is the only kind that both take.
        assert set(manifest["Lifecycle"]) <= {"install", "run"}
    kinds = {each["DependencyType"] for each in document.get("ComponentDependencies", {}).values()}
    assert kinds <= {"SOFT"}
    assert "RequiresPrivilege" not in source.read_text()


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_variable_stands_inside_configuration_where_lite_would_not_replace_it(source: Path) -> None:
    configuration = yaml.safe_load(source.read_text()).get("ComponentConfiguration", {})
    assert not re.search(r"\{[a-z]+:", str(configuration))


SETTINGS = {("PublishToTopic", "smartcam/settings/*"), ("SubscribeToTopic", "smartcam/settings/*")}
"""To hear what the console wishes, and to answer."""


def test_capture_may_announce_frames_hear_how_and_nothing_else() -> None:
    assert allowed("smartcam.Capture", PUBSUB) == {
        ("PublishToTopic", "smartcam/frames/*"),
        ("PublishToTopic", "smartcam/clips/*"),
        ("SubscribeToTopic", "smartcam/transport/*"),
        ("SubscribeToTopic", "smartcam/clips/*"),
        *SETTINGS,
    }
    assert allowed("smartcam.Capture", MQTT) == set()
    assert fnmatchcase(frames_topic(CAMERA), "smartcam/frames/*")


def test_inference_may_hear_frames_say_how_send_events_hear_acknowledgements_and_nothing_else() -> None:
    assert allowed("smartcam.Inference", PUBSUB) == {
        ("SubscribeToTopic", "smartcam/frames/*"),
        ("SubscribeToTopic", "smartcam/clips/*"),
        ("PublishToTopic", "smartcam/transport/*"),
        ("PublishToTopic", "smartcam/clips/*"),
        ("SubscribeToTopic", "smartcam/views/*"),
        ("PublishToTopic", "smartcam/views/*"),
        ("PublishToTopic", "smartcam/health"),
        *SETTINGS,
    }
    assert fnmatchcase(views_topic(CAMERA), "smartcam/views/*")
    assert all(fnmatchcase(settings_topic(camera), "smartcam/settings/*") for camera in (CAMERA, None))
    assert fnmatchcase(clips_topic(CAMERA), "smartcam/clips/*")
    assert fnmatchcase(transport_topic(CAMERA), "smartcam/transport/*")
    assert fnmatchcase(ALL_FRAMES, "smartcam/frames/*")
    assert allowed("smartcam.Inference", MQTT) == {
        ("PublishToIoTCore", "smartcam/v1/+/+/event"),
        ("PublishToIoTCore", "smartcam/v1/+/health"),
        ("SubscribeToIoTCore", "smartcam/v1/+/ack"),
    }
    assert event_topic(THING, CAMERA) == "smartcam/v1/porch/door/event"
    assert health_topic(THING) == "smartcam/v1/porch/health"
    assert ack_topic(THING) == "smartcam/v1/porch/ack"


def test_home_assistants_component_may_hear_how_the_device_is_wish_and_nothing_else() -> None:
    assert allowed("smartcam.HomeAssistant", PUBSUB) == {("SubscribeToTopic", "smartcam/health"), *SETTINGS}
    assert set(defaults("smartcam.HomeAssistant")["accessControl"]) == {PUBSUB}


def test_home_assistants_component_has_the_codes_own_defaults_and_names_every_setting() -> None:
    held = defaults("smartcam.HomeAssistant")
    assert read_homeassistant(held) == read_homeassistant(as_mapping(as_lite_delivers(held))) == HomeAssistantSettings()
    assert set(held) - {"accessControl"} == {each.name for each in fields(HomeAssistantSettings)}
    text = (ROOT / "docs" / "configuration.md").read_text()
    part = text.partition("## smartcam.HomeAssistant")[2].partition("## ")[0]
    written = {"": "(empty)", False: "`false`"}
    expected = {key: written.get(held[key], f"`{held[key]}`") for key in held.keys() - {"accessControl"}}
    assert dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", part, re.MULTILINE)) == expected


def test_the_recipes_hold_the_codes_own_defaults() -> None:
    capture, inference = defaults("smartcam.Capture"), defaults("smartcam.Inference")
    assert read_capture(capture) == read_capture(as_mapping(as_lite_delivers(capture))) == CaptureSettings()
    assert read_inference(inference) == read_inference(as_mapping(as_lite_delivers(inference))) == InferenceSettings()


def test_the_recipes_name_every_setting() -> None:
    names = {each.name for each in fields(InferenceSettings)} - {"wanted", "unlisted"}  # which are no keys
    assert set(defaults("smartcam.Inference")) - {"accessControl"} == names
    assert set(defaults("smartcam.Inference")["outbox"]) == {"max_events", "max_age_h"}
    assert set(defaults("smartcam.Inference")["snapshots"]) == {each.name for each in fields(SnapshotSettings)}
    assert set(defaults("smartcam.Capture")) - {"accessControl"} == {each.name for each in fields(CaptureSettings)}
    assert set(defaults("smartcam.Capture")["clips"]) == {each.name for each in fields(ClipSettings)}
    assert set(defaults("smartcam.Capture")["recording"]) == {each.name for each in fields(RecordingSettings)}
    assert set(defaults("smartcam.Capture")["footage"]) == {each.name for each in fields(FootageSettings)}


def as_mapping(value: object) -> Mapping[str, object]:
    assert isinstance(value, Mapping)
    return {key: inner for key, inner in value.items() if key != "accessControl"}


def documented() -> dict[str, str]:
    """The keys and defaults in the tables of docs/configuration.md."""
    text = (ROOT / "docs" / "configuration.md").read_text()
    return {
        key.split(".")[-1]: default for key, default in re.findall(r"^\| `([\w.]+)` \| (.+?) \|", text, re.MULTILINE)
    }


def test_the_document_names_every_setting_with_its_default() -> None:
    table = documented()
    camera = SourceSettings(CAMERA, Path())
    for each in fields(SourceSettings):
        if each.name not in (
            "camera",
            "path",
            "clips",
            "recording",
            "footage",
        ):  # they have tables of their own, for all cameras
            default = getattr(camera, each.name)
            written = str(default).lower() if isinstance(default, bool) else default
            assert table[each.name] == {"": "(empty)", (): "(none)"}.get(written, f"`{written}`")
    analysis = {each.name for each in fields(AnalysisSettings)} - {"verdicts"}  # which are people's, no key
    assert analysis | {each.name for each in fields(ClipSettings)} <= set(table)
    assert {each.name for each in fields(FootageSettings)} <= set(table)
    inference = InferenceSettings()
    assert table["camera_lost_after_s"] == f"`{inference.camera_lost_after_s}`"
    assert table["event_valid_s"] == f"`{inference.event_valid_s}`"
    assert table["health_every_s"] == f"`{inference.health_every_s}`"
    assert {each.name for each in fields(SnapshotSettings)} <= set(table)
    assert table["max_events"] == f"`{inference.outbox.max_events}`"
    assert table["max_age_h"] == f"`{inference.outbox.max_age_s / 3600}`"


def test_the_suite_brings_every_other_component_that_is_not_deployed_on_demand() -> None:
    others = {source.stem for source in SOURCES} - {"smartcam.Suite", *ON_DEMAND}
    assert set(recipe("smartcam.Suite")["ComponentDependencies"]) == others


def test_final_recipes_have_no_placeholder_left(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    built = build_suite(tmp_path / "out", bundle)
    for path in built.recipes.iterdir():
        assert "{COMPONENT" not in path.read_text()
        assert "{RUNTIME" not in path.read_text()
