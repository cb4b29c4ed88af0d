import json
from pathlib import Path

import pytest

from tools.release.aws import ReleaseError
from tools.release.configuration import read_document, read_merges

COMPONENTS = ("smartcam.Capture", "smartcam.Inference", "smartcam.Model")
GATE = "smartcam.Capture:\n  cameras:\n    gate: {path: /clips/%s.mp4}\n"


def refusal(file: Path) -> str:
    with pytest.raises(ReleaseError) as caught:
        read_merges(file, COMPONENTS)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(str(file))
    return said.removeprefix(str(file))


def written(folder: Path, content: str | bytes, name: str = "cameras.yaml") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_a_camera_that_stands_twice_is_named_with_both_lines(tmp_path: Path) -> None:
    twice = GATE % "a" + "    door: {path: /clips/c.mp4}\n    gate: {path: /clips/b.mp4}\n"
    assert refusal(written(tmp_path, twice)) == (
        ":5: smartcam.Capture.cameras: the key 'gate' is given twice, first in line 3; one of the two would be lost"
    )


def test_a_component_that_stands_twice_is_named(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, GATE % "a" + GATE % "b")).startswith(
        ":4: the key 'smartcam.Capture' is given twice, first in line 1"
    )


@pytest.mark.parametrize("name", ["1", "no", "007", "12:30", "2026-01-01"])
def test_an_id_that_yaml_takes_for_something_else_is_named_as_that(tmp_path: Path, name: str) -> None:
    text = f"smartcam.Capture:\n  cameras:\n    {name}: {{path: a.mp4}}\n"
    said = refusal(written(tmp_path, text))
    assert said.startswith(f":3: smartcam.Capture.cameras: the key '{name}' is no text to every reader of YAML")
    quoted = written(tmp_path, text.replace(name, "'gate'"))
    assert read_merges(quoted, COMPONENTS)["smartcam.Capture"]["cameras"] == {"gate": {"path": "a.mp4"}}


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-16", ": is UTF-16; save the file as UTF-8"),
        ("utf-16-le", ":1: holds a NUL byte, as UTF-16 without a mark does; save the file as UTF-8"),
        ("latin-1", ":3: holds the byte 0xE9, which is not UTF-8 (in Latin-1 it is 'é'); save the file as UTF-8"),
        ("cp1252", ":3: holds the byte 0xE9, which is not UTF-8 (in Latin-1 it is 'é'); save the file as UTF-8"),
    ],
)
def test_a_file_in_another_encoding_is_said_to_be(tmp_path: Path, encoding: str, said: str) -> None:
    assert refusal(written(tmp_path, (GATE % "entrée").encode(encoding))) == said


def test_a_mark_before_the_text_and_windows_lines_change_nothing(tmp_path: Path) -> None:
    plain = read_merges(written(tmp_path, GATE % "entrée"), COMPONENTS)
    windows = (GATE % "entrée").replace("\n", "\r\n").encode("utf-8-sig")
    assert read_merges(written(tmp_path, windows), COMPONENTS) == plain


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "true", "false"])
def test_words_for_true_and_false_are_understood_where_they_are_meant(tmp_path: Path, word: str) -> None:
    read_merges(written(tmp_path, f"smartcam.Inference: {{armed: {word}}}\n"), COMPONENTS)
    said = refusal(written(tmp_path, GATE.replace("}", f", at_end: {word}}}") % "a"))
    assert "cameras.gate.at_end = " in said
    assert word in said.lower()


@pytest.mark.parametrize("number", ["0777", "1_000", "12:30", "0x500"])
def test_a_number_that_yaml_takes_for_another_is_refused(tmp_path: Path, number: str) -> None:
    text = GATE.replace("}", f", width: {number}}}") % "a"
    assert f"cameras.gate.width = {number!r}: is a number to some readers" in refusal(written(tmp_path, text))


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "---\n", "~\n"])
def test_a_file_that_holds_nothing_is_no_configuration_for_a_group(tmp_path: Path, content: str) -> None:
    file = written(tmp_path, content)
    assert refusal(file) == ": holds nothing; write {} if every component is to have its defaults"
    assert read_document(file) == {}
    assert read_merges(written(tmp_path, "{}"), COMPONENTS) == {}


@pytest.mark.parametrize("content", ["- a\n", "5", "text", "true"])
def test_what_is_no_object_is_said_to_have_to_be_one(tmp_path: Path, content: str) -> None:
    assert refusal(written(tmp_path, content)) == ": must be an object: component name -> its configuration"


def test_ten_megabytes_are_refused_at_once(tmp_path: Path) -> None:
    assert refusal(written(tmp_path, b"a: 1\n" * 2_000_000)).startswith(": has more than 1000000 bytes")


def test_json_is_read_with_its_tabs_and_as_strictly(tmp_path: Path) -> None:
    document = {"smartcam.Capture": {"cameras": {"1": {"path": "a.mp4"}}}}
    text = json.dumps(document, indent="\t")
    assert read_merges(written(tmp_path, text, "cameras.json"), COMPONENTS) == document
    twice = text.replace('"1":', '"1": {"path": "b.mp4"},\n"1":')
    assert refusal(written(tmp_path, twice, "cameras.json")).startswith(
        ":5: the key '1' is given twice, first in line 4"
    )


def test_a_folder_in_place_of_a_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ": cannot be read (Is a directory)"


def test_a_console_that_would_be_open_to_others_without_tls_is_refused_before_it_is_deployed(tmp_path: Path) -> None:
    file = written(tmp_path, "smartcam.Console: {address: 0.0.0.0}\n")
    with pytest.raises(ReleaseError, match=r"smartcam.Console: address = '0.0.0.0': needs TLS"):
        read_merges(file, ("smartcam.Console",))
