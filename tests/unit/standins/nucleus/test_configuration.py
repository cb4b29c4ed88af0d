from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from standins.nucleus.configuration import (
    ConfigurationConflict,
    ConfigurationStore,
    KeyPath,
    NoSuchKey,
    Tree,
    Update,
    parse_pointer,
)

KEYS = st.text("abc", min_size=1, max_size=2)
LEAVES = st.one_of(st.text(max_size=3), st.integers(), st.booleans(), st.lists(st.integers(), max_size=2))
DOCUMENTS = st.dictionaries(
    KEYS, st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=6), max_size=4
)


@given(DOCUMENTS)
def test_a_document_that_was_merged_is_read_back(document: dict[str, object]) -> None:
    tree = Tree()
    tree.merge((), document, 1)
    assert tree.read(()) == document


@given(DOCUMENTS)
def test_merging_the_same_again_changes_nothing(document: dict[str, object]) -> None:
    tree = Tree()
    tree.merge((), document, 1)
    assert tree.merge((), document, 2) == []
    assert tree.read(()) == document


@given(DOCUMENTS)
def test_defaults_never_overwrite_what_the_device_has(document: dict[str, object]) -> None:
    tree = Tree()
    tree.merge((), document, 1)
    tree.fill((), dict.fromkeys(document, "default"), 2)
    assert tree.read(()) == document


@given(DOCUMENTS, st.data())
def test_removing_a_path_leaves_everything_else(document: dict[str, object], draws: st.DataObject) -> None:
    tree = Tree()
    tree.merge((), {"kept": "x", **document}, 1)
    key = draws.draw(KEYS)
    tree.remove((key,))
    assert tree.read(()) == {name: value for name, value in {"kept": "x", **document}.items() if name != key}


def test_a_merge_tells_each_changed_leaf_with_its_whole_path() -> None:
    store = ConfigurationStore()
    told: list[tuple[str, KeyPath]] = []
    store.merge("c", (), {"a": {"b": 1, "c": [1]}, "d": "x"}, 1)
    store.listener = lambda component, path: told.append((component, path))
    store.merge("c", ("a",), {"b": 2, "c": [1], "new": {"leaf": True}}, 2)
    assert told == [("c", ("a", "b")), ("c", ("a", "new", "leaf"))]


def test_text_and_number_are_not_the_same_value() -> None:
    tree = Tree()
    tree.merge(("a",), "5", 1)
    assert tree.merge(("a",), 5, 2) == [("a",)]


def test_an_older_write_is_silently_left_out() -> None:
    tree = Tree()
    tree.merge(("a",), "new", 10)
    assert tree.merge(("a",), "old", 9) == []
    assert tree.read(("a",)) == "new"


@pytest.mark.parametrize(
    ("path", "value"), [(("a",), "leaf"), (("b", "c"), "x"), (("b",), {"c": "x"}), (("e",), "leaf"), ((), "leaf")]
)
def test_a_value_never_takes_an_objects_place_nor_the_other_way_round(path: KeyPath, value: object) -> None:
    tree = Tree()
    tree.merge((), {"a": {"b": 1}, "b": "leaf", "e": {}}, 1)
    with pytest.raises(ConfigurationConflict):
        tree.merge(path, value, 2)


def test_an_empty_object_is_kept_and_can_be_filled() -> None:
    tree = Tree()
    tree.merge((), {"cameras": {}}, 1)
    assert tree.read(("cameras",)) == {}
    tree.merge((), {"cameras": {"yard": {"fps": "5"}}}, 2)
    assert tree.read(()) == {"cameras": {"yard": {"fps": "5"}}}
    tree.merge((), {"cameras": {}}, 3)
    assert tree.read(()) == {"cameras": {"yard": {"fps": "5"}}}


def test_what_is_not_there_is_named() -> None:
    store = ConfigurationStore()
    with pytest.raises(NoSuchKey, match="c"):
        store.read("c")
    store.merge("c", (), {"a": "x"}, 1)
    with pytest.raises(NoSuchKey, match="a/b"):
        store.read("c", ("a", "b"))
    assert store.document("unknown") == {}


def test_a_stale_value_survives_new_defaults_until_it_is_reset() -> None:
    store = ConfigurationStore()
    store.deploy("c", {"accessControl": {"old": "1"}, "x": "1"}, Update(), 1)
    store.deploy("c", {"accessControl": {"new": "2"}, "x": "2"}, Update(), 2)
    assert store.document("c") == {"accessControl": {"old": "1", "new": "2"}, "x": "1"}
    store.deploy("c", {"accessControl": {"new": "2"}, "x": "2"}, Update(reset=(("accessControl",),)), 3)
    assert store.document("c") == {"accessControl": {"new": "2"}, "x": "1"}


def test_a_deployments_merge_wins_over_the_defaults() -> None:
    store = ConfigurationStore()
    store.deploy("c", {"a": "default", "b": "default"}, Update({"a": 7}), 1)
    assert store.document("c") == {"a": 7, "b": "default"}


def test_the_configuration_is_there_again_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    ConfigurationStore(path).deploy("c", {"a": {"b": "1"}, "e": {}}, Update({"n": [1, True]}), 5)
    again = ConfigurationStore(path)
    assert again.document("c") == {"a": {"b": "1"}, "e": {}, "n": [1, True]}
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("pointer", "path"), [("", ()), ("/a/b", ("a", "b")), ("/a~1b/c~0d", ("a/b", "c~d")), ("/", ("",))]
)
def test_a_json_pointer_names_a_path(pointer: str, path: KeyPath) -> None:
    assert parse_pointer(pointer) == path


def test_a_pointer_without_its_slash_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with '/'"):
        parse_pointer("accessControl")
