"""Trains a network on examples: classes weighed, pictures varied, stopped in time, the best weights kept."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from training.classifier.teaching import Teaching, plainly
from training.errors import TrainingError
from training.footage.gathering import Examples
from training.network import Network

_AT_ONCE: Final = 64
_LOGIT: Final = 30.0
Weights = list[NDArray[np.float32]]
Tell = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class FitSettings:
    """Passes over the examples at most, and without progress; pictures a step; the highest learning rate; the seed.

    `keep_last`: all passes are done and the last weights kept, whatever the held-out loss says.
    """

    epochs: int = 24
    patience: int = 6
    batch: int = 32
    rate: float = 1e-3
    seed: int = 1
    keep_last: bool = False


@dataclass(frozen=True, slots=True)
class LossCurve:
    """Mean loss of each pass in training and on the validation's pictures; `best`: the pass whose weights are kept."""

    training: tuple[float, ...] = ()
    validation: tuple[float, ...] = ()

    @property
    def best(self) -> int:
        """From 0."""
        return int(np.argmin(self.validation))


@dataclass(frozen=True, slots=True)
class Notebook:
    """Where a training that is killed is gone on with. `folder` is made when it is needed."""

    folder: Path

    def write(self, learner: Network, best: Weights, curve: LossCurve) -> None:
        """Notes the state after a pass. What was noted before stays until all of this is on disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        done = len(curve.training)
        learner.save(self.folder / f"{done}.keras")
        np.savez(self.folder / f"{done}.best.npz", *best)
        partial = self.folder / "curve.partial"
        partial.write_text(json.dumps(asdict(curve)), encoding="utf-8")
        partial.replace(self.folder / "curve.json")
        for path in (self.folder / f"{done - 1}.keras", self.folder / f"{done - 1}.best.npz"):
            path.unlink(missing_ok=True)

    def read(self) -> tuple[Network, Weights, LossCurve] | None:
        """What was noted last: the learner, the best weights, the curve; None: nothing, or nothing that can be read."""
        import keras  # noqa: PLC0415 - only the training environment has it

        try:
            noted = json.loads((self.folder / "curve.json").read_text(encoding="utf-8"))
            curve = LossCurve(tuple(noted["training"]), tuple(noted["validation"]))
            done = len(curve.training)
            with np.load(self.folder / f"{done}.best.npz", allow_pickle=False) as stored:
                best = [stored[name] for name in stored.files]
            return keras.saving.load_model(self.folder / f"{done}.keras"), best, curve
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile):
            return None


def begin(seed: int) -> None:
    """Makes what follows the same each time; called before a network is built."""
    import keras  # noqa: PLC0415 - only the training environment has it
    import tensorflow as tf  # noqa: PLC0415

    keras.utils.clear_session()  # names are numbered, and they end up in the exported file
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def fit(
    network: Network,
    train: Examples,
    validation: Examples,
    settings: FitSettings,
    *,
    teaching: Teaching | None = None,
    notebook: Notebook | None = None,
    after_step: Callable[[int, int], object] = lambda _step, _steps: None,
    tell: Tell = lambda _: None,
) -> tuple[Network, LossCurve]:
    """The network with its best weights. The same examples, settings, versions give the same.

    `teaching`: how it is taught, plainly if nothing else is said. `after_step` is called with the number of steps done
    and that of all.

    Raises:
        TrainingError: the loss is no number any more.
    """
    weights = class_weights(train.shows)
    steps = max(len(train) // settings.batch, 1)
    curve, best = LossCurve(), network.get_weights()
    teaching = plainly(network) if teaching is None else teaching
    learner = teaching.learner
    learner.compile(optimizer=_optimizer(settings, steps), loss=teaching.loss, loss_weights=teaching.loss_weights)
    noted = None if notebook is None else notebook.read()
    if noted is not None:
        earlier, best, curve = noted
        _take_up(learner, earlier)
        tell(f"goes on after pass {len(curve.training)}")
    for epoch in range(len(curve.training), settings.epochs):
        if curve.validation and not settings.keep_last and epoch - curve.best > settings.patience:
            break
        loss = _pass(teaching, train, weights, settings, (epoch, steps), after_step)
        held_out = weighted_loss(logits_of(network, validation.rgb), validation.shows)
        if not math.isfinite(loss + held_out):
            raise TrainingError(
                f"the loss of pass {epoch + 1} is no number: a learning rate of {settings.rate:g} is too high; "
                "give a lower --rate"
            )
        curve = LossCurve((*curve.training, loss), (*curve.validation, held_out))
        best = network.get_weights() if settings.keep_last or curve.best == epoch else best
        notebook = _noted(notebook, learner, best, curve, tell)
        tell(
            f"pass {epoch + 1}/{settings.epochs} {_bar(epoch + 1, settings.epochs)} "
            f"loss {loss:.4f}, held out {held_out:.4f}"
        )
    network.set_weights(best)
    return network, curve


def _take_up(learner: Network, earlier: Network) -> None:
    """Goes on where an earlier training of the same learner ended: with its weights and its optimizer's state."""
    learner.set_weights(earlier.get_weights())
    learner.optimizer.build(learner.trainable_variables)
    for mine, its in zip(learner.optimizer.variables, earlier.optimizer.variables, strict=True):
        mine.assign(its)


