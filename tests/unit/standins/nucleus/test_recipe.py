from pathlib import Path

import pytest

from standins.nucleus.profile import LITE
from standins.nucleus.recipe import RecipeError, read_recipe
from tests.unit.standins.nucleus.workshop import Workshop
from tools.recipes.recipe import LifecyclePhase

WHOLE = """\
RecipeFormatVersion: "2020-01-25"
ComponentName: t.Cam
ComponentVersion: 1.0.0
ComponentType: aws.greengrass.generic
ComponentDescription: A camera
ComponentPublisher: us
ComponentConfiguration:
  DefaultConfiguration:
    fps: 5
    on: true
    nothing: null
    cameras: {}
    list: [1, 2]
    accessControl:
      aws.greengrass.ipc.pubsub:
        "t.Cam:pubsub:1":
          policyDescription: frames
          operations: ["aws.greengrass#PublishToTopic"]
          resources: ["frames/*"]
ComponentDependencies:
  t.Runtime: {VersionRequirement: ">=1.0.0 <2.0.0", DependencyType: SOFT}
  aws.greengrass.Nucleus: {VersionRequirement: ">=2.0.0", DependencyType: SOFT}
Manifests:
  - Platform: {os: windows, runtime: "*"}
    Lifecycle: {run: nothing.exe}
  - Platform: {os: linux, runtime: "*"}
    Artifacts:
      - Uri: s3://BUCKET/a/b/bundle.zip
        Unarchive: ZIP
        Permission: {Read: ALL, Execute: NONE}
    Lifecycle:
      Setenv: {A: "1", B: "shared"}
      install:
        Script: echo "{work:path}"
        Timeout: 900
      run:
        Script: echo "$HOME"
        Setenv: {B: own}
        RequiresPrivilege: false
      shutdown: "true"
"""


def write(workshop: Workshop, old: str = "", new: str = "") -> Path:
    assert old in WHOLE
    return workshop.text("t.Cam-1.0.0.yaml", WHOLE.replace(old, new, 1) if old else WHOLE)


def test_a_recipe_is_read_for_this_machine(workshop: Workshop) -> None:
    recipe = read_recipe(write(workshop), LITE)
    assert (recipe.name, recipe.version) == ("t.Cam", "1.0.0")
    assert [(artifact.file, artifact.unpacked) for artifact in recipe.artifacts] == [("bundle.zip", True)]
    assert [(needed.name, needed.hard) for needed in recipe.dependencies] == [("t.Runtime", False)]
    assert set(recipe.steps) == {LifecyclePhase.INSTALL, LifecyclePhase.RUN}
    assert recipe.steps[LifecyclePhase.INSTALL].timeout == "900"
    assert recipe.steps[LifecyclePhase.INSTALL].setenv == {"A": "1", "B": "shared"}
    assert recipe.steps[LifecyclePhase.RUN].setenv == {"A": "1", "B": "own"}
    assert recipe.service == recipe.steps[LifecyclePhase.RUN]


