"""What people bring: labels of models and of clips, models, bundles, recipes, tables; and what cameras answer."""

import re
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self, cast

from measure.fuzz.places import file_with
from measure.fuzz.target import FuzzTarget, Unfaithful, decoding
from smartcam.capture.credentials import CameraCredentials
from smartcam.capture.sources.redirect import refuse_redirect
from smartcam.contract.errors import CameraLost, ContractError, ModelIntegrityError
from smartcam.contract.reading import Fields, parse_object
from smartcam.contract.written import UnreadableText, csv_of, json_of, text_of
from smartcam.model.golden import parse_answer
from smartcam.model.manifest import ModelManifest
from smartcam.model.rows.columns import dump_columns, read_columns
from smartcam.model.rows.manifest import RowManifest
from smartcam.model.runtimes.onnx_file import check_onnx_file
from tools.bundle.graph import counted_classes, custom_operators, post_processing, refuse_compiled
from tools.bundle.label_forms import labels_of
from tools.bundle.metadata import labels_inside
from tools.cameras.addresses import ServiceAddress
from tools.cameras.digest import digest_answer
from tools.cameras.envelope import NotUnderstood
from tools.cameras.onvif import OnvifTalk, by_picture
from tools.recipes.document import FaultList
from tools.recipes.recipe import read_document, read_steps
from tools.recipes.rules import LITE
from tools.score.foreign.reading import read_foreign
from tools.score.foreign.rows import PictureSize
from tools.score.intervals import ScoreError
from tools.score.labels import read_labels
from tools.strict_yaml import yaml_of
from training.errors import TrainingError
from training.tabular.table import learn_code, read_rows

_SIZE: Final = PictureSize(640, 480)
_HOST: Final = "192.0.2.7"
_REQUEST: Final = re.compile(rb"(?:OPTIONS|DESCRIBE) [^\r\n]+ RTSP/1\.0\r\n(?:[A-Za-z-]+: [^\r\n]*\r\n)+\r\n")
_LOGIN: Final = CameraCredentials("user", "word")


def _text(read: Callable[[str], object], *reads: str) -> FuzzTarget:
    return FuzzTarget(decoding(lambda data: read(text_of(data)), UnreadableText), reads)


def _foreign(ending: str, *reads: str) -> FuzzTarget:
    def read(data: bytes) -> object:
        return read_foreign(file_with(f"labels.{ending}", data), "clip.mp4", _SIZE)

    return FuzzTarget(decoding(read, ScoreError), reads)


def _recipe(data: bytes) -> object:
    faults = FaultList("recipe.yaml")
    document = read_document(data, faults, LITE)
    for manifest in document.manifests:
        read_steps(manifest.keys.optional("Lifecycle"), LITE)
    return [str(each) for each in faults.found]


def _table(data: bytes) -> object:
    try:
        text = text_of(data)
    except UnreadableText:
        return None
    read = read_rows(text)
    return learn_code(read.rows).encode(read.rows)


def _camera(data: bytes) -> object:
    """The streams of a camera that answers everything alike; the first byte chooses the status."""
    status = {b"!": 401, b"?": 500}.get(data[:1], 200)
    service = ServiceAddress("192.0.2.7", 80, "/onvif/device_service")
    return by_picture(OnvifTalk(service, lambda _service, _body: (status, data.lstrip(b"!?")), _LOGIN).streams()[0])


class _Line:
    """A connection over which these bytes come; what is said over it must be whole requests and nothing else."""

    def __init__(self, held: bytes) -> None:
        self._held = held

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""

    def settimeout(self, _: float) -> None:
        """It never waits."""

    def sendall(self, said: bytes) -> None:
        request = _REQUEST.fullmatch(said)
        if request is None:
            raise Unfaithful(f"{said!r} is no request")

    def recv(self, count: int) -> bytes:
        received, self._held = self._held[:count], self._held[count:]
        return received


