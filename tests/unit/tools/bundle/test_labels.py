from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ContractError
from smartcam.contract.event import EventKind
from smartcam.contract.written import UnreadableText
from tests.fakes import onnx_maker
from tools.bundle.coco import COCO_80, COCO_90, COCO_PLACES
from tools.bundle.label_forms import labels_of
from tools.bundle.label_list import LabelList
from tools.bundle.labels import (
    FittedLabels,
    contradictions,
    events_of,
    find_labels,
    fit,
    possible_counts,
    read_label_file,
)

SHARED = Path(__file__).resolve().parents[5] / "shared/data/models/coco_ssd_labelmap.txt"
UNLIKE = "the labels inside the model are others"
HEADS = ["ssd", "yolo", "yolox", "classifier"]
DARKNET = tuple(
    {"motorcycle": "motorbike", "airplane": "aeroplane", "couch": "sofa", "potted plant": "pottedplant",
     "dining table": "diningtable", "tv": "tvmonitor"}.get(name, name) for name in COCO_80
)  # fmt: skip


def lines(*labels: str) -> LabelList:
    return labels_of("\n".join(labels).encode())


def refusal(read: LabelList, classes: int | None, head: str) -> str:
    with pytest.raises(ContractError) as caught:
        fit(read, classes, head)
    assert caught.value.field == "labels"
    return str(caught.value)


def test_labels_numbered_from_1_are_not_shifted(tmp_path: Path) -> None:
    """Once, `1 person` made every person a `???` and every bicycle a person, in silence."""
    file = tmp_path / "labels.txt"
    file.write_text("1 person\n2 bicycle\n3 car\n")
    fitted = fit(read_label_file(file), None, "ssd")
    assert fitted.labels == ("person", "bicycle", "car")
    assert "numbered from 1" in fitted.said


def test_a_file_that_cannot_be_read_or_is_too_large_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        read_label_file(tmp_path / "none")
    (tmp_path / "large").write_bytes(b"a\n" * 10_000_000)
    with pytest.raises(UnreadableText, match="256000 bytes"):
        read_label_file(tmp_path / "large")


@pytest.mark.skipif(not SHARED.exists(), reason="the shared models are not beside the project")
def test_the_label_file_of_the_shared_detector_is_cocos() -> None:
    assert fit(read_label_file(SHARED), 90, "ssd") == FittedLabels(COCO_90, ())


BACKGROUNDS = ["background", "__background__", "_background_", "Background", "???", "unlabeled", "unlabelled", "bg",
               "BG", "N/A", "n/a", "[background]", "<bg>", "none", "background class", "void"]  # fmt: skip


@pytest.mark.parametrize("word", BACKGROUNDS)
def test_a_first_line_for_the_background_is_left_out_where_classes_count_from_the_first_object(word: str) -> None:
    for classes in (2, None):
        fitted = fit(lines(word, "person", "car"), classes, "ssd")
        assert fitted.labels == ("person", "car")
        assert f"the first label, {word!r}, was left out" in fitted.said[-1]
    assert fit(lines(word, "person", "car"), 2, "yolo").labels == ("person", "car")


@pytest.mark.parametrize("word", BACKGROUNDS)
def test_a_classifier_keeps_its_background_unless_it_has_one_class_less(word: str) -> None:
    assert fit(lines(word, "person", "car"), 3, "classifier").labels == (word, "person", "car")
    assert fit(lines(word, "person", "car"), None, "classifier").labels == (word, "person", "car")
    assert fit(lines(word, "person", "car"), 2, "classifier").labels == ("person", "car")


def test_the_first_of_an_ssds_labels_stays_if_the_model_has_a_class_for_it() -> None:
    assert fit(lines("background", "person", "car"), 3, "ssd").labels == ("background", "person", "car")


@pytest.mark.parametrize("word", ["backpack", "bgirl", "nonexistent", "person", "other", "nothing"])
def test_a_first_object_is_no_background(word: str) -> None:
    assert fit(lines(word, "car"), None, "ssd") == FittedLabels((word, "car"), ())


def test_a_classifier_whose_labels_are_numbered_from_1_has_the_background_at_0() -> None:
    assert fit(lines("1 tench", "2 goldfish"), 3, "classifier").labels == ("background", "tench", "goldfish")
    assert fit(lines("1 tench", "2 goldfish"), 2, "classifier").labels == ("tench", "goldfish")


def test_blank_lines_are_classes_without_a_name_unless_the_count_says_otherwise() -> None:
    assert fit(lines("person", "", "car"), 3, "ssd").labels == ("person", "???", "car")
    fitted = fit(lines("person", "", "car"), 2, "yolo")
    assert fitted.labels == ("person", "car")
    assert "blank lines" in fitted.said[-1]


