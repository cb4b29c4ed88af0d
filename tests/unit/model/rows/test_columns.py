"""How a row becomes numbers."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import Fields, parse_object
from smartcam.model.rows.columns import ColumnCode, RowCode, dump_columns, read_columns

cells = st.text(max_size=12)
columns = st.one_of(
    st.builds(ColumnCode, name=cells, words=st.lists(cells, min_size=1, max_size=5, unique=True).map(tuple)),
    st.builds(ColumnCode, name=cells, middle=st.floats(-1e6, 1e6, width=32), tells_missing=st.booleans()),
)


def read(document: object) -> tuple[ColumnCode, ...]:
    return read_columns(Fields(parse_object(json.dumps(document), "columns")))


@given(st.lists(columns, min_size=1, max_size=5, unique_by=lambda code: code.name))
def test_columns_are_read_as_they_were_written(codes: list[ColumnCode]) -> None:
    assert read({"columns": dump_columns(codes)}) == tuple(codes)


@given(st.lists(columns, max_size=4), st.dictionaries(cells, st.text(max_size=30), max_size=6))
def test_any_row_becomes_as_many_finite_numbers_as_the_columns_say(
    codes: list[ColumnCode], row: dict[str, str]
) -> None:
    code = RowCode(tuple(codes))
    numbers = code.encode([row])
    assert numbers.shape == (1, code.width)
    assert np.isfinite(numbers).all()


NUMBER: dict[str, Any] = {"name": "size", "middle": 1.5, "tells_missing": True}
WORDS: dict[str, Any] = {"name": "colour", "words": ["red", "blue"]}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "columns: is missing"),
        ({"columns": []}, "columns: must have at least one"),
        ({"columns": "size"}, "columns: must be a list"),
        ({"columns": [7]}, r"columns\.0: must be an object"),
        ({"columns": [NUMBER, NUMBER]}, "columns: must not name one twice"),
        ({"columns": [{**NUMBER, "name": 7}]}, r"columns\.0\.name: must be a text"),
        ({"columns": [{**NUMBER, "name": "n" * 257}]}, r"columns\.0\.name: must be a text of at most 256"),
        ({"columns": [{**NUMBER, "middle": "1"}]}, r"columns\.0\.middle: must be a number"),
        ({"columns": [{**NUMBER, "middle": 1e31}]}, r"columns\.0\.middle: must be"),
        ({"columns": [{"name": "size", "middle": 1}]}, r"columns\.0\.tells_missing: is missing"),
        ({"columns": [{"name": "size"}]}, r"columns\.0\.middle: must be a number"),
        ({"columns": [{**WORDS, "words": []}]}, r"columns\.0\.words: must have at least one"),
        ({"columns": [{**WORDS, "words": ["red", "red"]}]}, r"columns\.0\.words: must not name one twice"),
        ({"columns": [{**WORDS, "words": ["red", 7]}]}, r"columns\.0\.words\.1: must be a text"),
        ({"columns": [{**WORDS, "words": [str(n) for n in range(31)]}]}, r"columns\.0\.words: must have at most 30"),
        ({"columns": [{**WORDS, "middle": 1.0}]}, r"columns\.0\.middle: must not be there beside words"),
    ],
)
def test_wrong_columns_are_refused_with_the_field(document: object, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        read(document)


def test_a_middle_that_is_no_number_is_refused() -> None:
    with pytest.raises(ContractError, match="NaN is not JSON"):
        read({"columns": [{**NUMBER, "middle": float("nan")}]})
