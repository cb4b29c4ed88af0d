"""A classifier of whole pictures: how sure it is of the one label that raises an event."""

from collections.abc import Sequence

from smartcam.contract.event import EventKind
from smartcam.model.heads.classifier import ClassifierHead
from smartcam.model.manifest import ModelManifest
from smartcam.model.preprocess import crop_rgb, whole
from smartcam.model.scoring import AnomalyScore
from smartcam.vision.picture import Picture


class ClassifierScorer:
    """A CNN such as normal / intruder behind the `AnomalyScorer` protocol.

    `label` is the label that raises an event, `kind` the kind of that event.
    """

    def __init__(self, head: ClassifierHead, manifest: ModelManifest) -> None:
        self.manifest = manifest
        self.label: str
        self.kind: EventKind
        ((self.label, self.kind),) = manifest.events.items()
        self._place = manifest.labels.index(self.label)
        self._head = head

    def score(self, pictures: Sequence[Picture]) -> AnomalyScore:
        """The probability of the label in the newest picture.

        Raises:
            ValueError: if there is no picture.
            ModelIntegrityError: if the model fails.
        """
        if not pictures:
            raise ValueError("needs at least one picture")
        newest = pictures[-1]
        shares = self._head.infer(crop_rgb(newest, whole(newest), self.manifest.input))
        return AnomalyScore(float(shares[self._place]))