def _rtsp_answers(data: bytes) -> object:
    """What a camera answers, a connection behind each line of two hashes; none may lead to another host."""
    connections = iter(data.split(b"\n##\n"))

    def dial(host: str, _port: int, is_encrypted: bool) -> socket.socket:  # noqa: FBT001  as it is called
        if host != _HOST or not is_encrypted:
            raise Unfaithful(f"{host} is called")
        return cast("socket.socket", _Line(next(connections, b"")))

    refuse_redirect(f"rtsps://{_HOST}/live", _LOGIN, dial, 3600)
    return None


def _graph(data: bytes) -> object:
    with suppress(ModelIntegrityError):
        refuse_compiled(data, "model.tflite")
    return custom_operators(data), post_processing(data), counted_classes(data)


TARGETS: Final = {
    "labels": FuzzTarget(
        decoding(labels_of, UnreadableText),
        ("tools.bundle.label_forms", "tools.bundle.label_lines", "tools.bundle.label_map"),
    ),
    "clip-labels": FuzzTarget(
        decoding(lambda data: read_labels(file_with("clip.json", data)), ScoreError),
        ("tools.score.labels:read_labels", "tools.score.labels:_clip", "tools.score.labels:_intervals"),
    ),
    "mot": _foreign("txt", "tools.score.foreign.mot"),
    "coco": _foreign("json", "tools.score.foreign.coco"),
    "cvat": _foreign("xml", "tools.score.foreign.cvat"),
    "manifest": FuzzTarget(
        decoding(ModelManifest.from_json, ContractError, ModelManifest.to_json), ("smartcam.model.manifest",)
    ),
    "row-manifest": FuzzTarget(
        decoding(RowManifest.from_json, ContractError, RowManifest.to_json),
        ("smartcam.model.rows.manifest:RowManifest.from_json",),
    ),
    "row-columns": FuzzTarget(
        decoding(lambda data: dump_columns(read_columns(Fields(parse_object(data, "columns")))), ContractError),
        ("smartcam.model.rows.columns:read_columns", "smartcam.model.rows.columns:_column"),
    ),
    "golden": FuzzTarget(decoding(parse_answer, ContractError), ("smartcam.model.golden:parse_answer",)),
    "onnx": FuzzTarget(decoding(check_onnx_file, ModelIntegrityError), ("smartcam.model.runtimes.onnx_file",)),
    "model-labels": FuzzTarget(decoding(labels_inside, UnreadableText), ("tools.bundle.metadata",)),
    "tflite-graph": FuzzTarget(
        decoding(_graph, ()),
        (
            "tools.bundle.graph",
            "tools.bundle.flexbuffer",
        ),
    ),
    "yaml": _text(yaml_of, "tools.strict_yaml"),
    "json": _text(json_of, "smartcam.contract.written:json_of", "smartcam.contract.written:_refuse_duplicates"),
    "csv": _text(lambda text: list(csv_of(text)), "smartcam.contract.written:csv_of"),
    "recipe": FuzzTarget(decoding(_recipe, ()), ("tools.recipes.recipe", "tools.recipes.document:Node._read_keys")),
    "training-table": FuzzTarget(
        decoding(_table, TrainingError),
        (
            "training.tabular.table:read_rows",
            "training.tabular.table:learn_code",
            "training.tabular.table:_column",
            "training.tabular.table:_positive",
        ),
    ),
    "rtsp-answer": FuzzTarget(decoding(_rtsp_answers, CameraLost), ("smartcam.capture.sources.redirect",)),
    "onvif": FuzzTarget(
        decoding(_camera, NotUnderstood),
        ("tools.cameras.envelope:read_xml", "tools.cameras.onvif:OnvifTalk", "tools.cameras.onvif:_profiles"),
    ),
    "digest": FuzzTarget(
        decoding(lambda data: digest_answer(data.decode(errors="replace"), _LOGIN, "POST", "/", "ours"), ()),
        ("tools.cameras.digest:digest_answer",),
    ),
}