def _noted(notebook: Notebook | None, learner: Network, best: Weights, curve: LossCurve, tell: Tell) -> Notebook | None:
    """Notes the state; the notebook is given up when it cannot be written, for the training is worth more."""
    try:
        if notebook is not None:
            notebook.write(learner, best, curve)
    except OSError as error:
        tell(f"a training that is killed now begins anew: {notebook and notebook.folder}: {error.strerror or error}")
        return None
    return notebook


def class_weights(shows: NDArray[np.bool_]) -> tuple[float, float]:
    """What a picture without and one with the target weighs, so that both kinds weigh the same together."""
    with_it = max(int(shows.sum()), 1)
    without = max(int((~shows).sum()), 1)
    return shows.size / 2 / without, shows.size / 2 / with_it


def logits_of(network: Network, rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The network's logit of each picture, float64 (n,)."""
    parts = [
        np.asarray(network(rgb[start : start + _AT_ONCE].astype(np.float32) / 255, training=False), np.float64)[:, 0]
        for start in range(0, len(rgb), _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def weighted_loss(logits: NDArray[np.float64], shows: NDArray[np.bool_]) -> float:
    """The mean cross-entropy of logits, both kinds of pictures weighing the same; NaN where a logit is none."""
    signed = np.where(shows, logits, -logits)
    losses = np.logaddexp(0, -np.clip(signed, -_LOGIT, _LOGIT))
    kinds = [losses[shows == kind].mean() for kind in (False, True) if (shows == kind).any()]
    return float(np.mean(kinds))


def _pass(
    teaching: Teaching,
    train: Examples,
    weights: tuple[float, float],
    settings: FitSettings,
    place: tuple[int, int],
    after_step: Callable[[int, int], object],
) -> float:
    epoch, steps = place
    rng = np.random.default_rng([settings.seed, epoch])
    order = rng.permutation(len(train))
    losses = []
    # The last, smaller batch is left out, because each batch size is compiled separately.
    for step in range(steps):
        chosen = order[step * settings.batch : (step + 1) * settings.batch]
        found = teaching.learner.train_on_batch(*teaching.batch(train, chosen, weights, rng))
        losses.append(float(np.asarray(found).reshape(-1)[0]))
        after_step(epoch * steps + step + 1, settings.epochs * steps)
    return float(np.mean(losses))


def _optimizer(settings: FitSettings, steps: int) -> Any:  # noqa: ANN401 - Keras publishes no types
    import keras  # noqa: PLC0415 - only the training environment has it

    schedule = keras.optimizers.schedules.CosineDecay(
        settings.rate / 10, decay_steps=settings.epochs * steps, warmup_target=settings.rate, warmup_steps=steps
    )
    return keras.optimizers.AdamW(schedule, weight_decay=1e-4)


def _bar(done: int, of: int, width: int = 20) -> str:
    full = width * done // of
    return f"[{'#' * full}{'.' * (width - full)}]"
