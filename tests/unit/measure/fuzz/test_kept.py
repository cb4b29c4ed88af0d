from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.fuzz.kept import corpus_file, read_corpus, write_corpus


@given(st.sets(st.binary(max_size=40)))
def test_what_is_kept_is_read_again_the_shortest_first(
    tmp_path_factory: pytest.TempPathFactory, inputs: set[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("corpus")

    write_corpus("event", inputs, folder)

    assert read_corpus("event", folder) == tuple(sorted(inputs, key=lambda one: (len(one), one)))


def test_nothing_is_kept_of_a_new_target(tmp_path: Path) -> None:
    assert read_corpus("event", tmp_path) == ()


def test_a_remark_stays_when_the_corpus_is_written_again(tmp_path: Path) -> None:
    corpus_file("event", tmp_path).write_text("# why\nYQ==\n")

    write_corpus("event", [*read_corpus("event", tmp_path), b"b"], tmp_path)

    assert corpus_file("event", tmp_path).read_text() == "# why\nYQ==\nYg==\n"
