"""From films to a bundle: gather, fit, export, choose thresholds, judge, bundle."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from smartcam import __version__
from smartcam.contract.event import EventKind
from smartcam.model.manifest import KINDS_OF_MODELS, MODEL_FILE, ModelKind, Provenance, Thresholds
from smartcam.model.packing import Draft
from training.bundle import KERAS_SOURCE, bundle, keep_source
from training.classifier.fitting import FitSettings, LossCurve, Notebook, begin, fit, logits_of
from training.classifier.judging import MIN_FRAMES, FilmVerdict, choose, judge
from training.classifier.networks import (
    InputSize,
    NetworkName,
    begun_with,
    build,
    deployable,
    opened_encoder,
    rgb_spec,
)
from training.classifier.teaching import by_signs, plainly, says_where
from training.classifier.watching import WatchedTime, watch
from training.errors import TrainingError
from training.evaluate import scores_of
from training.export import Precision, converted
from training.footage.cutting import Cuts, FootageUse
from training.footage.film import Film
from training.footage.gathering import MOST_PICTURES, Examples, Gathered, gather
from training.network import Network

_ROOT: Final = Path(__file__).resolve().parents[1]
DEMO_ENCODER: Final = _ROOT / "bundles/demo"
"""The demo's network has seen drawn people, animals and cars in drawn yards: a better start than chance."""
_NAME: Final = re.compile(r"[^A-Za-z0-9._-]+")
NAME_LENGTH: Final = 48
_LONGEST_NOTE: Final = 1024
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to learn and how.

    `target`: the label that raises an event. `budget_per_day`: false alarms that a person accepts. `command` and
    `source` go into the bundle. `temperature`: what the logits of the trained network are divided by. It ranks pictures
    as before; before a gentler sigmoid, a step that other kernels round otherwise changes the answer less.
    `begins_with`: a Keras file, with whose weights the signs network begins.
    """

    target: str
    network: NetworkName = NetworkName.TRANSFER
    size: InputSize = InputSize.USUAL
    encoder: Path = DEMO_ENCODER
    begins_with: Path | None = None
    budget_per_day: float = 1.0
    temperature: float = 1.0
    fitting: FitSettings = field(default_factory=FitSettings)
    name: str = ""
    version: str = "1.0.0"
    command: str = ""
    source: str = ""
    licence: str = "that of the footage, which is its owner's"

    @property
    def labels(self) -> tuple[str, str]:
        """The label of everything else, and the target."""
        return ("other" if self.target == "normal" else "normal", self.target)

    @property
    def event(self) -> EventKind:
        """What the target raises: its own kind where it is one, else an anomaly."""
        kinds = {str(kind): kind for kind in KINDS_OF_MODELS}
        return kinds.get(self.target, EventKind.ANOMALY)


@dataclass(frozen=True, slots=True)
class Learned:
    """A trained network, its file for devices, and what it is worth.

    `parity`: the largest difference of a probability between the file and the network, on the test's pictures.
    """

    network: Network
    exported: bytes
    curve: LossCurve
    thresholds: Thresholds
    keeps_budget: bool
    validation: FilmVerdict
    test: FilmVerdict
    parity: float
    watched: Mapping[FootageUse, WatchedTime]


def gathered_for(
    films: Sequence[Film],
    tell: Tell,
    cuts: Cuts | None = None,
    most: int | None = MOST_PICTURES,
    size: InputSize = InputSize.USUAL,
) -> Gathered:
    """The examples in films, once they are known to be enough; see `gather`.

    Raises:
        TrainingError: there is nothing to tell apart, or no held-out time.
    """
    gathered = gather(films, rgb_spec(size), most, tell, cuts)
    train = gathered.examples[FootageUse.TRAIN]
    if not train.shows.any() or train.shows.all():
        what = "all of it shows" if train.shows.any() else "none of it shows"
        raise TrainingError(
            f"footage: of the time for training {what} what is to be learned ({len(train)} pictures); "
            "telling apart takes both kinds"
        )
    for use in (FootageUse.VALIDATION, FootageUse.TEST):
        if not (~gathered.examples[use].shows).any():
            raise TrainingError(
                f"footage: no held-out time for the {use} in which nothing is to be seen; give longer clips, "
                "or at least five short ones"
            )
        if not gathered.examples[use].shows.any():
            tell(f"the held-out time for the {use} shows nothing to be found: only false alarms can be measured there")
    return gathered


def learn(
    films: Sequence[Film], gathered: Gathered, lesson: Lesson, work: Path, tell: Tell = lambda _: None
) -> Learned:
    """Trains, exports and judges.

    A training that was killed is gone on with, and one that is done is not done again: `work` has its notebook.

    Raises:
        TrainingError: the encoder does not fit, or the loss is no number.
    """
    train, validation, test = (gathered.examples[use] for use in FootageUse)
    if lesson.network is NetworkName.TRANSFER and not lesson.encoder.exists():
        raise TrainingError(f"encoder {lesson.encoder}: there is no such file or folder")
    notebook = Notebook(work / f"training-{_digest(gathered, lesson)}")
    network = _built(lesson)
    teaching = by_signs(network) if lesson.network is NetworkName.SIGNS and says_where(train) else plainly(network)
    fitted, curve = fit(network, train, validation, lesson.fitting, teaching=teaching, notebook=notebook, tell=tell)
    # Built anew: names are numbered and stand in the file, and a notebook that was read has used up some.
    begin(lesson.fitting.seed)
    network = _built(lesson)
    network.set_weights(fitted.get_weights())
    verdict = network.layers[-1]
    verdict.set_weights([each / np.float32(lesson.temperature) for each in verdict.get_weights()])
    exported = converted(deployable(network), Precision.INT8, train.rgb)
    watched = watch(films, gathered.cuts, exported, tell)
    for_thresholds, for_test = watched[FootageUse.VALIDATION], watched[FootageUse.TEST]
    thresholds, keeps = choose(for_thresholds.scores, for_thresholds.looks, lesson.budget_per_day)
    return Learned(
        network=network,
        exported=exported,
        curve=curve,
        thresholds=thresholds,
        keeps_budget=keeps,
        validation=judge(for_thresholds.scores, for_thresholds.looks, thresholds, gathered.films),
        test=judge(for_test.scores, for_test.looks, thresholds, gathered.films),
        parity=_parity(network, exported, test),
        watched=watched,
    )


def write(learned: Learned, lesson: Lesson, gathered: Gathered, out: Path) -> str:
    """Writes the bundle, and beside it the network as Keras has it; returns the model's SHA-256.

    Raises OSError where they cannot be written; a bundle that was there is replaced only by a whole one.
    """
    share = gathered.shares[FootageUse.TRAIN]
    seen = (
        f"{share.pictures} pictures of {share.seconds / 3600:.2f} h in {len(gathered.films)} films, "
        f"{share.visits} visits; held out: {in_words(learned.test)}"
    )
    draft = Draft(
        name=plain_name(lesson.name or f"{lesson.target}-{lesson.network}"),
        version=lesson.version,
        kind=ModelKind.CLASSIFIER,
        labels=lesson.labels,
        events={lesson.target: lesson.event},
        thresholds=learned.thresholds,
        min_frames=MIN_FRAMES,
        licence=lesson.licence,
        provenance=Provenance(
            lesson.source[:_LONGEST_NOTE], lesson.command[:_LONGEST_NOTE], lesson.fitting.seed, seen[:_LONGEST_NOTE]
        ),
    )
    digest = bundle(learned.exported, draft, out).files[MODEL_FILE]
    keep_source(out, KERAS_SOURCE, deployable(learned.network).save)
    return digest


def plain_name(text: str) -> str:
    """The text as a bundle's or a folder's name."""
    return _NAME.sub("-", text).strip("-._")[:NAME_LENGTH] or "trained"


def in_words(verdict: FilmVerdict) -> str:
    """The figures of held-out time in one line, with what so little time can prove."""
    found = verdict.alarms
    area = "no frame AUC (one kind of pictures only)" if verdict.auc is None else f"frame AUC {verdict.auc:.4f}"
    return (
        f"{area}, {found.found} of {found.visits} visits, {found.false} false alarms in "
        f"{found.normal_s / 3600:.3f} h (which proves at most {found.most_false_per_day:,.0f} a day)"
    )


def _built(lesson: Lesson) -> Network:
    begin(lesson.fitting.seed)
    if lesson.begins_with is not None:
        return begun_with(lesson.begins_with, lesson.size)
    is_begun = lesson.network is NetworkName.TRANSFER
    return build(lesson.network, lesson.size, opened_encoder(lesson.encoder, lesson.size) if is_begun else None)


def _digest(gathered: Gathered, lesson: Lesson) -> str:
    """Tells trainings apart: examples, network, what it begins with, settings and the version of all this."""
    digest = hashlib.sha256(f"{__version__} {lesson.network} {lesson.fitting}".encode())
    if lesson.network is NetworkName.TRANSFER:
        digest.update((lesson.encoder / MODEL_FILE if lesson.encoder.is_dir() else lesson.encoder).read_bytes())
    if lesson.begins_with is not None:
        digest.update(lesson.begins_with.read_bytes())
    for use in (FootageUse.TRAIN, FootageUse.VALIDATION):
        digest.update(gathered.examples[use].rgb.data)
        digest.update(gathered.examples[use].shows.data)
    return digest.hexdigest()[:16]


def _parity(network: Network, exported: bytes, test: Examples) -> float:
    trained = 1 / (1 + np.exp(-logits_of(network, test.rgb)))
    return float(np.abs(trained - scores_of(exported, test.rgb)).max())
