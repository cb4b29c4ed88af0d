import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standins.nucleus.configuration import KeyPath, NoSuchKey
from standins.nucleus.interpolation import (
    VariableError,
    Variables,
    check_variables,
    interpolate_script,
    interpolate_value,
    variables_of,
)
from standins.nucleus.scripts import render
from tools.recipes.recipe import LifecyclePhase, Step

STORED = {("a",): "text", ("n",): 5, ("o",): {"k": [1]}}


def read(path: KeyPath) -> object:
    if path not in STORED:
        raise NoSuchKey("/".join(path))
    return STORED[path]


VARIABLES = variables_of(Path("/gg"), "t.Cam", "1.2.3", "yard", read)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{kernel:rootPath}", "/gg"),
        ("{iot:thingName}", "yard"),
        ("{work:path}", "/gg/work/t.Cam/"),
        ("{artifacts:path}", "/gg/packages/artifacts/t.Cam/1.2.3/"),
        ("{artifacts:decompressedPath}/bundle", "/gg/packages/artifacts-unarchived/t.Cam/1.2.3//bundle"),
        ("{configuration:/a}-{configuration:/n}", "text-5"),
        ("{configuration:/o}", '{"k": [1]}'),
        ("no } variable", "no } variable"),
    ],
)
def test_a_variable_has_the_value_that_lite_gives_it(text: str, expected: str) -> None:
    assert interpolate_value(text, VARIABLES) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{t.Model:work:path}", "no variables of other components"),
        ("{kernel:rootpath}", "did you mean 'kernel:rootPath'"),
        ("{ echo x; }", "not a variable that lite knows"),
        ("${HOME}", "write \\$NAME"),
        ("{work:path", "is not closed"),
        ("{configuration:a}", "not a variable that lite knows"),
    ],
)
def test_every_other_brace_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(VariableError, match=reason):
        check_variables(text)


def test_a_configuration_key_that_is_not_there_is_named() -> None:
    with pytest.raises(VariableError, match="no configuration key '/missing'"):
        interpolate_value("{configuration:/missing}", VARIABLES)


def test_what_a_value_holds_is_never_interpolated_itself() -> None:
    variables = Variables({}, lambda _path: "{kernel:rootPath}")
    assert interpolate_value("{configuration:/a}", variables) == "{kernel:rootPath}"


@settings(max_examples=15, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n", exclude_categories=["Cc"]), max_size=20))
def test_a_value_passes_through_the_shell_unharmed(value: str) -> None:
    variables = Variables({}, lambda _path: value)
    step = Step(LifecyclePhase.RUN, 'printf %s/%s "{configuration:/a}" "$B"', {"B": "{configuration:/a}"}, None)
    done = subprocess.run(["/bin/sh", "-c", render(step, variables)], capture_output=True, check=True)
    assert done.stdout.decode() == f"{value}/{value}"


def test_a_script_gets_its_values_escaped_for_double_quotes() -> None:
    variables = Variables({}, lambda _path: 'a"b$c`d\\')
    assert interpolate_script('"{configuration:/a}"', variables) == '"a\\"b\\$c\\`d\\\\"'
