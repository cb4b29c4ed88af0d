import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.recipes.versions import VersionError, parse_range, parse_version

NUMBERS = st.tuples(*[st.integers(0, 20)] * 3)


@given(NUMBERS, NUMBERS)
def test_versions_are_ordered_by_their_numbers(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    first, second = (parse_version(".".join(map(str, numbers))) for numbers in (one, other))
    assert (first < second) is (one < other)


def test_versions_are_ordered_as_semver_has_it() -> None:
    rising = "0-alpha 0-alpha.1 0-alpha.beta 0-beta 0-beta.2 0-beta.11 0-rc.1 0"
    texts = [f"1.0.{patch}" for patch in rising.split(" ")]
    assert sorted(map(parse_version, reversed(texts))) == list(map(parse_version, texts))


@pytest.mark.parametrize("text", ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "banana", "1.2.3 ", "1.2.3-"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(VersionError):
        parse_version(text)


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        (">=1.0.0 <2.0.0", "1.9.9", True),
        (">=1.0.0 <2.0.0", "2.0.0", False),
        (">=1.0.0 <2.0.0", "0.9.0", False),
        ("1.0.0", "1.0.0", True),
        ("=1.0.0", "1.0.1", False),
        (">1.0.0", "1.0.0", False),
        ("<=1.0.0", "1.0.0", True),
        (">=1.0.0", "10.0.0", True),
    ],
)
def test_a_range_takes_what_is_within_all_its_bounds(wanted: str, version: str, *, expected: bool) -> None:
    assert parse_range(wanted).takes(parse_version(version)) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("^1.0.0", "lite knows bounds only"),
        ("~1.0.0", "lite knows bounds only"),
        ("", "must not be empty"),
        (">= 1.0.0", "without a space"),
        (">=one", "not a version"),
    ],
)
def test_a_range_that_lite_does_not_understand_is_refused(text: str, reason: str) -> None:
    with pytest.raises(VersionError, match=reason):
        parse_range(text)
