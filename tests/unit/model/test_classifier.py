"""The classifier's score is the share of the label that raises an event."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.event import EventKind
from smartcam.contract.notice import PixelBox
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.classifier import ClassifierScorer
from smartcam.model.packing import Draft
from smartcam.model.scoring import AnomalyScorer
from smartcam.vision.picture import Picture
from tests.fakes import models
from tests.fakes.scorer import FakeScorer
from tests.unit.model.conftest import CLASSIFIER


def picture(red: int) -> Picture:
    bgr = np.zeros((64, 96, 3), np.uint8)
    bgr[..., 2] = red
    return Picture.from_bgr(bgr)


@pytest.mark.parametrize("kind", ["uint8", "int8", "float32"])
@pytest.mark.parametrize("logits", [False, True])
def test_every_kind_of_numbers_gives_one_score(
    write: Callable[[str, bytes, Draft], Path],
    kind: str,
    logits: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    scorer = analyser_of(ModelBundle.open(write("any", models.classifier(kind, logits=logits), CLASSIFIER)))
    assert isinstance(scorer, ClassifierScorer)
    red = float(np.asarray(picture(255).crop(PixelBox(0, 0, 96, 64), (8, 8)))[..., 0].mean()) / 255
    expected = 1 / (1 + np.exp(4 - 8 * red))
    assert scorer.score([picture(255)]) == pytest.approx(expected, abs=0.02)
    assert scorer.score([picture(0)]) == pytest.approx(1 / (1 + np.exp(4)), abs=0.02)


def test_only_the_newest_picture_counts(write: Callable[[str, bytes, Draft], Path]) -> None:
    scorer = analyser_of(ModelBundle.open(write("newest", models.classifier(), CLASSIFIER)))
    assert isinstance(scorer, ClassifierScorer)
    assert scorer.score([picture(255), picture(0)]) == scorer.score([picture(0)])


def test_the_alarming_label_and_its_kind_come_from_the_manifest(write: Callable[[str, bytes, Draft], Path]) -> None:
    draft = replace(CLASSIFIER, events={"normal": EventKind.PERSON})
    scorer = analyser_of(ModelBundle.open(write("other", models.classifier(), draft)))
    assert isinstance(scorer, ClassifierScorer)
    assert (scorer.label, scorer.kind) == ("normal", EventKind.PERSON)
    assert scorer.score([picture(0)]) > 0.9


def test_no_picture_has_no_score(write: Callable[[str, bytes, Draft], Path]) -> None:
    scorer = analyser_of(ModelBundle.open(write("none", models.classifier(), CLASSIFIER)))
    assert isinstance(scorer, ClassifierScorer)
    scorers: list[AnomalyScorer] = [scorer, FakeScorer([0.5])]
    for either in scorers:
        with pytest.raises(ValueError, match="at least one picture"):
            either.score([])
