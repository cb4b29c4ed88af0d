import argparse

import pytest

from smartcam.edge.arguments import number, whole


def test_both_ends_of_a_range_belong_to_it() -> None:
    assert [whole(1, 65_535)(text) for text in ("1", "65535")] == [1, 65_535]
    assert [number(0, 1)(text) for text in ("0", "0.5", "1")] == [0, 0.5, 1]
    assert number(0.1)("1e9") == 1e9


@pytest.mark.parametrize("text", ["0", "-3", "65536", "1.5", "many", "", "nan", "9" * 400])
def test_what_is_no_whole_number_of_the_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"^{text}: give a whole number, 1 to 65535$"):
        whole(1, 65_535)(text)


@pytest.mark.parametrize("text", ["-0.1", "100", "nan", "inf", "-inf", "all"])
def test_what_is_no_number_of_the_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=f"^{text}: give a number, 0 to 1$"):
        number(0, 1)(text)


def test_a_range_without_an_upper_end_says_so() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"^0: give a number, 0\.1 or more$"):
        number(0.1)("0")
    with pytest.raises(argparse.ArgumentTypeError, match=r"^inf: give a number, 0\.1 or more$"):
        number(0.1)("inf")
