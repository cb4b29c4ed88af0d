"""The list of a camera's analyses. Another one is a module, and a line here."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from smartcam.contract.ids import EventId
from smartcam.contract.snapshot import NO_UPLOADS, UploadKeys
from smartcam.edge.logs import log
from smartcam.edge.memory_file import MemoryFile
from smartcam.inference.analysis.analysis import Analysis, Model, ObjectModel, SceneModel
from smartcam.inference.analysis.normal import NormalAnalysis
from smartcam.inference.analysis.notes import RowKeeper
from smartcam.inference.analysis.objects import ObjectAnalysis
from smartcam.inference.analysis.scene import SceneAnalysis
from smartcam.inference.analysis.shared import SharedKnowledge
from smartcam.inference.analysis.tamper import TamperAnalysis
from smartcam.inference.events import EventMaker
from smartcam.inference.settings import AnalysisSettings
from smartcam.vision.normal.learner import LearningPlan
from smartcam.vision.rule import MOTION

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnalysisSetup:
    """What a camera's analyses are made with.

    `upload_keys` says where in the cloud the picture and the clip of an event will be. `memory` gives the file in which
    what is learnt is kept, by what that is. `journal` takes what is noted of the objects. `shared` is what the analyses
    know of one another; `plan` says how long a scene is learnt.
    """

    maker: EventMaker
    settings: AnalysisSettings
    upload_keys: Callable[[EventId], UploadKeys] = lambda _: NO_UPLOADS
    memory: Callable[[str], MemoryFile | None] = lambda _: None
    journal: RowKeeper | None = None
    shared: SharedKnowledge = field(default_factory=SharedKnowledge)
    plan: LearningPlan = field(default_factory=LearningPlan)


def _tamper(setup: AnalysisSetup) -> Analysis:
    return TamperAnalysis(setup.maker, setup.settings, setup.memory("view"), setup.shared)


def _normal(setup: AnalysisSetup) -> Analysis:
    maker = replace(setup.maker, upload_keys=setup.upload_keys)
    return NormalAnalysis(maker, setup.settings, setup.shared, setup.memory("normal"), setup.plan)


def _objects(setup: AnalysisSetup, model: Model) -> Analysis | None:
    return (
        ObjectAnalysis(model, setup.maker, setup.settings, setup.memory("stays"), setup.journal, setup.shared.show)
        if isinstance(model, ObjectModel)
        else None
    )


def _scene(setup: AnalysisSetup, model: Model) -> Analysis | None:
    return SceneAnalysis(model, setup.maker, setup.settings) if isinstance(model, SceneModel) else None


WITHOUT_MODEL: Final[tuple[Callable[[AnalysisSetup], Analysis], ...]] = (_tamper, _normal)
"""Those that need no bundle: they come first, and live as long as the camera is there."""
WITH_MODEL: Final[tuple[Callable[[AnalysisSetup, Model], Analysis | None], ...]] = (_objects, _scene)
"""Those for the models of bundles: they are made anew for another bundle; None if theirs is another kind of model."""


def lasting_analyses(setup: AnalysisSetup) -> list[Analysis]:
    """A camera's analyses that need no model."""
    return [make(setup) for make in WITHOUT_MODEL]


def model_analyses(setup: AnalysisSetup, model: Model) -> list[Analysis]:
    """A camera's analyses with this model, which their events name. Labels that it does not know are logged."""
    manifest, camera = model.manifest, setup.maker.camera
    wanted = {label for rule in setup.settings.rules for label in rule.labels} | set(setup.settings.labels)
    unknown = sorted(wanted - set(manifest.events) - {MOTION})
    if unknown:
        log(logger, logging.WARNING, "labels_unknown", camera=camera, labels=unknown, bundle=manifest.name)
    maker = replace(
        setup.maker,
        model_name=manifest.name,
        model_version=manifest.version,
        upload_keys=setup.upload_keys,
        unnamed=setup.shared.name,
        oddness=setup.shared.noted,
        odd_now=setup.shared.odd_now,
    )
    made = (make(replace(setup, maker=maker), model) for make in WITH_MODEL)
    return [analysis for analysis in made if analysis is not None]
