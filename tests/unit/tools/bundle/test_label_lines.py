import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smartcam.contract.written import UnreadableText
from tools.bundle.coco import COCO_80, COCO_90, COCO_PLACES
from tools.bundle.label_lines import lines_read
from tools.bundle.label_list import LabelList

WORDS = [
    "person",
    "traffic light",
    "3 d printer",
    "tench, Tinca tinca",
    "Bär",
    "人",
    "jack-o'-lantern",
    'the "big" one',
]


def labels(text: str) -> tuple[str, ...]:
    return lines_read(text).labels


def read(text: str) -> LabelList:
    return lines_read(text)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "mark", [" ", "  ", "\t", ": ", ":", ",", ", ", ";", " = ", "=", ". ", ") ", " - ", "|", " -> ", "=>"]
)
def test_numbers_before_the_names_are_recognised_from_0_and_from_1(mark: str, first: int) -> None:
    text = "\n".join(f"{number}{mark}{word}" for number, word in enumerate(WORDS, first))
    found = read(text)
    assert found.labels == tuple(WORDS)
    assert f"numbered from {first}" in found.said
    assert found.from_one == (first == 1)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("mark", [" ", "\t", ": ", ",", ";", "="])
def test_numbers_after_the_names_are_recognised(mark: str, first: int) -> None:
    text = "\n".join(f"{word}{mark}{number}" for number, word in enumerate(WORDS, first))
    assert labels(text) == tuple(WORDS)


def test_numbered_lines_may_stand_in_any_order_with_blank_lines_between() -> None:
    assert labels("2 dog\n\n0 person\n\n\n1 car\n") == ("person", "car", "dog")


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_with_the_holes_of_coco_leave_the_holes(first: int) -> None:
    text = "\n".join(f"{place + first}  {COCO_90[place]}" for place in COCO_PLACES)
    assert labels(text) == COCO_90


def test_numbers_of_coco_may_have_the_background_before_them() -> None:
    text = "\n".join(["0 background", *(f"{place + 1} {COCO_90[place]}" for place in COCO_PLACES)])
    assert labels(text) == ("background", *COCO_90)


def test_a_number_without_a_name_is_a_class_without_a_name() -> None:
    assert labels("0 person\n1 bicycle\n2\n3 car") == ("person", "bicycle", "???", "car")


@pytest.mark.parametrize(
    "lines",
    [
        ["3 d printer"], ["3 d printer", "person"], ["person", "4 k screen"], ["0", "1", "2", "7"],
        ["1 euro", "2 euro"], ["1 cent", "2 cent", "5 cent", "10 cent"], ["1 cent", "2 cent", "1 euro", "2 euro"],
        ["2 plotter", "3 printer"], ["gate 1", "gate 2"], ["camera 0", "camera 1", "camera 2"],
        ["3d printer", "1.5 ton truck"], ["911 call"], ["007 gate", "008 door"], ["9 person", "4 car", "7 dog"],
        ["0: person", "1 car"],
    ],
)  # fmt: skip
def test_a_label_that_is_a_number_or_has_one_stays_as_it_is(lines: list[str]) -> None:
    assert labels("\n".join(lines)) == tuple(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [("0 person\n1 car\n3 dog", "after 1 comes 3"), ("1: person\n2: car\n2: dog\n3: cat", "after 2 comes 2"),
     ("1,person\n2,car\n4,dog\n5,cat", "after 2 comes 4")],
)  # fmt: skip
def test_a_numbering_that_lost_its_way_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(UnreadableText, match=said) as caught:
        lines_read(text)
    assert "JSON" in str(caught.value)


def test_blank_lines_at_the_end_are_no_classes_and_those_between_are_said() -> None:
    assert read("person\ncar\n\n\n") == LabelList(("person", "car"))
    found = read("person\n\ncar\n\n")
    assert found.labels == ("person", "???", "car")
    assert sorted(found.blank) == [1]
    assert "blank lines" in found.said[0]


