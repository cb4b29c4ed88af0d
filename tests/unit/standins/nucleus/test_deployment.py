import json
from pathlib import Path

import pytest

from standins.nucleus.configuration import Update
from standins.nucleus.deployment import DeploymentDocument, DeploymentEntry, DeploymentError, read_deployment, resolve
from standins.nucleus.profile import LITE
from standins.nucleus.recipe import RecipeError
from tests.unit.standins.nucleus.workshop import Workshop


def wanted(name: str, version: str = "1.0.0") -> DeploymentDocument:
    return DeploymentDocument({name: DeploymentEntry(version, Update())})


def test_everything_that_is_needed_comes_in_order(workshop: Workshop) -> None:
    workshop.recipe("t.Suite", needs={"t.B": "SOFT", "t.A": "HARD"})
    workshop.recipe("t.A", needs={"t.B": "HARD"})
    workshop.recipe("t.B")
    workshop.recipe("t.Unrelated")
    assert [recipe.name for recipe in resolve(wanted("t.Suite"), workshop.recipes, LITE)] == ["t.B", "t.A", "t.Suite"]


def test_the_newest_version_within_all_ranges_is_taken(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "SOFT"})
    for version in ("0.9.0", "1.2.0", "1.10.0", "2.0.0"):
        workshop.recipe("t.B", version=version)
    assert resolve(wanted("t.A"), workshop.recipes, LITE)[0].version == "1.10.0"


def test_the_deployments_own_version_counts_too(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "SOFT"})
    for version in ("1.2.0", "1.10.0"):
        workshop.recipe("t.B", version=version)
    both = DeploymentDocument({"t.A": DeploymentEntry("1.0.0", Update()), "t.B": DeploymentEntry("1.2.0", Update())})
    assert resolve(both, workshop.recipes, LITE)[0].version == "1.2.0"


def test_what_only_an_older_version_needs_is_not_taken(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "SOFT", "t.C": "SOFT"})
    workshop.recipe("t.B", version="1.1.0", needs={"t.Gone": "SOFT"})
    workshop.recipe("t.B", version="1.0.0")
    workshop.recipe("t.Gone")
    workshop.recipe("t.C")
    pinned = DeploymentDocument({"t.A": DeploymentEntry("1.0.0", Update()), "t.B": DeploymentEntry("<1.1.0", Update())})
    assert {recipe.name for recipe in resolve(pinned, workshop.recipes, LITE)} == {"t.A", "t.B", "t.C"}


def test_an_unknown_component_is_named_with_the_nearest_known_one(workshop: Workshop) -> None:
    workshop.recipe("t.Capture")
    with pytest.raises(DeploymentError, match=r"t\.Captrue: the deployment wants 1\.0\.0.*did you mean 't\.Capture'\?"):
        resolve(wanted("t.Captrue"), workshop.recipes, LITE)


def test_a_version_that_is_not_there_is_named_with_those_that_are(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "SOFT"})
    workshop.recipe("t.B", version="2.0.0")
    with pytest.raises(DeploymentError, match=r"t\.B: t\.A wants >=1\.0\.0 <2\.0\.0, but there is 2\.0\.0"):
        resolve(wanted("t.A"), workshop.recipes, LITE)


def test_hard_on_a_component_that_is_only_installed_is_refused(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "HARD"})
    workshop.recipe("t.B", "install: 'true'")
    with pytest.raises(RecipeError, match=r"t\.A-1\.0\.0\.yaml: ComponentDependencies\.t\.B: .*write SOFT"):
        resolve(wanted("t.A"), workshop.recipes, LITE)


def test_a_circle_of_dependencies_is_refused(workshop: Workshop) -> None:
    workshop.recipe("t.A", needs={"t.B": "SOFT"})
    workshop.recipe("t.B", needs={"t.A": "SOFT"})
    with pytest.raises(DeploymentError, match=r"t\.A, t\.B form a cycle"):
        resolve(wanted("t.A"), workshop.recipes, LITE)


def test_a_name_that_begins_like_another_is_not_mistaken(workshop: Workshop) -> None:
    workshop.recipe("t.A")
    workshop.recipe("t.A-2b", version="3.0.0")
    assert [recipe.name for recipe in resolve(wanted("t.A"), workshop.recipes, LITE)] == ["t.A"]


def test_a_missing_folder_of_recipes_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match="no such recipe folder"):
        resolve(wanted("t.A"), tmp_path / "none", LITE)


def test_a_deployment_is_read_with_merges_and_resets(tmp_path: Path) -> None:
    file = tmp_path / "deploy.json"
    document = {"components": {"t.A": {"version": "1.0.0", "merge": {"a": {"b": 5}}, "reset": ["/accessControl", ""]}}}
    file.write_text(json.dumps(document), encoding="utf-8")
    assert read_deployment(file).components["t.A"] == DeploymentEntry(
        "1.0.0", Update({"a": {"b": 5}}, (("accessControl",), ()))
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON"),
        ('{"components": {"a": {"version": "1.0.0"}, "a": {"version": "2.0.0"}}}', "the key 'a' is given twice"),
        ("{}", "needs"),
        ('{"components": {}}', "needs"),
        ('{"component": {}}', "did you mean 'components'"),
        ('{"components": {"a": {}}}', r"components\.a: version is missing"),
        ('{"components": {"a": {"version": "1.0.0", "merges": {}}}}', "did you mean 'merge'"),
        ('{"components": {"a": {"version": "1.0.0", "merge": 5}}}', "must be an object"),
        ('{"components": {"a": {"version": "1.0.0", "reset": ["x"]}}}', "must begin with '/'"),
    ],
)
def test_a_wrong_deployment_file_gives_one_clear_error(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "deploy.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises((DeploymentError, RecipeError), match=reason) as caught:
        read_deployment(file)
    assert "deploy.json" in str(caught.value)


def test_a_missing_deployment_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"none\.json: cannot be read"):
        read_deployment(tmp_path / "none.json")
