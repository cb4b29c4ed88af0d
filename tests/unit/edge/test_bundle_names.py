from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import SettingsError
from smartcam.edge.bundle_names import MOST_BUNDLES, bundle_folder, is_bundle_name, read_bundles
from smartcam.edge.settings import Settings

RELEASED = Path("/work/smartcam.Model/current")


@given(st.text(max_size=80))
def test_whatever_may_be_a_name_is_one_folder_of_that_name(word: str) -> None:
    if is_bundle_name(word):
        assert (RELEASED / word).parent == RELEASED
        assert word.isascii()
        assert not word.startswith((".", "-"))
        assert 1 <= len(word) <= 64


@pytest.mark.parametrize("word", ["", ".", "..", "a/b", "a b", "-a", "a.b", "grün", "x" * 65, "a\n", "a\0"])
def test_what_is_no_folder_of_its_own_is_no_name(word: str) -> None:
    assert not is_bundle_name(word)


def test_a_bundle_lies_where_it_is_said_to_and_else_with_those_of_the_release() -> None:
    assert bundle_folder("default", None, RELEASED) == RELEASED
    assert bundle_folder("traffic", None, RELEASED) == RELEASED / "traffic"
    assert bundle_folder("traffic", Path("/mine"), RELEASED) == Path("/mine")
    assert bundle_folder("traffic", None, None) is None


def test_names_are_read_with_their_folders() -> None:
    assert read_bundles(Settings({"bundles": {"traffic": "", "gate-2": "/mine"}})) == {
        "traffic": None,
        "gate-2": Path("/mine"),
    }
    assert read_bundles(Settings({})) == {}


@pytest.mark.parametrize(
    ("bundles", "key", "remedy"),
    [
        ({"../etc": ""}, "bundles.../etc", "as a bundle's name must be"),
        ({"default": "/mine"}, "bundles.default", "is the bundle of `bundle`"),
        ({"traffic": 7}, "bundles.traffic", "must be one line of text"),
        ({"traffic": ["/mine"]}, "bundles.traffic", "must be one line of text"),
        (["traffic"], "bundles", "must be a table"),
        ({f"b{number}": "" for number in range(MOST_BUNDLES + 1)}, "bundles", f"must be at most {MOST_BUNDLES}"),
    ],
)
def test_a_wrong_table_is_refused_with_its_key_and_the_remedy(bundles: object, key: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_bundles(Settings({"bundles": bundles}))
    assert caught.value.key == key
    assert remedy in caught.value.remedy
