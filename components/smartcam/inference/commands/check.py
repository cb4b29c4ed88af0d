"""`smartcam-inference --check`: what a configuration would do, and what is wrong with it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from smartcam.contract.errors import ModelIntegrityError, SettingsError
from smartcam.contract.ids import CameraId
from smartcam.edge.bundle_names import DEFAULT_BUNDLE
from smartcam.edge.settings import closest
from smartcam.inference.analysis.analysis import Model, SceneModel, alarm_policy
from smartcam.inference.bundles import named, open_model
from smartcam.inference.settings import AnalysisSettings, InferenceSettings, read_settings
from smartcam.model.interpreter import runtime_of
from smartcam.model.manifest import ModelManifest
from smartcam.model.rows.bundle import open_filter
from smartcam.vision.rule import MOTION

_OTHERS = CameraId("others")
"""Stands for all cameras that the configuration does not name."""


def check(document: Mapping[str, object], bundle: Path | None, ring_folder: Path, work: Path, out: TextIO) -> int:
    """Say what the configuration would do and what is wrong with it, opening the bundles; 0 when nothing is wrong."""
    try:
        settings = read_settings(document)
    except SettingsError as error:
        out.writelines(f"wrong: {each}\n" for each in (error, *error.also))
        return 1
    models, event_filter, refusals = _opened(settings, bundle)
    if refusals:
        out.writelines(f"wrong: {refusal}\n" for refusal in refusals)
        return 1
    signed = "signed by the trusted key" if settings.trusted_key else "needs no signature: no trusted_key is set"
    out.writelines(f"model {_of(name)}{_model(model)}; {signed}\n" for name, model in models.items())
    out.write(event_filter)
    faults = list(_folder_faults(ring_folder, work))
    for camera in (*settings.cameras, _OTHERS):
        model = models[settings.camera(camera).detector]
        out.write(f"camera {camera}: {plan(model.manifest, settings, camera)}\n")
        faults += [f"cameras.{camera}.{fault}" for fault in label_faults(model, settings.camera(camera))]
    limits = settings.outbox
    out.write(
        f"outbox: {limits.max_events} events, {limits.max_age_s / 3600:g} hours; an event alarms for"
        f" {settings.event_valid_s:g} s; a camera is lost after {settings.camera_lost_after_s:g} s\n"
    )
    out.write(f"pictures leave the device: {settings.snapshots.bucket if settings.snapshots.enabled else 'no'}\n")
    out.writelines(f"wrong: {fault}\n" for fault in faults)
    return 1 if faults else 0


def _opened(settings: InferenceSettings, bundle: Path | None) -> tuple[dict[str, Model], str, list[str]]:
    """The models of the bundles in use by name, a line about the filter, and why others could not be opened."""
    models: dict[str, Model] = {}
    refusals = []
    for name, folder in settings.bundle_folders(bundle).items():
        try:
            models[name] = open_model(named(folder), settings.trusted_key)
        except ModelIntegrityError as error:
            refusals.append(str(error) if name == DEFAULT_BUNDLE else f"bundles.{name}: {error}")
    try:
        return models, _filter(settings), refusals
    except ModelIntegrityError as error:
        return models, "", [*refusals, f"filter: {error}"]


def plan(manifest: ModelManifest, settings: InferenceSettings, camera: CameraId) -> str:
    """What a camera's settings mean with this model, in one line."""
    chosen = settings.camera(camera)
    if not chosen.armed:
        return "disarmed: nothing raises an event but a camera that is lost or tampered with"
    policy = alarm_policy(manifest, chosen)
    rules = chosen.effective_rules()
    names = ", ".join(rule.name for rule in rules)
    labels = ", ".join(chosen.labels or manifest.events)
    return (
        f"{labels}: raised at {policy.raise_at:g} in {policy.min_frames} frames, cleared at {policy.clear_at:g};"
        f" rules {names}; {len(chosen.zones)} zones, {len(chosen.lines)} lines"
        + (f"; learns its scene, for {chosen.alerts_a_day:g} alerts a day" if chosen.normal else "")
    )


def label_faults(model: Model, settings: AnalysisSettings) -> Iterator[str]:
    """Labels that can never raise anything, each with its key below the camera's."""
    known = {*model.manifest.events} | ({MOTION} if not isinstance(model, SceneModel) else set())
    places = [("labels", settings.labels), *((f"rules.{rule.name}.labels", rule.labels) for rule in settings.rules)]
    for key, labels in places:
        for label in sorted({*labels} - known):
            near = closest(label, sorted(known))
            yield f"{key}: {label!r} raises nothing with this model; it knows {', '.join(sorted(known))}{near}"


def _of(bundle: str) -> str:
    return "" if bundle == DEFAULT_BUNDLE else f"of bundle {bundle}: "


def _model(model: Model) -> str:
    manifest = model.manifest
    events = ", ".join(f"{label} -> {kind}" for label, kind in manifest.events.items())
    return f"{manifest.name} {manifest.version}, {manifest.kind}, run by {runtime_of(manifest.model_file)}; {events}"


def _filter(settings: InferenceSettings) -> str:
    """A line about the filter; nothing where there is none. Raises ModelIntegrityError."""
    if settings.filter is None:
        return ""
    made = open_filter(settings.filter, settings.trusted_key).manifest
    return f"filter {made.name} {made.version}: holds back what was called false, never from {made.never_from} on\n"


def _folder_faults(ring_folder: Path, work: Path) -> Iterator[str]:
    if not os.access(ring_folder, os.R_OK | os.X_OK):
        yield f"{ring_folder}: not a readable folder for shared memory"
    if not os.access(work, os.W_OK | os.X_OK):
        yield f"{work}: is not writable, so the outbox cannot be kept there"
