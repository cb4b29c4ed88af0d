"""Opens a bundle of either manifest: of a model that looks at pictures, or at rows."""

from pathlib import Path

from smartcam.contract.errors import ContractError
from smartcam.contract.reading import parse_object
from smartcam.model.bundle import ModelBundle, manifest_bytes
from smartcam.model.manifest import RowKind
from smartcam.model.rows.bundle import RowBundle


def open_bundle(path: Path, trusted_key: bytes | None = None) -> ModelBundle | RowBundle:
    """Opens the bundle in a folder, as `ModelBundle.open` and `RowBundle.open` do. Raises ModelIntegrityError."""
    try:
        kind = parse_object(manifest_bytes(path), "manifest").get("kind")
    except ContractError:
        kind = None  # refused with the whole story below
    return (RowBundle if kind in tuple(RowKind) else ModelBundle).open(path, trusted_key)
