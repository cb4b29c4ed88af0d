"""Deployments as values: what follows from what."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.release.deployment import Deployment, Release, WantedComponent, changes, earlier_again, gone, next_deployment

RELEASE = Release("0.2.0", ("smartcam.Capture", "smartcam.Suite"), frozenset({"smartcam.Capture"}))
YARD = {"cameras": {"yard": {"source": "file", "analyse_fps": 5}}}


def deployed(**merges: dict[str, Any]) -> Deployment:
    ours = {name: WantedComponent("0.1.0", merges.get(name.split(".")[1], {})) for name in RELEASE.components}
    nucleus = WantedComponent("2.13.0", {"logging": {"level": "DEBUG"}}, ("/x",), {"runWith": {"posixUser": "a:b"}})
    return Deployment({**ours, "aws.greengrass.Nucleus": nucleus})


def test_a_first_deployment_holds_every_component_with_its_rights_reset() -> None:
    following = next_deployment(None, RELEASE, {"smartcam.Capture": YARD})
    assert following.for_service() == {
        "smartcam.Capture": {
            "componentVersion": "0.2.0",
            "configurationUpdate": {
                "reset": ["/accessControl"],
                "merge": '{"cameras":{"yard":{"analyse_fps":5,"source":"file"}}}',
            },
        },
        "smartcam.Suite": {"componentVersion": "0.2.0"},
    }


def test_what_is_not_ours_stays_as_it_was_and_is_not_reset_again() -> None:
    following = next_deployment(deployed(), RELEASE, {})
    nucleus = following.components["aws.greengrass.Nucleus"]
    assert nucleus == WantedComponent("2.13.0", {"logging": {"level": "DEBUG"}}, (), {"runWith": {"posixUser": "a:b"}})
    assert (
        "aws.greengrass.Nucleus" not in next_deployment(deployed(), RELEASE, {}, ["aws.greengrass.Nucleus"]).components
    )


def test_without_a_configuration_file_the_configuration_stays() -> None:
    following = next_deployment(deployed(Capture=YARD), RELEASE, None)
    assert following.components["smartcam.Capture"].merge == YARD


def test_what_is_no_longer_configured_goes_back_to_its_default() -> None:
    porch = {"cameras": {"porch": {"source": "file"}, "yard": {"source": "file"}}}
    following = next_deployment(deployed(Capture=YARD), RELEASE, {"smartcam.Capture": porch})
    assert following.components["smartcam.Capture"].reset == ("/accessControl", "/cameras/yard/analyse_fps")


def test_the_plan_says_what_changes() -> None:
    following = next_deployment(
        deployed(Capture=YARD), RELEASE, {"smartcam.Capture": {"cameras": {"yard": {"analyse_fps": 4}}}}
    )
    assert changes(deployed(Capture=YARD), following) == [
        "~ smartcam.Capture 0.1.0 -> 0.2.0",
        "    /cameras/yard/analyse_fps: 5 -> 4",
        '    /cameras/yard/source: "file" -> the default',
        "~ smartcam.Suite 0.1.0 -> 0.2.0",
    ]
    assert changes(deployed(), deployed(Capture=YARD)) == [
        "~ smartcam.Capture 0.1.0",
        '    /cameras: {"yard": {"source": "file", "analyse_fps": 5}}',
    ]
    assert changes(None, following)[0] == "+ aws.greengrass.Nucleus 2.13.0"
    assert changes(following, Deployment({})) == [
        "- aws.greengrass.Nucleus 2.13.0",
        "- smartcam.Capture 0.2.0",
        "- smartcam.Suite 0.2.0",
    ]


def test_the_same_again_changes_nothing() -> None:
    first = next_deployment(deployed(), RELEASE, {"smartcam.Capture": YARD})
    assert changes(first, next_deployment(first, RELEASE, None)) == []


def test_going_back_resets_what_the_later_deployment_configured() -> None:
    before = deployed(Capture=YARD)
    after = next_deployment(before, RELEASE, {"smartcam.Capture": {"cameras": {"porch": {"source": "file"}}}})
    back = earlier_again(after, before)
    assert back.components["smartcam.Capture"] == WantedComponent("0.1.0", YARD, ("",))
    assert back.components["smartcam.Suite"] == WantedComponent("0.1.0")


def test_a_pointer_escapes_what_pointers_are_made_of() -> None:
    assert gone({"a/b~c": 1}, {}) == ["/a~1b~0c"]


@pytest.mark.parametrize(("old", "new"), [({"a": {"b": 1}}, {"a": 5}), ({"a": 5}, {"a": {"b": 1}})])
def test_an_object_and_a_value_are_never_merged_onto_each_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert gone(old, new) == ["/a"]


TREES = st.recursive(
    st.integers() | st.booleans() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(alphabet="ab~/", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(alphabet="ab~/", min_size=1, max_size=2), TREES, max_size=4)


def reset(document: dict[str, Any], pointer: str) -> None:
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in way:
        document = document[step]
    del document[last]


def merge(document: dict[str, Any], update: dict[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and key in document:
            assert isinstance(document[key], dict)
            merge(document[key], value)
        else:
            assert not isinstance(document.get(key), dict), "a value onto an object"
            document[key] = value


def without_empty(tree: object) -> object:
    if not isinstance(tree, dict):
        return tree
    inner = {key: without_empty(value) for key, value in tree.items()}
    return {key: value for key, value in inner.items() if value != {}}


@given(DOCUMENTS, DOCUMENTS)
def test_resets_and_merge_lead_from_any_configuration_to_any_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    """On a device as nuclei do it: first the resets, then the merge."""
    device: dict[str, Any] = {}
    merge(device, old)
    for pointer in gone(old, new):
        reset(device, pointer)
    merge(device, new)
    assert without_empty(device) == without_empty(new)


@given(st.dictionaries(st.sampled_from(["smartcam.Capture", "other.Thing"]), DOCUMENTS))
def test_what_is_written_for_the_service_reads_back_the_same(merges: dict[str, dict[str, Any]]) -> None:
    deployment = Deployment({name: WantedComponent("1.2.3", merge, ("/a",)) for name, merge in merges.items()})
    assert Deployment.of_service({"components": deployment.for_service()}) == deployment
