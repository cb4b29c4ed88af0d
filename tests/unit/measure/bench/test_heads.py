"""The cost of each head is measured on outputs of the sizes that real models give."""

from measure.bench.heads import HEADS, measure_heads


def test_every_head_is_measured_with_and_without_objects() -> None:
    figures = list(measure_heads())
    assert [figure.head for figure in figures][:-1] == [*HEADS]
    assert all(figure.nothing_ms > 0 and figure.objects_ms > 0 for figure in figures)
