"""The matching of topics that the fake nucleus relies on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.bus import topic_matches

levels = st.lists(st.text("abc", min_size=1, max_size=2), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/b", "a", False),
        ("a", "a/b", False),
        ("a/+", "a/b", True),
        ("a/+", "a/b/c", False),
        ("a/+", "a", False),
        ("+/b", "a/b", True),
        ("+", "a", True),
        ("a/+/c", "a//c", True),
        ("#", "a/b/c", True),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/#", "b", False),
        ("a/#/c", "a/b/c", False),
    ],
)
def test_topics_match_as_mqtt_says(topic_filter: str, topic: str, *, expected: bool) -> None:
    assert topic_matches(topic_filter, topic) is expected


@given(levels, st.data())
def test_a_topic_matches_itself_with_any_level_as_plus_and_any_tail_as_hash(
    topic: list[str], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(topic) - 1))
    assert topic_matches("/".join(topic), "/".join(topic))
    assert topic_matches("/".join([*topic[:place], "+", *topic[place + 1 :]]), "/".join(topic))
    assert topic_matches("/".join([*topic[:place], "#"]), "/".join(topic))
    assert not topic_matches("/".join([*topic, "+"]), "/".join(topic))