@pytest.mark.parametrize(
    "text",
    [
        "id,name\n1,person\n2,car", "name,id\nperson,0\ncar,1", "Index;Label\n0;person\n1;car\n",
        "id\tname\n0\tperson\n1\tcar",
        '"id","name"\n"1","person"\n"2","car"', "class,label\nperson,0\ncar,1", "label,class\n0,person\n1,car",
        "index,mid,display_name\n0,/m/01g317,person\n1,/m/0k4j,car",
        "LabelName,DisplayName\n/m/01g317,person\n/m/0k4j,car",
        "\nid,name\n2,car\n1,person\n", "name\nperson\ncar", ",label\n0,person\n1,car",
        "id,name\n0,person\n1,car\n,\n,",
        "Label\n0 person\n1 car",
        "person,car", "person;car",
        '"person","car"',
        "index label\n0 person\n1 car", "'person',\n'car',\n", "person,\ncar,\n", '"person",\n"car"', "'person'\n'car'",
        "# of the yard\nperson\ncar", "# of the yard\n# from 2020\nid,name\n0,person\n1,car",
        '"person"\n"car"', '"1","person"\n"2","car"', "1,person\n2,car",
        '1,"person"\n2,"car"', "name,supercategory,id\nperson,a,1\ncar,b,2",
    ],
)  # fmt: skip
def test_tables_are_read_with_and_without_a_header(text: str) -> None:
    assert labels(text) == ("person", "car")


@pytest.mark.parametrize(
    "text",
    ['id,name\n0,"tench, Tinca tinca"\n1,"the ""big"" one"', 'id,name\n0,tench, Tinca tinca\n1,the "big" one',
     '0,"tench, Tinca tinca"\n1,"the ""big"" one"', 'tench, Tinca tinca\nthe "big" one',
     '"tench, Tinca tinca"\n"the ""big"" one"'],
)  # fmt: skip
def test_commas_and_quotes_inside_a_name_stay(text: str) -> None:
    assert labels(text) == ("tench, Tinca tinca", 'the "big" one')


@pytest.mark.parametrize(
    ("text", "said"),
    [("id,name\n0,person\n1", "a row with 1 of 2 cells"), ("id,name\n0,person\n0,car", "number 0"),
     ("id,name\n0,person\n99999,car", "99999"), ("id,number\n0,1\n1,2", "no column for the names"),
     ("id,name\n0,person\nx,car", "'x' among the numbers"), ("id,name\n0,person\n,car", "'' among the numbers"),
     ('id,name\n0,"person\n1,car', "CSV"), ("id,name\n" + "9" * 5000 + ",person", "number")],
)  # fmt: skip
def test_a_table_with_a_wrong_row_is_refused(text: str, said: str) -> None:
    with pytest.raises(UnreadableText, match=said):
        lines_read(text)


def any_names(letters: str, fewest: int) -> st.SearchStrategy[list[str]]:
    name = st.text(st.sampled_from(letters), min_size=1, max_size=8).filter(
        lambda name: name == " ".join(name.split()) and name[0] not in "\"'" and name[-1] != "," and name != "???"
    )
    return st.lists(name, min_size=fewest, max_size=9, unique=True)


@settings(max_examples=200)
@given(any_names("abz09 ,:;='\"#-?ä人", 1), st.sampled_from([0, 1]), st.sampled_from([" ", "\t", ": ", ",", ";"]))
def test_any_names_come_back_from_numbered_lines(names: list[str], first: int, mark: str) -> None:
    assume(not any(name[0] in ":;,=|-" for name in names))
    assume(len(names) > 1 or not set(names[0]) & {",", ";"})
    assert labels("\n".join(f"{number}{mark}{name}" for number, name in enumerate(names, first))) == tuple(names)


@settings(max_examples=500)
@given(any_names("abz ,:;='\"-?ä人", 2))
def test_any_names_without_numbers_come_back_from_lines(names: list[str]) -> None:
    assert labels("\n".join(names)) == tuple(names)


def test_the_80_names_come_back_from_plain_lines() -> None:
    assert read("\n".join(COCO_80)) == LabelList(COCO_80)