OTHERS = iter(["street sign", "hat", "shoe", "eye glasses", "plate", "mirror", "window", "desk", "door", "blender"])
PAPER = (*(next(OTHERS) if name == "???" else name for name in COCO_90), "hair brush")
COCO_FILES: dict[str, Sequence[str]] = {
    "80": COCO_80, "90": COCO_90, "darknet's words": DARKNET, "80 and a background": ("background", *COCO_80),
    "91": ("???", *COCO_90), "numbered from 1 with holes": [f"{place + 1} {COCO_90[place]}" for place in COCO_PLACES],
    "numbered from 0": [f"{number}: {name}" for number, name in enumerate(COCO_80)],
    "blank lines for holes": [name.replace("???", "") for name in COCO_90],
    "N/A for holes": [name.replace("???", "N/A") for name in COCO_90],
    "the paper's 91": PAPER, "the paper's first 90": PAPER[:90], "the paper's and a background": ("unlabeled", *PAPER),
    "as one line": [",".join(COCO_80)],
}  # fmt: skip


@pytest.mark.parametrize("head", ["ssd", "yolo", "yolox"])
@pytest.mark.parametrize("names", COCO_FILES.values(), ids=COCO_FILES.keys())
def test_cocos_names_are_put_beside_80_and_90_classes_and_it_is_said(names: Sequence[str], head: str) -> None:
    read = lines(*names)
    for classes, expected in ((80, COCO_80), (90, COCO_90)):
        fitted = fit(read, classes, head)
        people = [place for place, name in enumerate(fitted.labels) if name == "person"]
        assert len(fitted.labels) == classes
        assert people == [0]
        assert [fitted.labels.index(name) for name in ("car", "stop sign", "toothbrush")] == [
            expected.index(name) for name in ("car", "stop sign", "toothbrush")
        ]
        if len(read.labels) != classes:
            assert fitted.said


@pytest.mark.parametrize(
    ("names", "counts"),
    [(["person", "car"], {2}), (["???", "person"], {1, 2}), (["1 person", "2 car"], {2, 3}), (["a", "", "b"], {2, 3}),
     (COCO_80, {80, 90, 91}), (PAPER, {80, 90, 91})],
)  # fmt: skip
def test_a_list_says_how_many_classes_it_can_be_fitted_to(names: Sequence[str], counts: set[int]) -> None:
    assert possible_counts(lines(*names)) == counts
    for head in HEADS:
        for classes in range(1, 100):
            if classes not in counts:
                refusal(lines(*names), classes, head)


def test_91_classes_of_coco_begin_with_the_background() -> None:
    assert fit(lines(*COCO_80), 91, "yolox").labels == ("???", *COCO_90)


def test_an_ssd_that_does_not_say_how_many_classes_it_has_counts_cocos_90_unless_the_user_says_otherwise() -> None:
    fitted = fit(lines(*COCO_80), None, "ssd")
    assert fitted.labels == COCO_90
    assert "does not say how many" in fitted.said[-1]
    assert fit(lines(*COCO_90), None, "ssd") == FittedLabels(COCO_90, ())
    assert fit(lines(*COCO_80, "???"), None, "ssd").labels == (*COCO_80, "???")


def test_names_that_are_only_nearly_cocos_are_not_moved() -> None:
    swapped = (*COCO_80[:2], COCO_80[3], COCO_80[2], *COCO_80[4:])
    assert "80 labels, but the model has 90 classes" in refusal(lines(*swapped), 90, "ssd")
    assert fit(lines(*swapped), None, "ssd").labels == swapped


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("classes", [1, 2, 5, 79, 81, 1001])
def test_any_other_count_is_refused_with_both_numbers_and_what_to_do(head: str, classes: int) -> None:
    said = refusal(lines("person", "car", "dog"), classes, head)
    assert f"has 3 labels, but the model has {classes} class" in said
    assert "???" in said


def test_a_thousand_labels_for_a_thousand_and_one_classes_are_refused_with_a_hint_at_the_background() -> None:
    said = refusal(lines(*(f"thing{number}x" for number in range(1000))), 1001, "classifier")
    assert "make `background` the first line" in said


def test_a_background_alone_is_no_label() -> None:
    assert "has no labels" in refusal(lines("background"), None, "ssd")


@given(
    st.lists(st.sampled_from(["background", "???", "person", "car", "", "dog", "1 a", "2 b"]), min_size=1, max_size=6),
    st.none() | st.integers(1, 8),
    st.sampled_from(HEADS),
)
def test_whatever_is_fitted_has_one_label_for_each_class(names: list[str], classes: int | None, head: str) -> None:
    try:
        fitted = fit(lines(*names), classes, head)
    except (ContractError, UnreadableText) as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is right
    else:
        assert classes in {None, len(fitted.labels)}
        given = [name.split()[-1] for name in names if name and name not in {"background", "???"}]
        kept = [name.split()[-1] for name in fitted.labels if name not in {"background", "???"}]
        assert sorted(kept) == sorted(given)


@pytest.mark.parametrize(
    ("classes", "labels"), [(80, COCO_80), (90, COCO_90), (None, COCO_90), (91, ("???", *COCO_90))]
)
def test_cocos_names_are_built_in(classes: int | None, labels: tuple[str, ...]) -> None:
    assert len(COCO_80) == 80
    assert len(COCO_90) == 90
    assert fit(find_labels(Path("coco"), b""), classes, "ssd").labels == labels


