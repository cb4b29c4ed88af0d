"""Which filter takes which topic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.azure.local import matches
from tests.fakes.bus import topic_matches

LEVELS = st.lists(st.sampled_from(["a", "b", "+", "", "event"]), min_size=1, max_size=4).map("/".join)


@given(LEVELS, st.lists(st.sampled_from(["a", "b", "", "event"]), min_size=1, max_size=4).map("/".join))
def test_a_filter_takes_what_the_nucleus_in_memory_takes(topic_filter: str, topic: str) -> None:
    assert matches(topic_filter, topic) == topic_matches(topic_filter, topic)


@pytest.mark.parametrize(("topic_filter", "topic"), [("a/+", "a"), ("a", "a/b"), ("+", "a/b")])
def test_a_plus_is_one_level_and_no_other_number(topic_filter: str, topic: str) -> None:
    assert not matches(topic_filter, topic)
