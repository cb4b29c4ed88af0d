"""Second stage: trains the network on the footage."""

import sys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.dataset import Footage
from training.network import CELL, TILE, Network, build_network


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How to train: passes over the footage, pictures per step, the highest learning rate, the seed."""

    epochs: int
    batch: int
    rate: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The network and the mean loss of every epoch."""

    network: Network
    losses: tuple[float, ...]


def train(footage: Footage, settings: Hyperparameters) -> Trained:
    """Trains from scratch; the same footage, settings and versions give the same network."""
    import keras  # noqa: PLC0415 - only the training environment has it
    import tensorflow as tf  # noqa: PLC0415

    keras.utils.clear_session()  # names are numbered, and they end up in the exported file
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    network = build_network()
    steps = -(-len(footage) // settings.batch)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                settings.rate / 10,
                decay_steps=settings.epochs * steps,
                warmup_target=settings.rate,
                warmup_steps=steps // 2,
            ),
            weight_decay=1e-4,
        ),
        loss={
            "shares": keras.losses.CategoricalCrossentropy(label_smoothing=0.02),
            "signs": keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.8, from_logits=True),
        },
        loss_weights={"shares": 1.0, "signs": 20.0},
    )
    losses = []
    for epoch in range(settings.epochs):
        losses.append(_epoch(network, footage, settings, epoch))
        print(f"epoch {epoch + 1}/{settings.epochs} loss {losses[-1]:.4f}", file=sys.stderr)
    return Trained(network, tuple(losses))


def _epoch(network: Network, footage: Footage, settings: Hyperparameters, epoch: int) -> float:
    rng = np.random.default_rng([settings.seed, epoch])
    order = rng.permutation(len(footage))
    losses = []
    # The last, smaller batch is dropped, because each batch size is compiled separately.
    for start in range(0, max(1, len(order) - settings.batch + 1), settings.batch):
        chosen = order[start : start + settings.batch]
        pictures, boxes = tiles(footage.rgb[chosen], footage.boxes[chosen], rng)
        truth = np.eye(2, dtype=np.float32)[(boxes[:, 2] > 0).astype(np.int64)]
        found = network.train_on_batch(pictures, {"shares": truth, "signs": sign_map(boxes)})
        losses.append(float(np.asarray(found).reshape(-1)[0]))
    return float(np.mean(losses))


def sign_map(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The target for the signs, (n, 10, 10, 1) of 0 and 1, for boxes (n, 4) in pixels of a tile.

    A cell is 1 if its centre lies in the box; the cell with the centre of the box always is.
    """
    cells = TILE // CELL
    middles = (np.arange(cells) + 0.5) * CELL
    x1, y1, x2, y2 = (boxes[:, side, None, None] for side in range(4))
    across, down = middles[None, None, :], middles[None, :, None]
    inside = (across > x1) & (across < x2) & (down > y1) & (down < y2)
    for place in np.flatnonzero(boxes[:, 2] > 0):
        left, top, right, bottom = np.clip(boxes[place], 0, TILE - 1)
        inside[place, int((top + bottom) / 2 / CELL), int((left + right) / 2 / CELL)] = True
    return inside[..., None].astype(np.float32)


def tiles(
    rgb: NDArray[np.uint8], boxes: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A tile (n, 80, 80, 3) of each picture, 0..1, mirrored, lit and coloured at random.

    `boxes` are normalised; those returned are in pixels of the tile. A tile contains the intruder of its picture; a
    normal picture is cut anywhere.
    """
    count, height, width, _ = rgb.shape
    parts = np.empty((count, TILE, TILE, 3), np.float32)
    placed = np.zeros((count, 4), np.float32)
    levels = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    for number in range(count):
        x1, y1, x2, y2 = boxes[number] * (width, height, width, height)
        left, top = _start(rng, x1, x2, width), _start(rng, y1, y2, height)
        part = rgb[number, top : top + TILE, left : left + TILE]
        if x2 > 0:
            placed[number] = np.clip((x1 - left, y1 - top, x2 - left, y2 - top), 0, TILE)
        if rng.random() < 0.5:  # noqa: PLR2004 - a coin
            part = np.ascontiguousarray(part[:, ::-1])
            if x2 > 0:
                placed[number, [0, 2]] = TILE - placed[number, [2, 0]]
        tint = rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, 3)
        table = np.clip(levels ** np.float32(rng.uniform(0.8, 1.25)) * tint, 0, 1).astype(np.float32)
        parts[number] = cv2.LUT(np.ascontiguousarray(part), table[None])
    return parts, placed


def _start(rng: np.random.Generator, first: float, last: float, side: int) -> int:
    """Where a tile starts so that it contains `first` to `last`; anywhere if there is nothing."""
    if last <= 0:
        return int(rng.integers(0, side - TILE + 1))
    low = min(max(0, int(np.ceil(last)) - TILE), side - TILE)
    high = max(low, min(int(first), side - TILE))
    return int(rng.integers(low, high + 1))
