"""The event filter: what it holds back, and what it never does."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartcam.contract.event import Severity
from smartcam.model.rows.columns import Row
from tests.training.tabular.verdicts import history
from training.errors import TrainingError
from training.tabular.silencing import UNKNOWN, Answer, Effect, learn_filter, limit_of, near_what_was_false, spans_of
from training.tabular.table import learn_code


def bells(rows: Sequence[Row], is_false: NDArray[np.bool_]) -> Answer:
    """Stands in for the network: each column of each kind a bell curve of its own."""
    code = learn_code(rows)
    known = code.encode(rows).astype(np.float64)
    least = known.std(axis=0) * 0.1 + 1e-3

    def logs(numbers: NDArray[np.float64], of: NDArray[np.float64]) -> NDArray[np.float64]:
        deviation = np.maximum(of.std(axis=0), least)
        apart = ((numbers - of.mean(axis=0)) / deviation).clip(-4, 4)
        return np.asarray((-(apart**2) / 2 - np.log(deviation)).sum(axis=1), np.float64)

    def answer(asked: Sequence[Row]) -> NDArray[np.float64]:
        numbers = code.encode(asked).astype(np.float64)
        return logs(numbers, known[is_false]) - logs(numbers, known[~is_false])

    return answer


def effect_of(rows: Sequence[Row], never_from: Severity = Severity.CRITICAL) -> Effect:
    lesson = learn_filter(rows, bells, never_from)
    return lesson.effect(lesson.made.silences)


def test_verdicts_that_say_something_silence_half_of_the_false_events_and_no_true_one() -> None:
    effect = effect_of(history())
    assert effect.is_proof
    assert effect.true_silenced == 0
    assert effect.false_silenced >= effect.false / 2
    assert str(effect).startswith(f"would have silenced {effect.false_silenced} of {effect.false} false events, and no")


@pytest.mark.parametrize("seed", range(5))
def test_verdicts_that_say_nothing_silence_nothing(seed: int) -> None:
    lesson = learn_filter(history(seed=seed, meaningless=True), bells)
    effect = lesson.effect(lesson.made.silences)
    assert (lesson.made.limit, effect.false_silenced, effect.true_silenced) == (None, 0, 0)
    assert lesson.made.threshold == 1.0
    assert not effect.is_proof


def test_an_event_as_severe_as_the_user_named_is_never_held_back() -> None:
    rows = [row | {"severity": str(Severity.CRITICAL)} for row in history()]
    assert learn_filter(rows, bells).made.limit is not None
    assert effect_of(rows).false_silenced == 0
    assert effect_of(history(), Severity.WARNING).false_silenced == 0
    assert effect_of(history(), Severity.INFO).false_silenced == 0


def test_an_event_whose_severity_is_unknown_is_never_held_back() -> None:
    rows = [row | {"severity": "dreadful"} for row in history()]
    assert effect_of(rows).false_silenced == 0


def test_tampering_is_never_held_back_whatever_the_verdicts_say() -> None:
    assert effect_of([row | {"kind": "tamper"} for row in history()]).false_silenced == 0


def test_an_event_unlike_all_that_were_called_false_is_not_held_back_however_sure_the_network_is() -> None:
    def sure(_rows: Sequence[Row], _is_false: NDArray[np.bool_]) -> Answer:
        return lambda asked: np.full(len(asked), 20.0)

    rows = [{"x": "0.5", "camera": "gate"}, {"x": "0.6", "camera": "gate"}, {"x": "0.1", "camera": "door"}]
    answer = near_what_was_false(sure)(rows, np.array([True, True, False]))
    asked = [
        {"x": x, "camera": camera} for x, camera in (("0.55", "gate"), ("0.7", "gate"), ("", "gate"), ("0.55", ""))
    ]
    assert answer([*asked, {}]).tolist() == [20, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]


def test_what_false_events_never_had_keeps_an_event_from_being_held_back() -> None:
    """The first ones had no place: an event in any place is unlike all of them."""
    spans = {span.name: span for span in spans_of([{"camera": "gate"}, {"x": "0.5"}], np.array([True, False]))}
    assert spans["x"].holds("")
    assert not spans["x"].holds("0.5")
    mixed = {span.name: span for span in spans_of([{"x": ""}, {"x": "0.5"}, {"x": "0.7"}], np.ones(3, bool))}
    assert [mixed["x"].holds(text) for text in ("", "0.6", "0.8")] == [True, True, False]


def test_names_that_look_like_numbers_are_names() -> None:
    rows = [{"camera": "1"}, {"camera": "3"}]
    (camera,) = [span for span in spans_of(rows, np.ones(2, bool)) if span.name == "camera"]
    assert [camera.holds(text) for text in ("1", "2", "3", "1.0")] == [True, False, True, False]


def test_events_without_a_verdict_that_is_understood_are_not_counted() -> None:
    rows = history()
    for row in rows[::2]:
        row["verdict"] = "perhaps"
    effect = effect_of(rows)
    assert effect.false + effect.true == 100


def test_too_few_verdicts_are_refused_with_what_is_missing() -> None:
    with pytest.raises(TrainingError, match=r"of the earlier half 0 events are judged false and 0 true"):
        learn_filter([row | {"verdict": ""} for row in history()], bells)
    with pytest.raises(TrainingError, match="at least 10 of each"):
        learn_filter(history(30), bells)


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), max_size=80))
def test_no_limit_lets_a_true_event_through_that_was_seen(pairs: list[tuple[float, bool]]) -> None:
    scores = np.array([score for score, _ in pairs])
    is_false = np.array([wrong for _, wrong in pairs], bool)
    limit = limit_of(scores, is_false)
    assert limit is None or not (scores[~is_false] > limit).any()


def test_two_true_ones_far_apart_from_many_false_ones_do_not_prove_much() -> None:
    """With nine in ten false, a few in front are no evidence."""
    scores = np.concatenate([np.zeros(10), np.full(8, 5.0), np.full(90, -1.0)])
    is_false = np.concatenate([np.zeros(10, bool), np.ones(98, bool)])
    assert limit_of(scores, is_false) is None
