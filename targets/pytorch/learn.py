"""A small network of PyTorch that learns whether something is in sight, as a program that `smartcam bundle` takes.

    .venv-export-torch/bin/python targets/pytorch/learn.py PICTURES.npz yard.pt2

PICTURES.npz has `rgb`, uint8 (n, height, width, 3), and `shows`, bool (n,), to learn from, and `held_out_rgb` and
`held_out_shows`, on which the network is judged before it has learned and afterwards.
"""

import sys
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from torch import nn

_PASSES: Final = 12
_BATCH: Final = 32
_RATE: Final = 3e-3


def main(arguments: Sequence[str]) -> int:
    """Learns, says what that is worth, and writes the program."""
    pictures, out = arguments
    with np.load(pictures, allow_pickle=False) as read:
        rgb, shows = inputs(read["rgb"]), torch.from_numpy(read["shows"]).float()
        held_out = inputs(read["held_out_rgb"]), torch.from_numpy(read["held_out_shows"])
    torch.manual_seed(1)
    model = network(*rgb.shape[2:])
    before = share_right(model, *held_out)
    learn(model, rgb, shows)
    print(f"right of {len(held_out[0])} held out: {share_right(model, *held_out):.3f}, untrained {before:.3f}")  # noqa: T201 - a program for people
    whole = nn.Sequential(model, nn.Sigmoid()).eval()
    # One picture at a time, as a device sees them.
    torch.export.save(torch.export.export(whole, (torch.zeros(1, *rgb.shape[1:]),)), out)
    return 0


def inputs(rgb: Any) -> Any:  # noqa: ANN401 - PyTorch's types are not at hand where these are checked
    """The pictures as the network takes them, 0 to 1, colours first."""
    return torch.from_numpy(rgb).permute(0, 3, 1, 2).float() / 255


def network(height: int, width: int) -> Any:  # noqa: ANN401
    """Four convolutions, the strongest of each sign anywhere in the picture, and a verdict on them.

    A picture's sides are multiples of 8.
    """
    layers: list[Any] = []
    for before, after, stride in ((3, 16, 2), (16, 24, 2), (24, 32, 2), (32, 32, 1)):
        convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d((height // 8, width // 8)), nn.Flatten(), nn.Linear(32, 1))


def learn(model: Any, pictures: Any, shows: Any) -> None:  # noqa: ANN401
    """Passes over the pictures, half of them mirrored, in an order that is the same each time; smaller steps each."""
    optimizer = torch.optim.Adam(model.parameters(), _RATE)
    steps = _PASSES * -(-len(pictures) // _BATCH)
    smaller = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loss = nn.BCEWithLogitsLoss()
    model.train()
    for number in range(_PASSES):
        total = 0.0
        for chosen in torch.randperm(len(pictures)).split(_BATCH):
            batch = pictures[chosen]
            batch = torch.where(torch.randn(len(batch), 1, 1, 1) < 0, batch, batch.flip(3))
            optimizer.zero_grad()
            found = loss(model(batch)[:, 0], shows[chosen])
            found.backward()
            optimizer.step()
            smaller.step()
            total += found.item() * len(chosen)
        print(f"pass {number + 1}/{_PASSES}  loss {total / len(pictures):.3f}", flush=True)  # noqa: T201 - for people


def share_right(model: Any, pictures: Any, shows: Any) -> float:  # noqa: ANN401
    """The share of pictures of which the network says the right thing."""
    model.eval()
    with torch.no_grad():
        return float(((model(pictures)[:, 0] > 0) == shows).float().mean())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
