"""A small network of PyTorch that learns whether something is in sight, as a program that `smartcam bundle` takes.

    .venv-export-torch/bin/python targets/pytorch/learn.py PICTURES.npz yard.pt2

PICTURES.npz has `rgb`, uint8 (n, height, width, 3), and `shows`, bool (n,).
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import nn

_PASSES: Final = 8
_BATCH: Final = 32


def main(arguments: Sequence[str]) -> int:
    """Learns, and writes the program."""
    pictures, out = arguments
    with np.load(pictures, allow_pickle=False) as read:
        rgb, shows = torch.from_numpy(read["rgb"]), torch.from_numpy(read["shows"]).float()
    torch.manual_seed(1)
    model = network()
    learn(model, rgb.permute(0, 3, 1, 2).float() / 255, shows)
    whole = nn.Sequential(model, nn.Sigmoid()).eval()
    picture = torch.zeros(1, 3, *rgb.shape[1:3])
    # One picture at a time, as a device sees them.
    torch.export.save(torch.export.export(whole, (picture,)), out)
    return 0


def network() -> Any:  # noqa: ANN401 - PyTorch's types are not at hand where these are checked
    """Three convolutions, the strongest signs of each part of the picture, and a verdict on them."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.LazyLinear(1),
    )


def learn(model: Any, pictures: Any, shows: Any) -> None:  # noqa: ANN401
    """Some passes over the pictures, in an order that is the same each time."""
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    loss = nn.BCEWithLogitsLoss()
    model.train()
    for number in range(_PASSES):
        for chosen in torch.randperm(len(pictures)).split(_BATCH):
            optimizer.zero_grad()
            found = loss(model(pictures[chosen])[:, 0], shows[chosen])
            found.backward()
            optimizer.step()
        print(f"pass {number + 1}/{_PASSES}  loss {found.item():.3f}", flush=True)  # noqa: T201 - a program for people


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
