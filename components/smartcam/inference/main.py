"""The component smartcam.Inference: wires its services and runs them."""

import argparse
import logging
import os
import random
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2

from smartcam.contract.errors import ContractError, OutboxError
from smartcam.contract.health import OutboxHealth
from smartcam.contract.ids import RANDOM_BYTES_OF_AN_EVENT_ID, EventId, ThingName, new_event_id, thing_name
from smartcam.contract.times import UtcNs
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.bus.port import Bus
from smartcam.edge.clip_name import CLIP_FOLDER
from smartcam.edge.clock import SystemClock
from smartcam.edge.command_line import THING_VARIABLE, component_parser, ring_folder, run_with_nucleus
from smartcam.edge.document import DocumentError, document_from
from smartcam.edge.history.folder import EventHistory
from smartcam.edge.history.reading import FOLDER as HISTORY_FOLDER
from smartcam.edge.journal.folder import FOLDER as JOURNAL_FOLDER
from smartcam.edge.journal.folder import TrackJournal
from smartcam.edge.lifecycle import Service, run_component
from smartcam.edge.logs import configure_logging, log
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.outbox.outbox import Outbox
from smartcam.edge.pictures.clip_uploader import ClipUploader
from smartcam.edge.pictures.folder import ALBUM_FOLDER, PictureFolder
from smartcam.edge.pictures.s3 import S3Store
from smartcam.edge.pictures.uploader import SnapshotUploader
from smartcam.edge.release import RunningRelease, release_of
from smartcam.edge.self_test import run_self_test
from smartcam.edge.standard_output import printed
from smartcam.edge.watchdog import last_resorts
from smartcam.inference.bundles import BundleKeeper, BundlesInUse
from smartcam.inference.cameras import AnalysisContext
from smartcam.inference.commands.check import check
from smartcam.inference.commands.once import score_once
from smartcam.inference.commands.self_test import try_the_model, try_the_outbox
from smartcam.inference.commands.table import answer_rows
from smartcam.inference.health import Facts, HealthReporter
from smartcam.inference.kept_bundle import KeptBundle, kept_folder
from smartcam.inference.metrics.door import MetricsDoor
from smartcam.inference.sender import Sender
from smartcam.inference.service import InferenceService, Uploads
from smartcam.inference.settings import InferenceSettings, understood_settings

logger = logging.getLogger(__name__)

PROG = "smartcam-inference"
COMPONENT = "smartcam.Inference"
REGION_VARIABLE = "AWS_REGION"
OUTBOX_FILE = "outbox.sqlite3"
SNAPSHOT_FOLDER = "snapshots"
UPLOADS_FILE = "clips-to-upload"
CLIPS = Path("smartcam.Capture", CLIP_FOLDER)
"""Beside the own work folder."""


def fresh_event_id(at: UtcNs) -> EventId:
    """An event id that nobody has had before."""
    return new_event_id(at, secrets.token_bytes(RANDOM_BYTES_OF_AN_EVENT_ID))


def build(
    thing: ThingName,
    bundle: Path | None,
    ring_folder: Path,
    bus: Bus,
    outbox: Outbox,
    work_folder: Path | None = None,
) -> list[tuple[str, Service]]:
    """The component's services by name; what they learn is kept in the work folder, if one is given."""
    clock, release = SystemClock(), release_of(COMPONENT, os.environ)
    sender = Sender(
        bus,
        outbox,
        thing,
        random.random,
        on_wanted=lambda topic, payload: service.wanted.hear(topic, payload),  # noqa: PLW0108 - it is made below
    )
    album = None if work_folder is None else PictureFolder(work_folder / ALBUM_FOLDER)
    journal = None if work_folder is None else TrackJournal(work_folder / JOURNAL_FOLDER, clock)
    history = None if work_folder is None else EventHistory(work_folder / HISTORY_FOLDER, clock)
    cloud = S3Store(os.environ.get(REGION_VARIABLE, ""), os.environ, clock)
    snapshots = SnapshotUploader(Path(SNAPSHOT_FOLDER), thing, cloud, random.random)
    # A store is for one thread.
    its_own = S3Store(os.environ.get(REGION_VARIABLE, ""), os.environ, clock)
    clips = work_folder or Path()
    uploads = ClipUploader(clips.parent / CLIPS, thing, its_own, random.random, MemoryFile(clips / UPLOADS_FILE))
    service = InferenceService(
        bus=bus,
        outbox=outbox,
        context=AnalysisContext(
            thing, clock, fresh_event_id, ring_folder, work_folder, snapshots.keys_of, album, journal, history=history
        ),
        bundles=BundlesInUse(lambda name: _keeper(name, clock, work_folder)),
        bundle=bundle,
        on_stored=sender.wake,
        random=random.random,
        uploads=Uploads(snapshots, uploads),
    )
    reporter = HealthReporter(
        bus,
        thing,
        clock,
        lambda: _facts(service, outbox, len(snapshots.waiting()) + uploads.waiting(), release),
        run=secrets.token_hex(6),
        version=release.version,
        random=random.random,
    )
    services: list[tuple[str, Service]] = [
        ("inference", service),
        ("sender", sender),
        ("health", reporter),
        ("uploader", snapshots),
        ("clip_uploader", uploads),
    ]
    if work_folder is not None:
        services.append(("metrics", MetricsDoor(lambda: reporter.newest, work_folder, clock)))
    return services


