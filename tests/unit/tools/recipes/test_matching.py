import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.nucleus.authority import MQTT_PROXY, PUBSUB, read_access_control
from standins.nucleus.testbed import access_control
from tools.recipes.matching import glob_matches, is_valid_resource, mqtt_resource_matches, topic_matches

LEVELS = st.lists(st.text("ab", max_size=3), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("topic", "topic_filter", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/+", True),
        ("a", "a/+", False),
        ("a/b/c", "a/+", False),
        ("a/", "a/+", True),
        ("a/b/c", "a/#", True),
        ("a", "a/#", True),
        ("b/c", "a/#", False),
        ("a/b/c", "+/b/+", True),
        ("a/b", "#", True),
        ("$aws/x", "#", False),
        ("$aws/x", "+/x", False),
        ("$aws/x", "$aws/#", True),
        ("a/b/c", "a/#/c", False),
        ("a+", "a+", True),
        ("ab", "a+", False),
    ],
)
def test_a_topic_matches_a_filter_as_mqtt_has_it(topic: str, topic_filter: str, *, expected: bool) -> None:
    assert topic_matches(topic, topic_filter) is expected


@given(LEVELS, st.data())
def test_every_topic_matches_itself_with_levels_replaced_by_wildcards(levels: list[str], draws: st.DataObject) -> None:
    chosen = [draws.draw(st.sampled_from([level, "+"])) for level in levels]
    assert topic_matches("/".join(levels), "/".join(chosen))
    assert topic_matches("/".join(levels), "/".join([*chosen[: draws.draw(st.integers(0, len(chosen)))], "#"]))


@pytest.mark.parametrize(
    ("resource", "pattern", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b/c", "a/*", True),
        ("a/b/c", "*/c", True),
        ("a/b/c", "a/*/c", True),
        ("a/c", "a/*/c", False),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
        ("a*", "a${*}", True),
        ("ab", "a${*}", False),
        ("a.b", "a.b", True),
        ("axb", "a.b", False),
    ],
)
def test_in_a_policy_of_local_topics_only_the_star_is_special(resource: str, pattern: str, *, expected: bool) -> None:
    assert glob_matches(resource, pattern) is expected


@pytest.mark.parametrize(
    ("resource", "pattern", "expected"),
    [
        ("smartcam/v1/yard/cam/event", "smartcam/v1/+/+/event", True),
        ("smartcam/v1/yard/ack", "smartcam/v1/+/ack", True),
        ("smartcam/v1/a/b/ack", "smartcam/v1/+/ack", False),
        ("smartcam/v1/yard/ack/x", "smartcam/v1/+/ack", False),
        ("a/b/c", "a/#", True),
        ("a/+/c", "a/+/c", True),
        ("xa/b", "a/b", False),
    ],
)
def test_a_policy_of_cloud_topics_takes_mqtt_wildcards(resource: str, pattern: str, *, expected: bool) -> None:
    assert mqtt_resource_matches(resource, pattern) is expected


@pytest.mark.parametrize(
    ("resource", "expected"), [("a/b", True), ("a?b", False), ("$aws/x", True), ("a${*}", True), ("a${x}", False)]
)
def test_a_bare_question_mark_is_not_for_every_lite(resource: str, *, expected: bool) -> None:
    assert is_valid_resource(resource) is expected


def test_only_what_a_policy_names_is_allowed() -> None:
    authority = read_access_control(access_control(publish=["a/*"], publish_cloud=["c/+"]))
    assert authority.allows(PUBSUB, "aws.greengrass#PublishToTopic", "a/b")
    assert not authority.allows(PUBSUB, "aws.greengrass#PublishToTopic", "b")
    assert not authority.allows(PUBSUB, "aws.greengrass#SubscribeToTopic", "a/b")
    assert not authority.allows(MQTT_PROXY, "aws.greengrass#PublishToTopic", "a/b")
    assert authority.allows(MQTT_PROXY, "aws.greengrass#PublishToIoTCore", "c/d")


def test_a_star_stands_for_every_operation_and_every_resource() -> None:
    authority = read_access_control({PUBSUB: {"p": {"operations": ["*"], "resources": ["*"]}}})
    assert authority.allows(PUBSUB, "aws.greengrass#SubscribeToTopic", "a/b")
    # Refused after 2.6.0, which is the version that the stand-in follows.
    assert authority.allows(PUBSUB, "aws.greengrass#SubscribeToTopic", "a?b")


def test_a_second_policy_may_allow_what_the_first_does_not() -> None:
    first = {"operations": ["*"], "resources": ["a"]}
    second = {"operations": ["*"], "resources": ["b"]}
    assert read_access_control({PUBSUB: {"1": first, "2": second}}).allows(PUBSUB, "x", "b")


@pytest.mark.parametrize(
    "document",
    [
        None,
        "text",
        {PUBSUB: "text"},
        {PUBSUB: {"p": "text"}},
        {PUBSUB: {"p": {"operations": ["*"]}}},
        {PUBSUB: {"p": {"operations": "*", "resources": ["*"]}}},
        {PUBSUB: {"p": {"operations": ["*"], "resources": [1]}}},
    ],
)
def test_a_malformed_policy_allows_nothing(document: object) -> None:
    assert not read_access_control(document).allows(PUBSUB, "aws.greengrass#PublishToTopic", "a")