def test_a_file_that_is_called_as_the_built_in_names_are_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coco").write_text("car\n")
    assert find_labels(Path("coco"), b"").labels == ("car",)


def test_a_model_without_labels_inside_asks_for_them() -> None:
    with pytest.raises(UnreadableText, match=r"has no labels inside; give a file with --labels, or --labels coco"):
        find_labels(None, b"")


@pytest.mark.parametrize(
    ("texts", "events"),
    [
        (["person=person"], {"person": EventKind.PERSON}),
        (["person=person, car = vehicle"], {"person": EventKind.PERSON, "car": EventKind.VEHICLE}),
        (["person=person", "car=vehicle"], {"person": EventKind.PERSON, "car": EventKind.VEHICLE}),
        (["tench, Tinca tinca=animal"], {"tench, Tinca tinca": EventKind.ANIMAL}),
        (["tench, Tinca tinca=animal,car, auto=vehicle"],
         {"tench, Tinca tinca": EventKind.ANIMAL, "car, auto": EventKind.VEHICLE}),
        (["a=b=person"], {"a=b": EventKind.PERSON}),
        (["person=person", "person=person"], {"person": EventKind.PERSON}),
        (["person=person,"], {"person": EventKind.PERSON}),
    ],
)  # fmt: skip
def test_events_may_be_given_several_times_and_for_labels_with_commas(
    texts: list[str], events: dict[str, EventKind]
) -> None:
    assert events_of(texts) == events


@pytest.mark.parametrize(
    ("text", "said"),
    [("person", "--events person: must be LABEL=KIND"), ("person=ghost", "=ghost: must be LABEL=KIND with a kind of p"),
     ("person=persn,car=vehicle", "person=persn: must"), ("=person", "must be"), ("", "must be"), (" ,", "must be"),
     ("car=vehicle,person", "--events person: must"), ("person=person,person=animal", "both person and animal"),
     ("a=tamper", "must be")],
)  # fmt: skip
def test_a_wrong_event_is_refused_with_the_pair(text: str, said: str) -> None:
    with pytest.raises(ContractError, match=said):
        events_of([text])


def test_an_ssd_seen_to_count_from_1_keeps_the_background_that_its_labels_name() -> None:
    fitted = fit(lines("background", "person", "car"), None, "ssd", frozenset({1, 2}))
    assert fitted.labels == ("background", "person", "car")
    assert "class 2 and never 0" in fitted.said[-1]
    assert fit(lines(*COCO_80), None, "ssd", frozenset({1, 90})).labels == ("???", *COCO_90)
    assert fit(lines("???", *COCO_90), None, "ssd", frozenset({90})).labels == ("???", *COCO_90)


@pytest.mark.parametrize("seen", [frozenset[int](), frozenset({0}), frozenset({0, 2}), frozenset({1})])
def test_a_class_0_or_none_too_many_does_not_count_from_1(seen: frozenset[int]) -> None:
    assert fit(lines("background", "person", "car"), None, "ssd", seen).labels == ("person", "car")


def test_labels_that_do_not_name_the_background_are_never_shifted_by_what_was_seen() -> None:
    """One may as well be missing."""
    assert fit(lines("person", "car"), None, "ssd", frozenset({1, 2})).labels == ("person", "car")


@pytest.mark.parametrize("names", [("person", "car"), ("background", "person", "car"), ("???", "person", "car")])
@pytest.mark.parametrize("classes", [None, 3])
def test_the_user_may_say_that_class_0_is_the_background(names: tuple[str, ...], classes: int | None) -> None:
    fitted = fit(lines(*names), classes, "ssd", background=True)
    assert fitted.labels == ("???", "person", "car")
    assert fitted.said == ("class 0 is the background, as you say",)
    assert fit(lines(*COCO_80), None, "ssd", background=True).labels == ("???", *COCO_90)
    with pytest.raises(ContractError, match="has no labels but the background"):
        fit(lines("background"), None, "ssd", frozenset({1}), background=True)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("person", "car", "dog"), []),
        (("Person", "CAR", "dog"), []),
        (("car", "person", "dog"), ["the model itself names class 0 'person', your labels 'car'; yours are taken"]),
        (("person", "car", "cat"), ["the model itself names class 2 'dog', your labels 'cat'; yours are taken"]),
        (("person", "car"), [f"{UNLIKE}: has 3 labels, but the model has 2 classes; yours are taken"]),
    ],
)  # fmt: skip
def test_labels_inside_the_model_that_contradict_the_users_are_said(names: tuple[str, ...], said: list[str]) -> None:
    model = onnx_maker.yolo(metadata={"names": "{0: 'person', 1: 'car', 2: 'dog'}"})
    assert [*contradictions(names, model, "yolo")] == said
    assert [*contradictions(names, onnx_maker.yolo(), "yolo")] == []
    assert [*contradictions(names, onnx_maker.yolo(metadata={"names": "{0: 3"}), "yolo")] == []