def _keeper(name: str, clock: SystemClock, work_folder: Path | None) -> BundleKeeper:
    kept = None if work_folder is None else KeptBundle(kept_folder(work_folder, name))
    return BundleKeeper(None, clock, random.random, kept=kept)


def _facts(service: InferenceService, outbox: Outbox, snapshots: int, release: RunningRelease) -> Facts:
    facts = service.facts
    return replace(
        facts,
        outbox=outbox_health(outbox),
        snapshots_waiting=snapshots,
        release_refused="; ".join(filter(None, (release.refused, facts.release_refused))),
    )


def outbox_health(outbox: Outbox) -> OutboxHealth:
    """What waits for the cloud; unknown if the disk cannot be read: the health message must go out all the same."""
    try:
        counts = outbox.counts()
    except OutboxError as error:
        log(logger, logging.WARNING, "outbox_not_counted", error=error)
        return OutboxHealth(waiting=None)
    dropped = counts.dropped_by_size + counts.dropped_by_age
    return OutboxHealth(counts.waiting, counts.refused, dropped, counts.oldest_ms, counts.unreadable)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGTERM. Returns the exit code: 0 after a signal, 1 for a fault, 2 for a wrong call."""
    parser = component_parser(PROG, "Analyse the frames that smartcam-capture announces, and send events.", "--check")
    parser.add_argument("--bundle", type=Path, metavar="PATH", help="folder of the model bundle to analyse with")
    parser.add_argument("--once", action="store_true", help="without a nucleus: score the notices that come as lines")
    parser.add_argument("--table", type=Path, metavar="PATH", help="without a nucleus: a table's bundle answers --csv")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="with --table: the rows, with names in the first line")
    parser.add_argument("--onnx", action="store_true", help="with --table: run its ONNX model instead, for comparing")
    options = parser.parse_args(argv)
    if (options.table is None) != (options.csv is None) or (options.onnx and options.table is None):
        parser.error("--table and --csv go together, and --onnx with them")
    if options.configuration is not None and not options.check:
        parser.error("--configuration goes with --check")
    configure_logging(options.log_level)
    if options.self_test is not None:
        return _self_test(options)
    cv2.setNumThreads(1)
    if options.check or options.table is not None or options.once:
        return printed(lambda: _without_a_nucleus(options))
    try:
        thing = thing_name(os.environ.get(THING_VARIABLE, ""), THING_VARIABLE)
    except ContractError as error:
        sys.stderr.write(f"{PROG}: the environment variable {error}; the nucleus sets it\n")
        return 2
    return run_with_nucleus(PROG, COMPONENT, lambda bus: _run(thing, options.bundle, bus))


def _without_a_nucleus(options: argparse.Namespace) -> int:
    if options.check:
        return _check(options)
    if options.table is not None:
        return answer_rows(options.table, options.csv, sys.stdout, sys.stderr, onnx=options.onnx)
    return score_once(options.bundle, ring_folder(), sys.stdin, sys.stdout, sys.stderr)


def _run(thing: ThingName, bundle: Path | None, bus: GreengrassBus) -> int:
    clock, work_folder = SystemClock(), Path.cwd()
    outbox = Outbox(Path(OUTBOX_FILE), clock, random=random.random)
    try:
        return run_component(
            COMPONENT,
            lambda: [
                *build(thing, bundle, ring_folder(), bus, outbox, work_folder),
                *last_resorts(bus, clock, work_folder),
            ],
        )
    finally:
        outbox.close()


def _self_test(options: argparse.Namespace) -> int:
    work = Path()
    settings = understood_settings(work).last() or InferenceSettings()
    tried = {
        name: (folder, kept_folder(work, name)) for name, folder in settings.bundle_folders(options.bundle).items()
    }
    models = [partial(try_the_model, [each for each in folders if each is not None]) for folders in tried.values()]
    return run_self_test(COMPONENT, options.self_test, (*models, lambda: try_the_outbox(Path(OUTBOX_FILE))))


def _check(options: argparse.Namespace) -> int:
    try:
        document = document_from(options.configuration, GreengrassBus)
    except DocumentError as error:
        sys.stderr.write(f"{PROG}: {error}\n")
        return 2
    return check(document, options.bundle, ring_folder(), Path.cwd(), sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
