"""What travels to the service, and what is taken of what comes back."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from smartcam.contract.errors import ModelIntegrityError
from tools.build.suite import DEMO_BUNDLE
from tools.train import packed
from tools.train.job import BUNDLE, MADE
from tools.train.packed import source_archive, unpack
from training.errors import TrainingError


def made(files: Mapping[str, bytes]) -> bytes:
    """A model.tar.gz as the service makes it."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return into.getvalue()


def good() -> dict[str, bytes]:
    bundle = {f"{BUNDLE}/{path.name}": path.read_bytes() for path in DEMO_BUNDLE.iterdir()}
    return {**bundle, "report/report.html": b"<p>", "report/card.md": b"# x"}


def taken(tmp_path: Path, content: bytes) -> Path:
    (tmp_path / "model.tar.gz").write_bytes(content)
    unpack(tmp_path / "model.tar.gz", tmp_path / "out", tmp_path / "report")
    return tmp_path / "out"


def test_a_bundle_and_its_report_come_out_whole_and_only_for_their_owner(tmp_path: Path) -> None:
    out = taken(tmp_path, made({f"./{name}": content for name, content in good().items()}))
    assert {path.name for path in out.iterdir()} == {path.name for path in DEMO_BUNDLE.iterdir()}
    assert (tmp_path / "report/card.md").read_text() == "# x"
    assert {path.stat().st_mode & 0o777 for path in [*out.iterdir(), tmp_path / "report/report.html"]} == {0o600}


@pytest.mark.parametrize("name", ["../escape", "/escape-of-model", "bundle/../../escape", "bundle/x/../../../escape"])
def test_a_name_that_leaves_the_folder_is_not_followed(name: str, tmp_path: Path) -> None:
    taken(tmp_path, made({name: b"x", **good()}))
    assert not any("escape" in str(path) for path in tmp_path.parent.rglob("*"))
    assert not Path("/escape-of-model").exists()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz") as archive:
        for name in sorted(MADE):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(member)
    with pytest.raises(ModelIntegrityError):
        taken(tmp_path, into.getvalue())
    assert not list((tmp_path / "out").iterdir())


def test_what_is_larger_than_any_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_LARGEST_FILE", 200_000)
    for bomb in ({"bundle/model.tflite": bytes(200_001)}, {"other": bytes(200_001)}, {f"{n}": b"" for n in range(101)}):
        with pytest.raises(TrainingError, match="larger than any model"):
            taken(tmp_path, made(bomb))


@pytest.mark.parametrize("keep", [0, 1, 20, 0.5, 0.99])
def test_an_archive_that_breaks_off_is_refused_in_one_line(keep: float, tmp_path: Path) -> None:
    whole = made(good())
    part = whole[: keep if isinstance(keep, int) else int(len(whole) * keep)]
    with pytest.raises((TrainingError, ModelIntegrityError)):
        taken(tmp_path, part)
    assert not (tmp_path / "report").exists()


def test_a_bundle_whose_model_was_changed_on_the_way_is_refused_and_no_report_is_kept(tmp_path: Path) -> None:
    changed = good()
    changed["bundle/model.tflite"] = changed["bundle/model.tflite"][:-1] + b"x"
    with pytest.raises(ModelIntegrityError):
        taken(tmp_path, made(changed))
    assert not (tmp_path / "report").exists()


def test_the_archive_of_our_code_holds_code_and_nothing_else(tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(source_archive()), mode="r:gz") as archive:
        names = archive.getnames()
        archive.extractall(tmp_path, filter="data")
    assert {name.rpartition(".")[2] for name in names} == {"py", "txt", "json", "bin", "tflite"}
    assert not any(part.startswith(".") for name in names for part in Path(name).parts)
    assert "av==" in (tmp_path / "requirements.txt").read_text()
    assert "tensorflow" not in (tmp_path / "requirements.txt").read_text()


def test_a_header_that_unzips_to_more_than_any_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "MOST_BYTES", 200_000)
    monkeypatch.setattr(packed, "_MOST_BESIDES", 1000)
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("n" * 300_000))
    with pytest.raises(TrainingError, match="larger than any model"):
        taken(tmp_path, into.getvalue())