def test_lite_delivers_every_scalar_of_a_yaml_recipe_as_text(workshop: Workshop) -> None:
    defaults = read_recipe(write(workshop), LITE).defaults
    del defaults["accessControl"]  # type: ignore[attr-defined]
    assert defaults == {"fps": "5", "on": "true", "nothing": "null", "cameras": {}, "list": ["1", "2"]}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "run:\n        Script",
            "rnu:\n        Script",
            "Manifests[1].Lifecycle: unknown key 'rnu'; did you mean 'run'?",
        ),
        (
            'Script: echo "$HOME"',
            'script: echo "$HOME"',
            "Manifests[1].Lifecycle.run: unknown key 'script'; did you mean 'Script'?",
        ),
        ("- Uri:", "- URI:", "Manifests[1].Artifacts[0]: unknown key 'URI'; did you mean 'Uri'?"),
        ("Setenv: {B", "SetEnv: {B", "Manifests[1].Lifecycle.run: unknown key 'SetEnv'; did you mean 'Setenv'?"),
        ("ComponentVersion:", "Componentversion:", "unknown key 'Componentversion'; did you mean 'ComponentVersion'?"),
        ("operations:", "opertaions:", "unknown key 'opertaions'; did you mean 'operations'?"),
        ("#PublishToTopic", "#PublishTopic", "did you mean 'aws.greengrass#PublishToTopic'?"),
        ("ipc.pubsub:\n", "ipc.pubsb:\n", "did you mean 'aws.greengrass.ipc.pubsub'?"),
        ("DefaultConfiguration:", "Default:", "unknown key 'Default'; known: DefaultConfiguration"),
        ("Unarchive: ZIP", "Unarchive: zip", "Unarchive: 'zip' is unknown; did you mean 'ZIP'?"),
        ("DependencyType: SOFT", "DependencyType: WEAK", "'WEAK' is unknown; known: HARD, SOFT"),
        (", DependencyType: SOFT", "", "DependencyType is missing"),
        (">=1.0.0 <2.0.0", "^1.0.0", "lite knows bounds only"),
        ('echo "{work:path}"', 'echo "{work:pth}"', "did you mean 'work:path'?"),
        ('echo "$HOME"', 'echo "${HOME}"', "write $NAME, not ${NAME}"),
        ('["frames/*"]', '["frames/{iot:thingName}"]', "inside accessControl"),
        ("Timeout: 900", "Timeout: soon", "Timeout: must be a whole number of seconds"),
        ("RequiresPrivilege: false", "RequiresPrivilege: true", "nothing as root"),
        ("RequiresPrivilege: false", "Skipif: onpath x", "Skipif: is unknown to nucleus lite"),
        ("aws.greengrass.generic", "aws.greengrass.lambda", "ComponentType: 'aws.greengrass.lambda' is unknown"),
        ("ComponentVersion: 1.0.0", "ComponentVersion: banana", "'banana' is not a version"),
        ("ComponentVersion: 1.0.0", "ComponentVersion: 1.0.1", "must be called t.Cam-1.0.1.yaml"),
        ("    fps: 5", "    fps: 5\n    fps: 6", "the key 'fps' is given twice, first in line"),
        ('{os: linux, runtime: "*"}', "{os: linux}", 'Manifests: none fits: Platform needs os: linux, runtime: "*"'),
        ('{os: linux, runtime: "*"}', '{os: linux, runtime: "*", architecture: z80}', "none fits"),
        ('A: "1"', '1A: "1"', "not a name for an environment variable"),
        ('Setenv: {A: "1", B: "shared"}', "Setenv: {A: []}", "must be text"),
        ("Manifests:", "Manifest:", "did you mean 'Manifests'?"),
        ("ComponentName: t.Cam", "ComponentName: [1]", "ComponentName: must be text"),
        ('RecipeFormatVersion: "2020-01-25"\n', "", "RecipeFormatVersion is missing"),
        ("Manifests:\n", "Manifests: {}\nLifecycle:\n", "Manifests: must be a list"),
    ],
)
def test_a_mistake_gives_one_error_with_file_place_and_remedy(
    workshop: Workshop, old: str, new: str, message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        read_recipe(write(workshop, old, new), LITE)
    assert str(caught.value).startswith("t.Cam-1.0.0.yaml:")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lifecycle", ["{}", "{Setenv: {A: b}}", "{shutdown: x}"])
def test_a_lifecycle_without_a_phase_is_an_error_on_lite(workshop: Workshop, lifecycle: str) -> None:
    text = f"""\
RecipeFormatVersion: "2020-01-25"
ComponentName: t.Cam
ComponentVersion: 1.0.0
Manifests:
  - Platform: {{os: linux, runtime: "*"}}
    Lifecycle: {lifecycle}
"""
    with pytest.raises(RecipeError, match="at least one"):
        read_recipe(workshop.text("t.Cam-1.0.0.yaml", text), LITE)


def test_a_shared_lifecycle_is_taken_by_its_selection(workshop: Workshop) -> None:
    text = """\
RecipeFormatVersion: "2020-01-25"
ComponentName: t.Cam
ComponentVersion: 1.0.0
Lifecycle: {linux: {run: "echo linux"}, all: {run: "echo all"}}
Manifests:
  - Platform: {os: linux, runtime: "*"}
    Selections: [linux]
"""
    recipe = read_recipe(workshop.text("t.Cam-1.0.0.yaml", text), LITE)
    assert recipe.steps[LifecyclePhase.RUN].script == "echo linux"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"- a", "must be an object"),
        (b"", "must be an object"),
        (b"#" * 8197, "has 8197 bytes, nucleus lite reads 8196 at most"),
    ],
)
def test_a_file_that_is_no_recipe_is_named(workshop: Workshop, content: bytes, reason: str) -> None:
    file = workshop.text("t.Cam-1.0.0.yaml", "")
    file.write_bytes(content)
    with pytest.raises(RecipeError, match=reason) as caught:
        read_recipe(file, LITE)
    assert str(caught.value).startswith("t.Cam-1.0.0.yaml:")


def test_a_missing_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"x-1\.0\.0\.yaml: cannot be read \(No such file"):
        read_recipe(tmp_path / "x-1.0.0.yaml", LITE)
