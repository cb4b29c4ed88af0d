"""Files of PyTorch: what is refused, and what a conversion that fails says."""

import zipfile
from pathlib import Path

import pytest

from tools.bundle import torch_file
from tools.bundle.command import main
from tools.bundle.torch_file import members_of
from tools.child import ExportFault


def archive(path: Path, member: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(member, b"{}")
    return path


@pytest.mark.parametrize(
    "damage", [(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"), (b"caf\xc3\xa9", b"caf\xff\xff")]
)
def test_an_archive_whose_list_cannot_be_read_has_no_members(tmp_path: Path, damage: tuple[bytes, bytes]) -> None:
    content = archive(tmp_path / "a.pt2", "caf\u00e9/models/model.json").read_bytes()
    assert members_of(content) == ["caf\u00e9/models/model.json"]
    assert damage[0] in content
    assert members_of(content.replace(*damage)) == []


@pytest.mark.parametrize("name", ["weights.pt", "script.pt2"])
def test_weights_and_torchscript_are_refused_with_what_to_do(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = archive(tmp_path / name, "archive/data.pkl")
    assert main(["--model", str(file), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert f"{file}: holds weights or TorchScript" in said
    assert "torch.export.save" in said


def test_what_the_converter_lacks_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(*_: object) -> str:
        raise ExportFault("litert-torch lacks aten.cummax.default")

    monkeypatch.setattr(torch_file, "setup_torch", lambda **_: Path("python"))
    monkeypatch.setattr(torch_file, "run_there", lacking)
    file = archive(tmp_path / "yard.pt2", "yard/models/model.json")
    assert main(["--model", str(file), "--out", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err == f"smartcam bundle: {file}: litert-torch lacks aten.cummax.default\n"
    assert [each.name for each in tmp_path.iterdir()] == ["yard.pt2"]
