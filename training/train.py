"""Second stage: the network learns the footage."""

import sys
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from training.dataset import INPUT_HEIGHT, INPUT_WIDTH, Footage
from training.network import CELL, Network, build_network


@dataclass(frozen=True, slots=True)
class Course:
    """How to train: passes over the footage, pictures in a step, the highest learning rate, the seed of everything."""

    epochs: int
    batch: int
    rate: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The network and the mean loss of every epoch."""

    network: Network
    losses: tuple[float, ...]


def train(footage: Footage, course: Course) -> Trained:
    """Trains from scratch; the same footage, course and versions give the same network."""
    import keras  # noqa: PLC0415 - only the training environment has it
    import tensorflow as tf  # noqa: PLC0415

    keras.utils.set_random_seed(course.seed)
    tf.config.experimental.enable_op_determinism()
    network = build_network()
    steps = -(-len(footage) // course.batch)
    network.compile(
        optimizer=keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                course.rate / 10,
                decay_steps=course.epochs * steps,
                warmup_target=course.rate,
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
    for epoch in range(course.epochs):
        losses.append(_epoch(network, footage, course, epoch))
        print(f"epoch {epoch + 1}/{course.epochs} loss {losses[-1]:.4f}", file=sys.stderr)
    return Trained(network, tuple(losses))


def _epoch(network: Network, footage: Footage, course: Course, epoch: int) -> float:
    rng = np.random.default_rng([course.seed, epoch])
    order = rng.permutation(len(footage))
    losses = []
    # The last, smaller batch is left out: each batch size would be compiled once more.
    for start in range(0, max(1, len(order) - course.batch + 1), course.batch):
        chosen = order[start : start + course.batch]
        pictures, boxes = varied(footage.rgb[chosen], footage.boxes[chosen], rng)
        truth = np.eye(2, dtype=np.float32)[(boxes[:, 2] > 0).astype(np.int64)]
        found = network.train_on_batch(pictures, {"shares": truth, "signs": sign_map(boxes)})
        losses.append(float(np.asarray(found).reshape(-1)[0]))
    return float(np.mean(losses))


def sign_map(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where the signs of intruders belong, (n, rows, columns, 1) of 0 and 1, for boxes (n, 4) in shares.

    A cell counts when its middle lies in the box; the cell with the middle of the box always does.
    """
    rows, columns = INPUT_HEIGHT // CELL, INPUT_WIDTH // CELL
    middle_y = ((np.arange(rows) + 0.5) / rows)[None, :, None]
    middle_x = ((np.arange(columns) + 0.5) / columns)[None, None, :]
    x1, y1, x2, y2 = (boxes[:, side, None, None] for side in range(4))
    inside = (middle_x > x1) & (middle_x < x2) & (middle_y > y1) & (middle_y < y2)
    for place in np.flatnonzero(boxes[:, 2] > 0):
        left, top, right, bottom = boxes[place]
        row, column = int((top + bottom) / 2 * rows), int((left + right) / 2 * columns)
        inside[place, min(row, rows - 1), min(column, columns - 1)] = True
    return inside[..., None].astype(np.float32)


def varied(
    rgb: NDArray[np.uint8], boxes: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pictures (n, h, w, 3) as shares of 255, each mirrored, moved, lit and coloured a little; and their boxes."""
    count, height, width, _ = rgb.shape
    pictures = np.empty(rgb.shape, np.float32)
    moved = boxes.copy()
    levels = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    for place in range(count):
        down, across = (int(step) for step in rng.integers(-3, 4, 2))
        rows = np.clip(np.arange(height) + down, 0, height - 1)
        columns = np.clip(np.arange(width) + across, 0, width - 1)
        if boxes[place, 2] > 0:
            shift = np.array([across / width, down / height] * 2, np.float32)
            moved[place] = np.clip(boxes[place] - shift, 0, 1)
        if rng.random() < 0.5:  # noqa: PLR2004 - a coin
            columns = columns[::-1]
            if boxes[place, 2] > 0:
                moved[place, [0, 2]] = 1 - moved[place, [2, 0]]
        tint = rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, 3)
        table = np.clip(levels ** np.float32(rng.uniform(0.8, 1.25)) * tint, 0, 1).astype(np.float32)
        pictures[place] = cv2.LUT(rgb[place][np.ix_(rows, columns)], table[None])
    return pictures, moved
