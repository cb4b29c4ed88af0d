"""The options of an operator, in the format of FlexBuffers."""

from flatbuffers import flexbuffers  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from tools.bundle.options import whole_number_in

KEYS = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=12)


def written(options: object) -> bytes:
    builder = flexbuffers.Builder()
    builder.Add(options)
    return bytes(builder.Finish())


@given(st.dictionaries(KEYS, st.integers(0, 2**40) | st.floats(width=32, allow_nan=False) | st.booleans(), max_size=20))
def test_each_whole_number_of_a_map_is_found_and_nothing_else(options: dict[str, object]) -> None:
    content = written(options)
    for key, value in options.items():
        assert whole_number_in(content, key) == (value if type(value) is int else None)
    assert whole_number_in(content, "a key that is not there") is None


@given(st.binary(max_size=80), st.integers(0, 60))
def test_damaged_options_and_those_of_another_form_end_in_no_error(noise: bytes, at: int) -> None:
    whole = written({"num_classes": 90, "h_scale": 5.0})
    for damaged in (noise, whole[:at], whole[:at] + noise + whole[at + len(noise) :], written([1, 2]), b""):
        whole_number_in(damaged, "num_classes")
