"""The catalogue as a table. Pure."""

from collections.abc import Sequence

from tools.bundle.coco import NAMELESS
from tools.model.catalogue import Catalogue, CatalogueEntry
from tools.model.progress import amount

_HEAD = ("name", "size", "input", "head", "labels", "mAP", "found here", "licence")


def table(catalogue: Catalogue) -> str:
    """One line for each model, and what the columns mean. The models of our own catalogue fit into 100 columns."""
    rows = [_HEAD, *(_row(entry) for entry in catalogue.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    first = next(iter(catalogue))
    return "\n".join(
        [
            *("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows),
            "",
            "mAP: in percent on COCO, as published. found here: events found on our clips, and false ones.",
            "`smartcam model list --json` has addresses, hashes, and who says all this.",
            f"`smartcam model get NAME` gets one; without NAME {first}.",
        ]
    )


def _row(entry: CatalogueEntry) -> Sequence[str]:
    score = entry.score
    return (
        entry.name,
        "not said" if entry.file.size is None else amount(entry.file.size),
        ", ".join(entry.input.split(", ")[:2]),
        entry.head or "found out",
        str(sum(label != NAMELESS for label in entry.labels)),
        "not said" if entry.map is None else f"{entry.map.percent:g}",
        "not run" if score is None else f"{score.found} of {score.expected}, {score.false} false",
        entry.licence.name,
    )
