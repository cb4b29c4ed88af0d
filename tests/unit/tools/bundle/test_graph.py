"""What a model's file says of its operators, without running it."""

import struct

import pytest
from flatbuffers import flexbuffers  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.errors import ModelIntegrityError
from tests.fakes import models
from tools.bundle.flexbuffer import numbers_in
from tools.bundle.graph import counted_classes, custom_operators, post_processing, refuse_compiled

POST_PROCESSING = "TFLite_Detection_PostProcess"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 2, 1, 0)])
def test_the_operator_says_which_output_is_which_in_any_order(order: tuple[int, ...]) -> None:
    found = post_processing(models.custom(POST_PROCESSING, order))
    assert found == {role: order.index(place) for place, role in enumerate(("boxes", "classes", "scores", "count"))}


def test_a_model_without_the_operator_says_nothing() -> None:
    assert post_processing(models.custom("SomethingElse")) == {}
    assert post_processing(models.detector()) == {}
    assert post_processing(models.custom(POST_PROCESSING, (0, 1))) == {}, "an output that is no output of the model"


def test_a_model_for_an_edge_tpu_is_known_by_its_operator_whatever_its_name() -> None:
    assert custom_operators(models.custom("edgetpu-custom-op")) == ("edgetpu-custom-op",)
    with pytest.raises(ModelIntegrityError, match="for the Edge TPU"):
        refuse_compiled(models.custom("edgetpu-custom-op"), "model.tflite")
    refuse_compiled(models.detector(), "model.tflite")


NUMBERS = st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(width=32))


@given(st.dictionaries(st.text("abc_", min_size=1, max_size=20), st.one_of(NUMBERS, st.text(max_size=9)), max_size=20))
def test_the_numbers_of_an_operators_options_are_read_as_they_were_written(options: dict[str, float | str]) -> None:
    expected = {key: value for key, value in options.items() if not isinstance(value, str)}
    assert repr(sorted(numbers_in(bytes(flexbuffers.Dumps(options))).items())) == repr(
        sorted((key, int(value) if isinstance(value, bool) else value) for key, value in expected.items())
    )


@given(st.binary(max_size=64), st.integers(0, 200))
def test_damaged_options_say_nothing_and_take_no_time(noise: bytes, at: int) -> None:
    whole = bytes(flexbuffers.Dumps({"num_classes": 90, "nms_iou_threshold": 0.6, "name": "a"}))
    for damaged in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :], noise + whole[at:]):
        numbers_in(damaged)


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        ({"num_classes": 90, "max_detections": 10, "nms_iou_threshold": 0.6}, 90),
        ({"num_classes": 1}, 1),
        ({"num_classes": 300, "detections_per_class": 2**40}, 300),
        ({"num_classes": 0}, None),
        ({"num_classes": -3}, None),
        ({"num_classes": 2**60}, None),
        ({"num_classes": float("nan")}, None),
        ({"num_classes": "many"}, None),
        ({"max_detections": 10}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_operator_says_how_many_classes_it_knows(
    options: dict[str, float | str] | None, classes: int | None
) -> None:
    assert counted_classes(models.custom(POST_PROCESSING, options=options)) == classes
    assert counted_classes(models.custom("SomethingElse", options=options)) is None


@given(st.binary(max_size=64), st.integers(0, 200))
def test_damaged_files_and_files_of_another_kind_say_nothing(noise: bytes, at: int) -> None:
    whole = models.custom(POST_PROCESSING, options={"num_classes": 90})
    for damaged in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :], b"\0\0\0\0TFL3" + noise):
        post_processing(damaged)
        custom_operators(damaged)
        counted_classes(damaged)


def overlapping(count: int, name: bytes) -> bytes:
    """A model with so many codes, graphs, and operators in each graph, all at the same three places."""
    tables, vector, places = 20, 4 + 4 * count, struct.Struct("<iIII")
    codes = tables + places.size
    code = codes + 2 * vector
    graph, operators = code + places.size, code + 2 * places.size
    operator = operators + vector
    text = operator + places.size

    def table(at: int, *targets: int) -> bytes:
        return places.pack(at - 8, *(target - at - 4 * number for number, target in enumerate(targets, 1)))

    def pointing(at: int, target: int) -> bytes:
        return struct.pack(f"<I{count}I", count, *range(target - at - 4, target - at - 4 - 4 * count, -4))

    head = struct.pack("<I4sHHHHHH", tables, b"TFL3", 12, 16, 0, 4, 8, 12)
    return b"".join([
        head, table(tables, codes, codes + vector, text), pointing(codes, code), pointing(codes + vector, graph),
        table(code, text, text, text), table(graph, text, text, operators), pointing(operators, operator),
        table(operator, text, text, text), struct.pack("<I", len(name)), name,
    ])  # fmt: skip


def test_tables_that_lie_in_each_other_do_not_multiply() -> None:
    model = overlapping(20_000, b"name" * 25_000)
    assert custom_operators(model) == ("name" * 64,) * 1000
    assert custom_operators(overlapping(2, b"name")) == ("name", "name")
    assert counted_classes(model) is None
