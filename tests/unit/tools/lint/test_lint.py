import dataclasses
from functools import cache
from pathlib import Path

import pytest

from tests.unit.tools.lint.mutants import IN_STRUCTURE, Mutant
from tests.unit.tools.lint.mutants_of_rights import IN_RIGHTS
from tools.build.suite import build_suite, render_recipe
from tools.command_line import ROOT
from tools.lint.code_use import UnknownTopic, uses_of
from tools.lint.command import facts_of, main
from tools.lint.facts import SuiteFacts, Use
from tools.lint.suite import lint_suite
from tools.recipes.document import Fault
from tools.recipes.keys import MQTT, PUBSUB

MUTANTS = (*IN_STRUCTURE, *IN_RIGHTS)


@cache
def facts() -> SuiteFacts:
    """Of the suite's own sources, which takes seconds to read: not while the tests are collected."""
    return facts_of(ROOT)


def sources() -> dict[str, str]:
    return {source.stem: render_recipe(source.read_text()) for source in sorted((ROOT / "recipes").glob("*.yaml"))}


def mutated(mutant: Mutant) -> dict[str, str]:
    recipes = sources()
    text = recipes[mutant.recipe]
    old, new = render_recipe(mutant.old), render_recipe(mutant.new)
    assert old in text, f"the recipe has changed: {old!r} is not in it"
    recipes[mutant.recipe] = text.replace(old, new, 1)
    return recipes


def line_of(text: str, words: str) -> int:
    """The first line that holds the words, or the n-th for `words#n`."""
    wanted, _, count = words.partition("#")
    if not count.isdigit():
        wanted, count = words, "1"
    return [number for number, line in enumerate(text.splitlines(), 1) if wanted in line][int(count) - 1]


def test_the_suites_own_recipes_have_no_mistakes() -> None:
    assert lint_suite(sources(), facts()) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_recipe_broken_in_one_place_is_refused_with_its_line(mutant: Mutant) -> None:
    recipes = mutated(mutant)
    findings = lint_suite(recipes, facts())
    fitting = [finding for finding in findings if mutant.says in finding.reason]
    assert fitting, "\n".join(map(str, findings)) or "nothing was found"
    expected = line_of(recipes[mutant.recipe], render_recipe(mutant.at))
    assert (f"{mutant.recipe}.yaml", expected) in {(finding.file, finding.line) for finding in fitting}, fitting


def test_there_are_at_least_a_hundred_ways_to_break_a_recipe() -> None:
    assert len({(mutant.recipe, mutant.old, mutant.new) for mutant in MUTANTS}) == len(MUTANTS) >= 100


def test_several_mistakes_are_found_in_one_go_in_the_order_of_their_lines() -> None:
    recipes = sources()
    recipes["smartcam.Capture"] = recipes["smartcam.Capture"].replace("      run:", "      rnu:").replace("os:", "OS:")
    findings = lint_suite(recipes, facts())
    assert {"did you mean 'run'", "did you mean 'os'"} <= {finding.reason.split("; ")[-1][:-1] for finding in findings}
    assert [finding.line for finding in findings] == sorted(finding.line for finding in findings)


@pytest.mark.parametrize("text", ["", "[]", "just words", "a: [", "\tx: 1", "Manifests: 5\nComponentDependencies: 7\n"])
def test_what_is_no_recipe_at_all_is_refused_without_a_crash(text: str) -> None:
    assert lint_suite({"smartcam.Model": text}, facts())


def test_a_finding_names_file_line_and_place() -> None:
    assert str(Fault("a.yaml", 3, "Manifests[0]", "is odd")) == "a.yaml:3: Manifests[0]: is odd"


def package(tmp_path: Path, source: str) -> Path:
    (tmp_path / "main.py").write_text(
        "from smartcam.contract.topics import ALL_FRAMES, ack_topic, frames_topic\n" + source
    )
    return tmp_path


def test_what_code_does_on_the_bus_is_read_from_its_calls(tmp_path: Path) -> None:
    source = """
class A:
    def __init__(self, bus, camera):
        self._topic = frames_topic(camera)
        bus.subscribe_cloud(ack_topic("t"), print)
    def go(self, bus):
        bus.publish_local(self._topic, b"")
        bus.subscribe_local(ALL_FRAMES, print)
"""
    assert uses_of(package(tmp_path, source)) == {
        Use(PUBSUB, "aws.greengrass#PublishToTopic", "smartcam/frames/*"),
        Use(PUBSUB, "aws.greengrass#SubscribeToTopic", "smartcam/frames/*"),
        Use(MQTT, "aws.greengrass#SubscribeToIoTCore", "smartcam/v1/+/ack"),
    }


def test_what_a_component_does_through_the_shell_that_it_imports_is_its_own_doing(tmp_path: Path) -> None:
    files = {
        "capture/main.py": "from smartcam.edge.asking.desk import Desk\nfrom smartcam.edge.bus.greengrass import Bus\n",
        "edge/asking/desk.py": "from smartcam.edge.said import say\n",
        "edge/said.py": "from smartcam.contract.topics import ALL_CLIPS\ndef say(b): b.subscribe_local(ALL_CLIPS, 1)\n",
        "edge/bus/greengrass.py": "def go(self, topic): self._client.publish_local(topic, 1)\n",
        "edge/never_imported.py": "from smartcam.contract.topics import ALL_FRAMES\nb.subscribe_local(ALL_FRAMES, 1)\n",
    }
    for name, source in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    assert uses_of(tmp_path / "capture") == {Use(PUBSUB, "aws.greengrass#SubscribeToTopic", "smartcam/clips/*")}


def test_a_topic_from_elsewhere_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(UnknownTopic, match=r"main\.py:2: take the topic of publish_local from smartcam"):
        uses_of(package(tmp_path, "def go(bus): bus.publish_local('my/topic', b'')\n"))


def test_a_bus_around_a_bus_uses_nothing_by_itself(tmp_path: Path) -> None:
    source = """
class Around:
    def publish_local(self, topic, payload):
        self._inner.publish_local(topic, payload)
"""
    assert uses_of(package(tmp_path, source)) == frozenset()


def test_rights_that_the_code_does_not_use_at_all_are_refused() -> None:
    nothing = dataclasses.replace(facts(), uses={})
    (finding,) = lint_suite({"smartcam.Capture": ONE_RIGHT}, dataclasses.replace(nothing, artifacts={}))
    assert finding.reason == "the code does not use aws.greengrass#PublishToTopic"
    assert finding.line == 11


ONE_RIGHT = render_recipe("""RecipeFormatVersion: "2020-01-25"
ComponentName: smartcam.Capture
ComponentVersion: "{COMPONENT_VERSION}"
ComponentConfiguration:
  DefaultConfiguration:
    accessControl:
      aws.greengrass.ipc.pubsub:
        smartcam.Capture:pubsub:1:
          resources: [smartcam/frames/*]
          operations:
            - aws.greengrass#PublishToTopic
Manifests:
  - Platform: {os: linux, runtime: "*"}
    Lifecycle: {run: "true"}
    Artifacts: []
""")


def test_the_command_passes_the_sources_and_a_build_and_refuses_a_broken_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")
    built = build_suite(tmp_path / "out", bundle)
    assert main(["--built", str(built.folder)]) == 0
    assert capsys.readouterr().out.splitlines() == ["8 recipes, no mistakes"] * 2
    built.recipe("smartcam.Model").write_text("x: 1\n")
    assert main(["--built", str(built.folder)]) == 2
    assert "is not what SHA256SUMS says; build again" in capsys.readouterr().err
    assert main(["--built", str(tmp_path)]) == 2
