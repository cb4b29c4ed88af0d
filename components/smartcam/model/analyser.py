"""The analyser for an opened bundle."""

from smartcam.model.bundle import ModelBundle
from smartcam.model.classifier import ClassifierScorer
from smartcam.model.detector import RegionDetector
from smartcam.model.heads.head import DetectorHead


def analyser_of(bundle: ModelBundle) -> RegionDetector | ClassifierScorer:
    """The analyser that runs the bundle's model; only one thread may use it at a time."""
    if isinstance(bundle.head, DetectorHead):
        return RegionDetector(bundle.head, bundle.manifest)
    return ClassifierScorer(bundle.head, bundle.manifest)
