"""Any CSV with a label column, as numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.errors import TrainingError
from training.tabular.table import learn_code, read_rows


def table(*extra: str, rows: int = 30) -> str:
    lines = ["size,colour,label"]
    lines += [f"{number},{'red' if number % 3 else 'blue'},{'yes' if number % 2 else 'no'}" for number in range(rows)]
    return "\n".join([*lines, *extra]) + "\n"


def test_numbers_stay_numbers_and_words_become_one_number_each() -> None:
    read = read_rows(table())
    code = learn_code(read.rows)
    assert read.positive == "yes"
    assert [(each.name, each.words) for each in code.columns] == [("size", ()), ("colour", ("blue", "red"))]
    np.testing.assert_array_equal(code.encode(read.rows[:2]), [[0, 1, 0], [1, 0, 1]])
    np.testing.assert_array_equal(code.encode([{"size": "7", "colour": "green"}]), [[7, 0, 0]])


def test_what_is_missing_is_the_middle_and_said_to_be_missing() -> None:
    read = read_rows(table(",red,yes", "nan,red,no", "many,red,no", "1e999,red,no"))
    code = learn_code(read.rows)
    assert code.encode([{"size": "", "colour": "red"}]).tolist() == [[14.5, 1, 0, 1]]
    assert np.isfinite(code.encode(read.rows)).all()
    assert code.encode([{}]).shape == (1, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no column 'label'; there are none"),
        ("a,b\n1,2\n", "has no column 'label'; there are a, b"),
        ("a,a,label\n", "two columns are called 'a'"),
        ("a,label\n1,yes\n", r"two different labels; it has 1: yes \(1\)"),
        ('a,label\n1,"yes\nor so"\n2,no\n', r"has the label 'yes\\nor so', which is no line of at most 256 characters"),
        (table(*["5,red,maybe"] * 3), "it has 3"),
        (table('5,"red,yes', rows=40), r"line 42: is no CSV \(a quotation mark of it is never closed\)"),
        (table('5,red,"yes', *["6,red,no"] * 9), r"line 32: is no CSV \(a quotation mark"),
        (table("5," + "r" * 140_000 + ",yes"), r"line 32: is no CSV \(field larger than field limit"),
        ("a,label\n" + "1,yes\n" * 9 + "2,no\n" * 50, "a label with only 9 rows"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        read_rows(text)


def test_a_table_in_which_nothing_differs_is_refused() -> None:
    with pytest.raises(TrainingError, match=r"no column can be learned from \(a: is the same everywhere; b: is empty"):
        learn_code([{"a": "1", "b": ""}] * 30)


def test_names_and_notes_are_left_out_by_their_reason() -> None:
    rows = [{"id": f"event-{number}", "size": str(number)} for number in range(40)]
    code = learn_code(rows)
    assert code.left_out == (("id", "has 40 different texts"),)
    assert [each.name for each in code.columns] == ["size"]


def test_rows_that_are_crooked_or_unlabelled_are_left_out_and_told_of() -> None:
    read = read_rows("\ufeff" + table("1,red", "2,red,yes,more", "3,red,"))
    assert len(read.rows) == 30
    assert read.said == (
        "left out: rows with another number of cells: 2 (line 32, 33)",
        "left out: rows without a label: 1",
    )


def test_a_row_is_known_by_its_line_also_behind_a_cell_of_several_lines() -> None:
    read = read_rows(table('1,"dark\n\nred",yes', "", "2,red"))
    assert read.said == ("left out: rows with another number of cells: 1 (line 36)",)


def test_the_positive_label_is_the_rarer_one_unless_it_says_yes_or_is_named() -> None:
    text = "a,label\n" + "1,cat\n" * 30 + "2,dog\n" * 12
    assert read_rows(text).positive == "dog"
    assert read_rows(text, positive="cat").positive == "cat"
    with pytest.raises(TrainingError, match="no row of column 'label' is 'cow'"):
        read_rows(text, positive="cow")


@given(st.text(max_size=300))
def test_any_text_is_a_table_or_refused(text: str) -> None:
    try:
        read = read_rows(text)
        numbers = learn_code(read.rows).encode(read.rows)
    except TrainingError:
        return
    assert len(numbers) == len(read.rows)
    assert np.isfinite(numbers).all()
