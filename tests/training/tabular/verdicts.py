"""A history of generated events: a lamp that looks like a person in the evening, and everything else."""

from collections.abc import Mapping

import numpy as np

from smartcam.contract.event import Event, EventKind, NormalBox, Phase, Severity
from smartcam.contract.ids import CameraId, ThingName, new_event_id
from smartcam.contract.times import NS_PER_S, UtcNs, parse_utc
from smartcam.model.rows.known import event_row

THING = ThingName("pi-1")


def history(events: int = 400, seed: int = 1, *, meaningless: bool = False) -> list[dict[str, str]]:
    """Rows as `smartcam alerts export` writes them; three in ten are judged false."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(events):
        is_false = bool(rng.random() < 0.3)
        evening = int(rng.integers(17, 21))
        hour = evening if is_false else int(rng.integers(0, 24))
        x, y = (0.8, 0.3) if is_false else (rng.uniform(0.1, 0.9), rng.uniform(0.2, 0.9))
        x, y = x + rng.normal(0, 0.02), y + rng.normal(0, 0.02)
        rows.append(
            {
                "event_id": f"{number:06}",
                "camera": "gate" if is_false or rng.random() < 0.5 else "door",
                "kind": "person" if rng.random() < 0.7 else "animal",
                "severity": str(Severity.WARNING),
                "label": "person",
                "started_at": f"2026-03-{1 + number * 30 // events:02}T{hour:02}:{int(rng.integers(60)):02}:00.000Z",
                "score": f"{rng.uniform(0.5, 0.65) if is_false else rng.uniform(0.5, 0.95):.4f}",
                "threshold": "0.5000",
                "x1": f"{x - 0.03:.4f}",
                "y1": f"{y - 0.1:.4f}",
                "x2": f"{x + 0.03:.4f}",
                "y2": f"{y + 0.1:.4f}",
                "suppressed": "0",
                "verdict": "false" if (rng.random() < 0.3 if meaningless else is_false) else "true",
            }
        )
    return rows


def event_of(row: Mapping[str, str], number: int) -> Event:
    """The event that a row of a history is about."""
    started_at = parse_utc(row["started_at"], "started_at")
    return Event(
        event_id=new_event_id(started_at, number.to_bytes(10)),
        thing=THING,
        camera_id=CameraId(row["camera"]),
        kind=EventKind(row["kind"]),
        phase=Phase.RAISED,
        severity=Severity(row["severity"]),
        started_at=started_at,
        expires_at=UtcNs(started_at + 3600 * NS_PER_S),
        score=float(row["score"]),
        threshold=float(row["threshold"]),
        clock_synced=True,
        label=row["label"],
        box=NormalBox(*(min(max(float(row[side]), 0.0), 1.0) for side in ("x1", "y1", "x2", "y2"))),
    )


def judged_history(*, seed: int = 1, meaningless: bool = False) -> list[dict[str, str]]:
    """The same history as its events would be exported, in their order."""
    rows = history(seed=seed, meaningless=meaningless)
    return [
        event_row(event_of(row, number)) | {"event_id": row["event_id"], "verdict": row["verdict"]}
        for number, row in enumerate(rows)
    ]
