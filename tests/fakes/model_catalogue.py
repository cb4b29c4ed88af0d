"""A catalogue of models that the tests made themselves, on a server of this machine."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

LICENCE = {"name": "CC0-1.0", "address": "https://example.org/cc0", "said_by": "this test"}


def model_entry(name: str, address: str, content: bytes, **more: object) -> dict[str, object]:
    """An entry as it stands in the file; what is None in `more` is left out."""
    entry: dict[str, object] = {
        "name": name,
        "about": "a tiny network",
        "address": address,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "licence": LICENCE,
        "map": {"percent": 12.5, "said_by": "this test"},
        "input": "uint8, 8x8, RGB, stretched",
        "head": "ssd",
        "labels": ["person", "car"],
    } | more
    return {key: value for key, value in entry.items() if value is not None}


def write_catalogue(file: Path, *entries: Mapping[str, object]) -> Path:
    file.write_text(json.dumps({"schema": 1, "models": entries}))
    return file
