"""What the demo's camera knows of its yard before the clip begins."""

import sys
from pathlib import Path

import pytest

from measure.demo import normal_yard
from measure.demo.normal_yard import learned_yard, normal_spells
from measure.demo.plan import DemoError
from smartcam.model.manifest import MANIFEST_FILE
from standins.cloud.leashed import start_leashed
from tools.normal.writing import MEMORY


def only_child(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_nobody_is_in_the_normal_yard_and_no_two_spells_are_the_same() -> None:
    spells = list(normal_spells())
    assert not any(spell.visits for spell in spells)
    assert all(spell.cars for spell in spells)
    assert 0 < sum(bool(spell.cats) for spell in spells) < len(spells)
    assert len({spell.light.levels for spell in spells}) == len({spell.cars for spell in spells}) == len(spells)


def test_what_an_earlier_demo_has_learned_is_used_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def begun(*_: object) -> None:
        pytest.fail("it learns again")

    monkeypatch.setattr(normal_yard, "start_leashed", begun)
    bundle = tmp_path / f"normal-{normal_yard._digest()}" / "bundle"
    bundle.mkdir(parents=True)
    (bundle / MANIFEST_FILE).touch()
    told = list[str]()
    with learned_yard(tmp_path, told.append) as learned:
        assert learned() == bundle / MEMORY
    assert told == ["the normal yard was learned by an earlier demo, 12.25 h of it"]


@pytest.mark.parametrize(("code", "outcome"), [("", None), ("import sys; print('no room'); sys.exit(3)", "no room")])
def test_learning_goes_on_beside_the_block_which_hears_how_it_went(
    code: str, outcome: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", f"print('told: half of it', flush=True)\n{code}"]
    monkeypatch.setattr(normal_yard, "start_leashed", lambda _, *rest: start_leashed(command, *rest))
    told = list[str]()
    with learned_yard(tmp_path, told.append) as learned:
        if outcome is None:
            assert learned().name == MEMORY
        else:
            with pytest.raises(DemoError, match=rf"could not be learned \(exit 3\): {outcome}"):
                learned()
    assert told == ["half of it"]


def test_one_learns_while_others_wait_and_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[Path] = []

    def learn(kept: Path, *_: object) -> None:
        learned.append(kept)
        (kept / "bundle").mkdir()
        (kept / "bundle" / MANIFEST_FILE).touch()

    monkeypatch.setattr(normal_yard, "_learn", learn)
    for _ in range(2):
        normal_yard.learn(tmp_path / "normal", lambda _: None)
    assert learned == [only_child(tmp_path)]
