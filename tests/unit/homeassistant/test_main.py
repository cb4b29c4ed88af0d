import json
from pathlib import Path

import pytest

from smartcam import __version__
from smartcam.homeassistant.main import main


def check(tmp_path: Path, document: dict[str, object]) -> int:
    file = tmp_path / "configuration.json"
    file.write_text(json.dumps(document))
    return main(["--check", "--configuration", str(file)])


def test_check_says_what_would_go_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(tmp_path, {}) == 0
    assert capsys.readouterr().out == "no broker is named: off; pictures stay here\n"
    assert check(tmp_path, {"host": "broker.lan", "pictures": True}) == 0
    assert capsys.readouterr().out == "the broker is broker.lan port 8883; pictures go there\n"


def test_check_names_the_key_the_value_and_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for document, words in (
        ({"host": "a b"}, "host = 'a b': must be a name"),
        ({"host": "broker", "user": "pi", "password_file": str(tmp_path / "gone")}, "password_file = "),
        ({"host": "broker", "authority": str(tmp_path / "gone")}, "authority = "),
    ):
        assert check(tmp_path, dict(document)) == 2
        assert words in capsys.readouterr().err


def test_it_needs_a_nucleus_and_proves_itself(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smartcam.edge.self_test.import_everything", lambda: 5)
    assert main(["--self-test", __version__]) == 0
    assert f"smartcam.HomeAssistant {__version__}: self-test passed" in capsys.readouterr().out
    monkeypatch.delenv("AWS_GG_NUCLEUS_DOMAIN_SOCKET_FILEPATH_FOR_COMPONENT", raising=False)
    assert main([]) == 2
    with pytest.raises(SystemExit):
        main(["--configuration", "somewhere"])
