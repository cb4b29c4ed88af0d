"""`smartcam sign`: a key, a signature, and the line for the configuration."""

import base64
from pathlib import Path

import pytest

from smartcam.contract.errors import ModelIntegrityError, SettingsError
from smartcam.inference.bundles import open_model
from smartcam.inference.settings import read_settings
from smartcam.model.bundle import SIGNATURE_FILE
from smartcam.model.manifest import MODEL_FILE
from smartcam.model.rows.bundle import open_filter
from tests.fakes.full_disk import on_a_full_disk
from tests.fakes.row_models import linear, write_filter
from tests.training.tabular.verdicts import judged_history
from tests.unit.inference.test_bundles import make_bundle
from tools.bundle.sign import main
from training.tabular.silencing import learn_filter


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """What is printed, as it goes into the configuration."""
    key, _, value = capsys.readouterr().out.splitlines()[-1].partition(": ")
    return {key: value}


def test_a_new_key_signs_a_bundle_that_a_device_with_the_printed_line_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, bundle = tmp_path / "release.pem", make_bundle(tmp_path / "bundle")
    assert main(["--new", "--key", str(key)]) == 0
    assert key.stat().st_mode & 0o777 == 0o600
    settings = read_settings(line(capsys))
    with pytest.raises(ModelIntegrityError, match="only trusts signed bundles"):
        open_model(bundle, settings.trusted_key)
    assert main([str(bundle), "--key", str(key)]) == 0
    assert read_settings(line(capsys)) == settings
    assert open_model(bundle, settings.trusted_key).manifest.version == "1.0.0"


def test_a_bundle_that_would_be_refused_is_not_signed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, bundle = tmp_path / "key", make_bundle(tmp_path / "bundle")
    key.write_bytes(bytes(32))
    (bundle / MODEL_FILE).write_bytes(b"damaged")
    assert main([str(bundle), "--key", str(key)]) == 1
    assert not (bundle / SIGNATURE_FILE).exists()
    assert MODEL_FILE in capsys.readouterr().err


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = tmp_path / "key"
    key.write_bytes(bytes(32))
    assert main(["--new", "--key", str(key)]) == 1
    assert key.read_bytes() == bytes(32)
    assert capsys.readouterr().err == f"smartcam sign: {key}: exists and is kept; leave out --new to sign with it\n"


def test_a_key_that_is_not_there_is_said_with_the_way_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = tmp_path / "missing.pem"
    assert main(["--key", str(key)]) == 1
    assert capsys.readouterr().err == f"smartcam sign: {key}: there is no such key; create it with --new\n"
    assert main(["--new", "--key", str(tmp_path / "none" / "release.pem")]) == 1
    assert "make one" not in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"no key", b"-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    key = tmp_path / "key"
    key.write_bytes(content)
    assert main(["--key", str(key)]) == 1
    assert capsys.readouterr().err.startswith("smartcam sign: private key cannot be used")


@pytest.mark.parametrize("key", ["x", base64.b64encode(bytes(31)).decode(), "AAAA" * 20])
def test_a_trusted_key_that_is_none_is_refused_with_what_it_must_be(key: str) -> None:
    with pytest.raises(SettingsError, match=r"trusted_key.*32 bytes of an Ed25519 public key"):
        read_settings({"trusted_key": key})


def test_a_link_in_a_bundle_leads_the_signature_to_no_other_file(tmp_path: Path) -> None:
    key, bundle, others = tmp_path / "key", make_bundle(tmp_path / "bundle"), tmp_path / "others"
    key.write_bytes(bytes(32))
    others.write_text("mine")
    for name in (SIGNATURE_FILE, f"{SIGNATURE_FILE}.new"):
        (bundle / name).symlink_to(others)
    assert main([str(bundle), "--key", str(key)]) == 0
    assert others.read_text() == "mine"
    assert not (bundle / SIGNATURE_FILE).is_symlink()


def test_on_a_full_disk_no_half_key_is_left_that_would_be_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key"
    with monkeypatch.context() as full:
        full.setattr("os.fdopen", on_a_full_disk)
        assert main(["--new", "--key", str(key)]) == 1
    assert capsys.readouterr().err == f"smartcam sign: {key}: No space left on device\n"
    assert main(["--new", "--key", str(key)]) == 0


def test_a_folder_is_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--key", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"smartcam sign: {tmp_path}: Is a directory\n"


def test_a_filter_is_signed_as_every_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, bundle = tmp_path / "key", write_filter(tmp_path / "f", learn_filter(judged_history(), linear))
    key.write_bytes(bytes(32))
    assert main([str(bundle), "--key", str(key)]) == 0
    assert open_filter(bundle, read_settings(line(capsys)).trusted_key).signed
    (bundle / "columns.json").unlink()
    assert main([str(bundle), "--key", str(key)]) == 1
    assert "columns.json: cannot be read" in capsys.readouterr().err
