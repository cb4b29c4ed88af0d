"""`smartcam-inference --check`: what a configuration would do, and what is wrong with it."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from smartcam.contract.errors import ModelIntegrityError, SettingsError
from smartcam.contract.ids import CameraId
from smartcam.edge.settings import closest
from smartcam.inference.analysis.analysis import Model, SceneModel, alarm_policy
from smartcam.inference.bundles import named, open_model
from smartcam.inference.settings import AnalysisSettings, InferenceSettings, read_settings
from smartcam.model.interpreter import runtime_of
from smartcam.model.manifest import ModelManifest
from smartcam.vision.rule import MOTION

_OTHERS = CameraId("others")
"""Stands for all cameras that the configuration does not name."""


def check(document: Mapping[str, object], bundle: Path | None, ring_folder: Path, work: Path, out: TextIO) -> int:
    """Say what the configuration would do and what is wrong with it, opening the bundle; 0 when nothing is wrong."""
    try:
        settings = read_settings(document)
        model = open_model(named(settings.bundle or bundle), settings.trusted_key)
    except SettingsError as error:
        out.writelines(f"wrong: {each}\n" for each in (error, *error.also))
        return 1
    except ModelIntegrityError as error:
        out.write(f"wrong: {error}\n")
        return 1
    signed = "signed by the trusted key" if settings.trusted_key else "needs no signature: no trusted_key is set"
    out.write(f"model {_model(model)}; {signed}\n")
    faults = list(_folder_faults(ring_folder, work))
    for camera in (*settings.cameras, _OTHERS):
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
    )


def label_faults(model: Model, settings: AnalysisSettings) -> Iterator[str]:
    """Labels that can never raise anything, each with its key below the camera's."""
    known = {*model.manifest.events} | ({MOTION} if not isinstance(model, SceneModel) else set())
    places = [("labels", settings.labels), *((f"rules.{rule.name}.labels", rule.labels) for rule in settings.rules)]
    for key, labels in places:
        for label in sorted({*labels} - known):
            near = closest(label, sorted(known))
            yield f"{key}: {label!r} raises nothing with this model; it knows {', '.join(sorted(known))}{near}"


def _model(model: Model) -> str:
    manifest = model.manifest
    events = ", ".join(f"{label} -> {kind}" for label, kind in manifest.events.items())
    return f"{manifest.name} {manifest.version}, {manifest.kind}, run by {runtime_of(manifest.model_file)}; {events}"


def _folder_faults(ring_folder: Path, work: Path) -> Iterator[str]:
    if not os.access(ring_folder, os.R_OK | os.X_OK):
        yield f"{ring_folder}: not a readable folder for shared memory"
    if not os.access(work, os.W_OK | os.X_OK):
        yield f"{work}: is not writable, so the outbox cannot be kept there"
