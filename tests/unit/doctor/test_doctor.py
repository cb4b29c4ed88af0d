import json
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smartcam import __version__
from smartcam.capture.settings import SourceSettings
from smartcam.capture.sources.opening import open_source
from smartcam.capture.sources.source import FrameSource
from smartcam.contract.errors import SettingsError
from smartcam.contract.ids import CameraId, ThingName
from smartcam.contract.topics import probe_topic
from smartcam.doctor.cloud import Identity, check_certificate, check_iot_core
from smartcam.doctor.finding import Finding, State, as_json, as_text, exit_code
from smartcam.doctor.machine import check_clock, check_disk, check_replaced, check_shared_memory
from smartcam.doctor.main import main, read_identity
from smartcam.doctor.nucleus import check_cloud, check_topics
from smartcam.doctor.settings import read_settings, read_understood
from smartcam.doctor.sight import check_camera, check_model
from smartcam.edge.bus.greengrass import GreengrassBus
from smartcam.edge.clock import SystemClock
from smartcam.edge.lifecycle import StopToken
from smartcam.edge.memory_file import MemoryFile
from smartcam.edge.replaced import note_replacement
from smartcam.inference.commands.self_test import try_the_model
from smartcam.inference.kept_bundle import KeptBundle
from smartcam.model.packing import write_bundle
from standins.nucleus.profile import CLASSIC, LITE, Profile
from standins.nucleus.testbed import RunningNucleus, access_control, running_nucleus
from tests.clips import still_scene, write_clip
from tests.fakes import onnx_maker
from tests.fakes.bus import FakeNucleus
from tests.fakes.clock import FakeClock
from tests.fakes.source import FakeSource
from tests.unit.model.conftest import CLASSIFIER
from tools.command_line import ROOT

DEMO = ROOT / "training" / "bundles" / "demo"
THING = ThingName("yard-1")


def camera(path: Path) -> SourceSettings:
    return SourceSettings(CameraId("yard"), path)


def opened(settings: SourceSettings, stop: StopToken) -> FrameSource:
    return open_source(settings, SystemClock(), stop)


def test_a_fault_is_the_exit_code_and_warnings_are_not() -> None:
    well = Finding("disk", State.OK, "free", {"free_mb": 5})
    odd = Finding("clock", State.WARNING, "odd")
    bad = Finding("model", State.FAULT, "bad")
    assert exit_code([well, odd]) == 0
    assert exit_code([well, odd, bad]) == 1
    unseen = Finding("cameras", State.SKIPPED, "name them")
    assert as_text([well, bad]).splitlines() == [
        "ok       disk   free",
        "fault    model  bad",
        "1 fault: 2 checked, 0 skipped",
    ]
    assert as_text([well, odd, unseen]).splitlines()[-1] == "0 faults: 2 checked, 1 skipped"
    assert json.loads(as_json([well, bad])) == {
        "faults": 1,
        "checks": [
            {"name": "disk", "state": "ok", "said": "free", "free_mb": 5},
            {"name": "model", "state": "fault", "said": "bad"},
        ],
    }


