import logging

import pytest

from measure.fuzz.catalogue import TARGETS
from measure.fuzz.kept import CORPUS, read_corpus


@pytest.fixture(autouse=True)
def without_words() -> None:
    logging.disable()


@pytest.mark.parametrize("name", TARGETS)
def test_each_kept_input_gives_a_value_or_the_decoders_own_refusal(name: str) -> None:
    kept = read_corpus(name)

    assert kept
    for data in kept:
        TARGETS[name].feed(data)


def test_each_kept_corpus_is_some_targets() -> None:
    assert {path.stem for path in CORPUS.iterdir()} == set(TARGETS)