def test_a_camera_is_read_and_its_rate_reported(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", still_scene(frames=40), fps=20)
    found = check_camera(camera(clip), opened, 0.5)
    assert found.state is State.OK
    assert found.facts["size"] == "320x240"
    assert 10 < float(found.facts["pictures_per_second"]) < 30


def test_a_camera_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    found = check_camera(camera(tmp_path / "none.mp4"), opened, 0.1)
    assert found.state is State.FAULT
    assert "none.mp4" in found.said


def test_a_camera_without_pictures_is_a_fault_that_says_what_it_waits_for(tmp_path: Path) -> None:
    source = FakeSource([], FakeClock())
    assert (
        check_camera(camera(tmp_path), lambda *_: source, 0).said == f"{tmp_path}: open, but no picture arrived in 0 s"
    )
    source.waiting_for = "gate: waiting for a key frame"
    said = check_camera(camera(tmp_path), lambda *_: source, 0).said
    assert said == "gate: waiting for a key frame, but no picture arrived in 0 s"


def test_the_model_is_checked_and_timed() -> None:
    found = check_model(DEMO)
    assert found.state is State.OK
    assert found.facts["runtime"] == "LiteRT"
    manifest = json.loads((DEMO / "manifest.json").read_text())
    assert found.facts["sha256"] == manifest["files"]["model.tflite"]


def test_an_onnx_model_is_checked_timed_and_kept_by_its_own_name(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="the extra `onnx` is not installed")
    manifest = write_bundle(tmp_path / "bundle", onnx_maker.classifier(2, nhwc=True, steep=8), CLASSIFIER)
    found = check_model(tmp_path / "bundle")
    assert found.state is State.OK
    assert found.facts["runtime"] == "ONNX Runtime"
    assert found.facts["sha256"] == manifest.files["model.onnx"]
    assert "gives its golden answer on ONNX Runtime" in try_the_model([tmp_path / "bundle"])
    kept = KeptBundle(tmp_path / "kept")
    kept.keep(tmp_path / "bundle", manifest)
    assert (tmp_path / "kept" / "model.onnx").is_file()
    assert check_model(tmp_path / "kept").state is State.OK


def test_a_damaged_model_is_a_fault_that_names_the_remedy(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "bundle")
    damaged = bytearray((tmp_path / "bundle" / "model.tflite").read_bytes())
    damaged[-1] ^= 1
    (tmp_path / "bundle" / "model.tflite").write_bytes(damaged)
    found = check_model(tmp_path / "bundle")
    assert found.state is State.FAULT
    assert "SHA-256" in found.said
    assert found.said.endswith("deploy smartcam.Model again")


def test_memory_and_disk_are_tried_and_left_as_they_were(tmp_path: Path) -> None:
    assert check_shared_memory(tmp_path).state is State.OK
    assert check_disk(tmp_path).state is not State.FAULT
    assert list(tmp_path.iterdir()) == []
    assert check_shared_memory(tmp_path / "none").state is State.WARNING
    assert check_disk(tmp_path / "none").state is State.FAULT


def test_a_clock_of_the_past_is_a_fault() -> None:
    clock = FakeClock()
    clock.step_utc(-(clock.utc() // 1_000_000_000))
    assert check_clock(clock).state is State.FAULT


def topics(allowed: dict[str, object]) -> dict[str, State]:
    with running_nucleus() as nucleus:
        bus = GreengrassBus(nucleus.add_component("smartcam.Doctor", allowed))
        try:
            return {found.name: found.state for found in check_topics(bus, THING, 1.0)}
        finally:
            bus.close()


def test_topics_that_the_nucleus_allows_are_well() -> None:
    allowed = access_control(publish=["smartcam/frames/*"], subscribe=["smartcam/frames/*"], subscribe_cloud=["#"])
    assert set(topics(dict(allowed)).values()) == {State.OK}


def test_topics_that_it_refuses_are_faults() -> None:
    found = topics(dict(access_control(subscribe=["smartcam/frames/*"])))
    assert found == {"topic smartcam/frames/_doctor": State.FAULT, "topic smartcam/v1/yard-1/ack": State.FAULT}


RIGHTS = access_control(
    publish_cloud=["$aws/things/+/shadow/name/smartcam-doctor/get"],
    subscribe_cloud=["$aws/things/+/shadow/name/smartcam-doctor/get/+"],
)


def cloud_by(nucleus: RunningNucleus, rights: dict[str, object], patience_s: float) -> Finding:
    bus = GreengrassBus(nucleus.add_component("smartcam.Doctor", rights))
    try:
        return check_cloud(bus, THING, patience_s)
    finally:
        bus.close()


def answer(nucleus: RunningNucleus) -> None:
    """What IoT Core says of a document that nobody keeps."""
    nucleus.cloud.wait_for(lambda heard: any(each.topic == probe_topic(THING) for each in heard))
    nucleus.cloud.inject(f"{probe_topic(THING)}/rejected", b'{"code": 404}')


@pytest.mark.parametrize("profile", [LITE, CLASSIC])
def test_the_cloud_is_well_when_it_has_answered(profile: Profile) -> None:
    with running_nucleus(profile) as nucleus:
        cloud = threading.Thread(target=answer, args=(nucleus,))
        cloud.start()
        found = cloud_by(nucleus, dict(RIGHTS), 20.0)
        cloud.join()
    assert found.state is State.OK, found
    assert found.said.startswith("IoT Core answered in ")


@pytest.mark.parametrize("profile", [LITE, CLASSIC])
def test_a_nucleus_without_a_connection_is_a_fault_whatever_it_accepts(profile: Profile) -> None:
    with running_nucleus(profile) as nucleus:
        nucleus.cloud.disconnect()
        found = cloud_by(nucleus, dict(RIGHTS), 1.0)
    assert found.state is State.FAULT, found
    assert found.said.startswith("no answer from IoT Core in 1 s: ")


def test_a_cloud_that_takes_the_question_and_does_not_answer_is_a_fault() -> None:
    found = check_cloud(FakeNucleus().bus("smartcam.Doctor"), THING, 0.1)
    assert found.state is State.FAULT
    assert "the policy of yard-1 lacks its shadow topics" in found.said


def test_a_question_that_the_nucleus_refuses_is_a_fault_that_names_the_remedy() -> None:
    found = check_cloud(FakeNucleus(refused={probe_topic(THING)}).bus("smartcam.Doctor"), THING, 0.1)
    assert (found.state, found.said.endswith("deploy with reset of /accessControl")) == (State.FAULT, True)


class Broker:
    """As much of IoT Core as the doctor asks: TLS with client certificates and a few packets."""

    def __init__(self, identity: Identity, connack: bytes, suback: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate, identity.key)
        context.load_verify_locations(identity.authority)
        context.verify_mode = ssl.CERT_REQUIRED
        self.heard: list[bytes] = []
        self._answers = iter((connack, suback, b"\xd0\x00"))
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        with self._context.wrap_socket(plain, server_side=True) as wire:
            for answer in self._answers:
                self.heard.append(wire.recv(1000))
                if not self.heard[-1]:
                    return
                wire.sendall(answer)
            wire.recv(10)

    def close(self) -> None:
        self._thread.join(60)
        self._listener.close()


Start = Callable[[bytes, bytes], tuple[Identity, Broker]]


def own_certificate(folder: Path, days: int) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(7).not_valid_before(now - timedelta(days=400))
    builder = builder.not_valid_after(now + timedelta(days=days, hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    (folder / "device.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "device.key").write_bytes(key.private_bytes(*private))
    return Identity(THING, folder / "device.pem", folder / "device.key", folder / "device.pem", "localhost")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    brokers: list[Broker] = []

    def begin(connack: bytes, suback: bytes) -> tuple[Identity, Broker]:
        identity = own_certificate(tmp_path, 90)
        broker = Broker(identity, connack, suback)
        brokers.append(broker)
        facts = (identity.thing, identity.certificate, identity.key, identity.authority, "localhost", broker.port)
        return Identity(*facts), broker

    yield begin
    for broker in brokers:
        broker.close()


def test_iot_core_is_asked_under_a_name_beside_the_nucleus_own(start: Start) -> None:
    identity, broker = start(b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00")
    found = check_iot_core(identity)
    assert (found.state, float(found.facts["round_trip_ms"]) >= 0) == (State.OK, True)
    assert b"yard-1#doctor" in broker.heard[0]
    assert b"smartcam/v1/yard-1/ack" in broker.heard[1]


def test_a_refused_connection_and_a_refused_topic_are_faults(start: Start) -> None:
    identity, _ = start(b"\x20\x02\x00\x05", b"")
    assert "refuses the device" in check_iot_core(identity).said
    identity, _ = start(b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x80")
    found = check_iot_core(identity)
    assert (found.state, "does not let yard-1 hear" in found.said) == (State.FAULT, True)


def test_a_cloud_that_is_away_is_a_fault(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    own = own_certificate(tmp_path, 90)
    found = check_iot_core(Identity(THING, own.certificate, own.key, own.authority, "localhost", port))
    assert (found.state, f"localhost:{port}" in found.said) == (State.FAULT, True)


@pytest.mark.parametrize(("days", "state"), [(90, State.OK), (10, State.WARNING), (-3, State.FAULT)])
def test_a_certificate_is_judged_by_its_end(tmp_path: Path, days: int, state: State) -> None:
    assert check_certificate(own_certificate(tmp_path, days)).state is state


def test_the_identity_is_read_from_what_the_device_was_provisioned_with() -> None:
    system = {
        "thingName": "yard-1",
        "certificateFilePath": "/g/device.pem",
        "privateKeyPath": "/g/device.key",
        "rootCaPath": "/g/ca.pem",
    }
    service = {"configuration": {"iotDataEndpoint": "data.example"}}
    identity = read_identity({"system": system, "services": {"aws.greengrass.NucleusLite": service}})
    assert (identity.thing, identity.endpoint, identity.key) == ("yard-1", "data.example", Path("/g/device.key"))


def test_the_program_says_it_for_people_and_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cameras = tmp_path / "cameras.json"
    cameras.write_text(json.dumps({"cameras": {"yard": {"source": "file", "path": str(tmp_path / "none.mp4")}}}))
    arguments = ["--bundle", str(DEMO), "--cameras", str(cameras), "--work", str(tmp_path)]
    assert main(arguments) == 1
    assert "fault    camera yard" in capsys.readouterr().out
    assert main([*arguments, "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["faults"] == 1
    names = ["packages", "shared memory", "disk", "clock", "model", "camera yard", "nucleus", "IoT Core"]
    assert [check["name"] for check in said["checks"]] == names


def test_by_hand_it_takes_what_the_components_on_the_device_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = tmp_path / "work"
    for name in ("smartcam.Capture", "smartcam.Inference", "smartcam.Model"):
        (work / name).mkdir(parents=True)
    (work / "smartcam.Model" / "current").symlink_to(DEMO)
    cameras = {"yard": {"source": "file", "path": str(tmp_path / "none.mp4")}}
    understood = MemoryFile(work / "smartcam.Capture" / "configuration-understood")
    understood.store(json.dumps({"cameras": cameras, "accessControl": {}}).encode())
    assert main(["--device", str(work), "--json"]) == 1
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert found["model"]["state"] == found["watchdog"]["state"] == "ok"
    assert "none.mp4" in found["camera yard"]["said"]
    assert str(work / "smartcam.Inference") in found["disk"]["said"]
    key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    MemoryFile(work / "smartcam.Inference" / "configuration-understood").store(f'{{"trusted_key": "{key}"}}'.encode())
    assert main(["--device", str(work)]) == 1
    assert "this device only trusts signed bundles" in capsys.readouterr().out


def test_a_device_that_is_not_there_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--device", str(tmp_path / "none"), "--work", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert f"fault    device         {tmp_path / 'none'}: there is no such folder; name a nucleus's work folder" in said
    assert "watchdog" not in said


def test_it_says_which_component_its_watchdog_had_replaced_in_the_last_week(tmp_path: Path) -> None:
    clock = FakeClock()
    for name in ("smartcam.Capture", "smartcam.Inference"):
        (tmp_path / name).mkdir()
    assert check_replaced(tmp_path, clock.utc()).state is State.OK
    note_replacement(tmp_path / "smartcam.Capture", clock.utc(), "live-yard", 301)
    clock.advance(6 * 86_400)
    found = check_replaced(tmp_path, clock.utc())
    assert found.state is State.WARNING
    assert "smartcam.Capture was replaced at 2026-03-01T12:00:00.000Z, its loop live-yard had been stuck" in found.said
    assert found.facts == {"replaced": "smartcam.Capture"}
    clock.advance(86_400)
    assert check_replaced(tmp_path, clock.utc()).state is State.OK


def test_each_bundle_that_inference_names_is_checked_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    current = tmp_path / "smartcam.Model" / "current"
    shutil.copytree(DEMO, current)
    shutil.copytree(DEMO, current / "traffic")
    (current / "traffic" / "model.tflite").write_bytes(b"damaged")
    (tmp_path / "smartcam.Inference").mkdir()
    understood = MemoryFile(tmp_path / "smartcam.Inference" / "configuration-understood")
    understood.store(json.dumps({"bundles": {"traffic": "", "mine": str(DEMO)}}).encode())
    assert main(["--device", str(tmp_path), "--json"]) == 1
    found = {each["name"]: each["state"] for each in json.loads(capsys.readouterr().out)["checks"]}
    assert [found[f"model{name}"] for name in ("", " traffic", " mine")] == ["ok", "fault", "ok"]


@pytest.mark.parametrize("stored", [b"[" * 99_999, b"nonsense", b"[]"])
def test_what_a_component_has_remembered_and_cannot_be_read_is_as_if_it_were_not_there(
    tmp_path: Path, stored: bytes
) -> None:
    folder = tmp_path / "smartcam.Inference"
    folder.mkdir()
    MemoryFile(folder / "configuration-understood").store(stored)
    assert read_understood(tmp_path).cameras is None


def test_the_component_takes_the_names_of_bundles_as_inference_has_them() -> None:
    assert read_settings({"cameras": {}, "bundles": {"traffic": ""}}).bundles == {"traffic": None}
    with pytest.raises(SettingsError, match="bundles"):
        read_settings({"cameras": {}, "bundles": {"a/b": ""}})


def test_on_a_device_where_nothing_is_deployed_yet_it_says_what_it_could_not_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "smartcam.Runtime").mkdir()
    assert main(["--device", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert f"{tmp_path / 'smartcam.Runtime'}: " in said
    assert "skipped  cameras" in said
    assert "skipped  nucleus" in said
    assert "deploy smartcam.Doctor to check the topics and the connection to the cloud" in said


def test_it_tries_itself_as_the_other_components_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--self-test", __version__, "--bundle", str(DEMO)]) == 0
    assert capsys.readouterr().out.startswith(f"smartcam.Doctor {__version__}: self-test passed on ")
    assert main(["--self-test", "9.9.9"]) == 1
    assert "self-test failed" in capsys.readouterr().err


def test_a_document_of_cameras_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cameras = tmp_path / "cameras.yaml"
    for content in ("smartcam.Capture: {}\n", None):
        if content is None:
            cameras.unlink()
        else:
            cameras.write_text(content)
        assert main(["--cameras", str(cameras), "--work", str(tmp_path)]) == 1
        assert f"{cameras}: " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file or directory"),
        ("services: yaml", "content: is not JSON (Expecting value"),
        ("[]", "content: must be a JSON object"),
        ("{}", "system: is missing"),
        ('{"system": {}, "services": {}}', "services: must name one nucleus"),
    ],
)
def test_a_file_that_was_named_and_cannot_be_used_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, reason: str
) -> None:
    file = tmp_path / "config.yaml"
    if content is not None:
        file.write_text(content)
    assert main(["--work", str(tmp_path), "--nucleus-config", str(file)]) == 1
    said = capsys.readouterr().out
    assert f"fault    IoT Core       {file}: {reason}" in said
    assert "name the file of `smartcam provision`" in said
    assert "1 fault: 5 checked, 3 skipped" in said


@pytest.mark.parametrize("wrong", [("--seconds", "-1"), ("--seconds", "nan"), ("--port", "0"), ("--port", "70000")])
def test_a_number_that_nothing_can_be_looked_at_with_is_refused(
    wrong: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(wrong))
    assert ended.value.code == 2
    assert f"argument {wrong[0]}: {wrong[1]}: give a " in capsys.readouterr().err
