import logging
import os
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from smartcam.contract.errors import ModelIntegrityError
from smartcam.contract.event import EventKind
from smartcam.inference.analysis.analysis import Model, ObjectModel, SceneModel, alarm_policy
from smartcam.inference.bundles import BundleKeeper, BundlesInUse, open_model
from smartcam.inference.commands.self_test import try_the_model
from smartcam.inference.kept_bundle import KeptBundle, forget_others, kept_folder
from smartcam.inference.settings import AnalysisSettings
from smartcam.model.bundle import SIGNATURE_FILE
from smartcam.model.manifest import MANIFEST_FILE, MODEL_FILE, ModelKind, Thresholds
from smartcam.model.packing import Draft, write_bundle
from tests.fakes import models
from tests.fakes.clock import FakeClock
from tests.unit.inference.stage import manifest

PRIVATE = bytes(range(32))
TRUSTED = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw()


def make_bundle(
    folder: Path, kind: ModelKind = ModelKind.CLASSIFIER, version: str = "1.0.0", private_key: bytes | None = None
) -> Path:
    is_detector = kind is ModelKind.DETECTOR
    draft = Draft(
        name="tiny",
        version=version,
        kind=kind,
        labels=("person", "car") if is_detector else ("normal", "intruder"),
        events={"person": EventKind.PERSON} if is_detector else {"intruder": EventKind.ANOMALY},
        thresholds=Thresholds(0.6, 0.4),
        min_frames=3,
        licence="none",
    )
    write_bundle(folder, models.detector() if is_detector else models.classifier(), draft, private_key)
    return folder


def keeper(path: Path | None, clock: FakeClock) -> BundleKeeper:
    return BundleKeeper(path, clock, random=lambda: 1.0)


def version(model: Model | None) -> str:
    assert model is not None
    return model.manifest.version


def test_a_bundle_of_each_kind_is_opened(tmp_path: Path) -> None:
    assert isinstance(open_model(make_bundle(tmp_path / "d", ModelKind.DETECTOR)), ObjectModel)
    assert isinstance(open_model(make_bundle(tmp_path / "c")), SceneModel)


def test_a_bundle_with_another_hash_is_refused(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "c")
    (folder / MODEL_FILE).write_bytes((folder / MODEL_FILE).read_bytes() + b"!")
    with pytest.raises(ModelIntegrityError):
        open_model(folder)


def test_a_missing_bundle_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, folder = FakeClock(), tmp_path / "late"
    bundles = keeper(folder, clock)
    assert not bundles.refresh()
    assert bundles.model is None
    assert "bundle_refused" in caplog.text
    make_bundle(folder)
    assert not bundles.refresh()
    clock.advance(2)
    assert bundles.refresh()
    assert version(bundles.model) == "1.0.0"


def test_the_pauses_between_tries_grow(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    bundles = keeper(tmp_path / "never", clock)
    for _ in range(600):
        bundles.refresh()
        clock.advance(1)
    refusals = [record for record in caplog.records if "bundle_refused" in record.message]
    assert 10 <= len(refusals) <= 15


def test_a_bundle_that_is_in_use_is_not_opened_again(tmp_path: Path) -> None:
    clock, folder = FakeClock(), make_bundle(tmp_path / "c")
    opened: list[Path] = []

    def counting(path: Path, trusted_key: bytes | None) -> Model:
        opened.append(path)
        return open_model(path, trusted_key)

    bundles = BundleKeeper(folder, clock, lambda: 1.0, counting)
    for _ in range(5):
        bundles.refresh()
        clock.advance(60)
    assert opened == [folder]


def test_a_new_bundle_behind_the_same_link_is_taken(tmp_path: Path) -> None:
    clock, link = FakeClock(), tmp_path / "current"
    link.symlink_to(make_bundle(tmp_path / "1"))
    bundles = keeper(link, clock)
    assert bundles.refresh()
    link.unlink()
    link.symlink_to(make_bundle(tmp_path / "2", version="2.0.0"))
    clock.advance(10)
    assert bundles.refresh()
    assert version(bundles.model) == "2.0.0"


def test_a_wrong_new_bundle_leaves_the_old_one_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, link = FakeClock(), tmp_path / "current"
    link.symlink_to(make_bundle(tmp_path / "1"))
    bundles = keeper(link, clock)
    bundles.refresh()
    wrong = make_bundle(tmp_path / "2", version="2.0.0")
    (wrong / MODEL_FILE).write_bytes(b"no model")
    link.unlink()
    link.symlink_to(wrong)
    clock.advance(10)
    assert not bundles.refresh()
    assert version(bundles.model) == "1.0.0"
    assert "in_use=tiny" in caplog.text


@pytest.mark.parametrize(
    "odd",
    [OverflowError("int too large to convert to float"), MemoryError(), RecursionError("too deep"), OSError(5, "I/O")],
    ids=lambda odd: type(odd).__name__,
)
def test_whatever_opening_a_new_bundle_raises_the_last_good_one_stays_in_use_and_the_reason_is_told(
    tmp_path: Path, odd: Exception
) -> None:
    clock, link, kept = FakeClock(), tmp_path / "current", KeptBundle(tmp_path / "kept")
    link.symlink_to(make_bundle(tmp_path / "1"))

    def opener(path: Path, key: bytes | None) -> Model:
        if path.resolve().name == "2":
            raise odd
        return open_model(path, key)

    bundles = BundleKeeper(link, clock, lambda: 1.0, opener, kept)
    assert bundles.refresh()
    released(link, make_bundle(tmp_path / "2", version="2.0.0"))
    clock.advance(10)
    assert not bundles.refresh()
    assert version(bundles.model) == "1.0.0"
    assert bundles.refused.startswith(f"{type(odd).__name__}: ")
    again = BundleKeeper(link, FakeClock(), lambda: 1.0, opener, kept)
    assert again.refresh()
    assert version(again.model) == "1.0.0"


@pytest.mark.parametrize("value", ["9" * 400, "1e400", "NaN", "[" * 400 + "]" * 400])
def test_a_bundle_with_a_number_that_nobody_can_reckon_with_leaves_the_old_one_in_use(
    tmp_path: Path, value: str
) -> None:
    clock, link = FakeClock(), tmp_path / "current"
    released(link, make_bundle(tmp_path / "1"))
    bundles = keeper(link, clock)
    bundles.refresh()
    bad = make_bundle(tmp_path / "2", version="2.0.0")
    text = (bad / MANIFEST_FILE).read_text().replace('"raise_at": 0.6', f'"raise_at": {value}')
    (bad / MANIFEST_FILE).write_text(text)
    released(link, bad)
    clock.advance(10)
    assert not bundles.refresh()
    assert version(bundles.model) == "1.0.0"
    assert f"{MANIFEST_FILE}: manifest: is not JSON" in bundles.refused


def test_a_bundle_that_is_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "current").symlink_to(tmp_path / "current")
    bundles = keeper(tmp_path / "current", FakeClock())
    assert not bundles.refresh()
    assert "is no bundle" in bundles.refused


def test_another_folder_is_looked_at_at_once(tmp_path: Path) -> None:
    clock = FakeClock()
    bundles = keeper(make_bundle(tmp_path / "1"), clock)
    bundles.refresh()
    bundles.use(make_bundle(tmp_path / "2", version="2.0.0"))
    assert bundles.refresh()
    assert version(bundles.model) == "2.0.0"


def test_no_bundle_at_all_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    keeper(None, FakeClock()).refresh()
    assert "give --bundle" in caplog.text


def test_a_cameras_thresholds_come_before_the_bundles_and_never_contradict() -> None:
    paper = manifest(ModelKind.DETECTOR)
    assert alarm_policy(paper, AnalysisSettings()).raise_at == 0.6
    own = alarm_policy(paper, AnalysisSettings(raise_at=0.3, min_frames=7))
    assert (own.raise_at, own.clear_at, own.min_frames) == (0.3, 0.3, 7)


def linked(folder: Path, version: str) -> Path:
    """As smartcam.Model's install script leaves it: the bundle in a folder of its own, and a link to it."""
    make_bundle(folder / f"bundle-{version}", version=version)
    link = folder / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(f"bundle-{version}")
    return link


def test_a_restarted_process_goes_on_with_the_bundle_before_a_bad_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    linked(tmp_path, "1.0.0")
    link = linked(tmp_path, "2.0.0")
    (link / MODEL_FILE).write_bytes(b"damaged")
    bundles = keeper(link, FakeClock())
    assert bundles.refresh()
    assert version(bundles.model) == "1.0.0"
    assert "bundle_refused" in caplog.text
    assert "earlier_bundle_in_use" in caplog.text


def test_a_mended_bundle_takes_over_from_the_one_before(tmp_path: Path) -> None:
    linked(tmp_path, "1.0.0")
    link = linked(tmp_path, "2.0.0")
    (link / MODEL_FILE).write_bytes(b"damaged")
    clock = FakeClock()
    bundles = keeper(link, clock)
    bundles.refresh()
    linked(tmp_path, "2.0.1")
    clock.advance(60)
    assert bundles.refresh()
    assert version(bundles.model) == "2.0.1"


def test_a_bundle_that_is_named_and_bad_has_no_one_before_it(tmp_path: Path) -> None:
    make_bundle(tmp_path / "bundle-1.0.0")
    named = make_bundle(tmp_path / "bundle-2.0.0", version="2.0.0")
    (named / MODEL_FILE).write_bytes(b"damaged")
    bundles = keeper(named, FakeClock())
    assert not bundles.refresh()
    assert bundles.model is None


def released(link: Path, bundle: Path) -> None:
    """As a release of smartcam.Model does: another bundle behind the same link."""
    link.unlink(missing_ok=True)
    link.symlink_to(bundle)


def test_an_unsigned_or_wrongly_signed_bundle_is_refused_and_the_old_one_goes_on(tmp_path: Path) -> None:
    clock, link = FakeClock(), tmp_path / "current"
    released(link, make_bundle(tmp_path / "1", private_key=PRIVATE))
    bundles = keeper(None, clock)
    bundles.use(link, TRUSTED)
    assert bundles.refresh()
    assert bundles.refused == ""
    for name, key, complaint in (
        ("2", None, "this device only trusts signed bundles"),
        ("3", bytes(32), "not made with the trusted key"),
    ):
        released(link, make_bundle(tmp_path / name, version=f"{name}.0.0", private_key=key))
        clock.advance(60)
        assert not bundles.refresh()
        assert complaint in bundles.refused
        assert version(bundles.model) == "1.0.0"
    released(link, make_bundle(tmp_path / "4", version="4.0.0", private_key=PRIVATE))
    clock.advance(60)
    assert bundles.refresh()
    assert (version(bundles.model), bundles.refused) == ("4.0.0", "")


def test_a_key_that_is_set_later_is_asked_for_at_once(tmp_path: Path) -> None:
    clock, folder = FakeClock(), make_bundle(tmp_path / "1")
    bundles = keeper(folder, clock)
    bundles.use(folder)
    assert bundles.refresh()
    bundles.use(folder, TRUSTED)
    assert not bundles.refresh()
    assert "signed" in bundles.refused
    assert version(bundles.model) == "1.0.0"


def test_a_process_that_starts_with_a_key_uses_no_bundle_that_it_has_not_signed(tmp_path: Path) -> None:
    kept = KeptBundle(tmp_path / "kept")
    folder = make_bundle(tmp_path / "1")
    BundleKeeper(folder, FakeClock(), lambda: 1.0, kept=kept).refresh()
    assert kept.folders()
    bundles = BundleKeeper(folder, FakeClock(), lambda: 1.0, kept=kept)
    bundles.use(folder, TRUSTED)
    assert not bundles.refresh()
    assert bundles.model is None


@pytest.mark.parametrize("bad_releases", [1, 2, 5])
def test_however_many_bad_bundles_were_released_a_new_process_goes_on_with_the_last_good_one(
    tmp_path: Path, bad_releases: int
) -> None:
    clock, link, kept = FakeClock(), tmp_path / "current", KeptBundle(tmp_path / "work" / "kept")
    released(link, make_bundle(tmp_path / "good", private_key=PRIVATE))
    bundles = BundleKeeper(link, clock, lambda: 1.0, kept=kept)
    bundles.use(link, TRUSTED)
    bundles.refresh()
    for number in range(bad_releases):
        bad = make_bundle(tmp_path / str(number), version="2.0.0", private_key=PRIVATE)
        (bad / MODEL_FILE).write_bytes(b"damaged")
        released(link, bad)
        clock.advance(60)
        assert not bundles.refresh()
    # smartcam.Model keeps two, and both are bad by now.
    shutil.rmtree(tmp_path / "good")
    again = BundleKeeper(link, FakeClock(), lambda: 1.0, kept=kept)
    again.use(link, TRUSTED)
    assert again.refresh()
    assert version(again.model) == "1.0.0"
    assert MODEL_FILE in again.refused


def test_a_kept_bundle_that_was_damaged_on_the_disk_is_not_used(tmp_path: Path) -> None:
    kept = KeptBundle(tmp_path / "kept")
    folder = make_bundle(tmp_path / "1")
    BundleKeeper(folder, FakeClock(), lambda: 1.0, kept=kept).refresh()
    for place in (folder, kept.folder):
        (place / MODEL_FILE).write_bytes(b"damaged")
    bundles = BundleKeeper(folder, FakeClock(), lambda: 1.0, kept=kept)
    assert not bundles.refresh()
    assert bundles.model is None


def test_a_bundle_is_kept_once_with_its_signature_and_nothing_else(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "1", private_key=PRIVATE)
    (folder / "stray").write_text("not named by the manifest")
    kept = KeptBundle(tmp_path / "work" / "kept")
    kept.keep(folder, open_model(folder).manifest)
    stamp = (kept.folder / MANIFEST_FILE).stat().st_ino
    assert {file.name for file in kept.folder.iterdir()} == {file.name for file in folder.iterdir()} - {"stray"}
    assert (kept.folder / SIGNATURE_FILE).is_file()
    kept.keep(folder, open_model(folder).manifest)
    assert (kept.folder / MANIFEST_FILE).stat().st_ino == stamp
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["kept"]


def test_a_power_cut_between_two_renames_leaves_the_one_before(tmp_path: Path) -> None:
    folder = make_bundle(tmp_path / "1")
    kept = KeptBundle(tmp_path / "kept")
    kept.keep(folder, open_model(folder).manifest)
    kept.folder.rename(tmp_path / "kept.old")
    assert [open_model(place).manifest.version for place in kept.folders()] == ["1.0.0"]


def test_a_disk_that_keeps_nothing_is_said_and_the_bundle_is_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    bundles = BundleKeeper(
        make_bundle(tmp_path / "1"), FakeClock(), lambda: 1.0, kept=KeptBundle(tmp_path / "file" / "kept")
    )
    assert bundles.refresh()
    assert "bundle_not_kept" in caplog.text


def test_the_self_test_wants_one_good_bundle_and_names_the_bad_one(tmp_path: Path) -> None:
    bad, good = make_bundle(tmp_path / "2"), make_bundle(tmp_path / "1")
    (bad / MODEL_FILE).write_bytes(b"damaged")
    assert try_the_model([tmp_path / "none"]) == "no bundle yet"
    assert "gives its golden answer" in try_the_model([good])
    assert "refused: " in try_the_model([bad, good])
    with pytest.raises(ModelIntegrityError, match=MODEL_FILE):
        try_the_model([bad, tmp_path / "none"])


def install(folder: Path, release: str, **bundles: str) -> Path:
    """As smartcam.Model's install script leaves it: the default bundle's folder, the others in it, and a link."""
    inner = folder / f"bundle-{release}"
    for name, itself in bundles.items():
        make_bundle(inner if name == "default" else inner / name, version=itself)
    os.utime(inner, ns=(0, int(release[0]) * 10**9))
    released(folder / "current.new", Path(inner.name))
    (folder / "current.new").rename(folder / "current")
    return folder / "current"


def in_use(work: Path, clock: FakeClock) -> BundlesInUse:
    return BundlesInUse(lambda name: BundleKeeper(None, clock, lambda: 1.0, kept=KeptBundle(kept_folder(work, name))))


def versions(bundles: BundlesInUse) -> dict[str, str]:
    return {name: version(model) for name, model in bundles.models.items()}


def folders(current: Path, *names: str) -> dict[str, Path | None]:
    return {"default": current, **{name: current / name for name in names}}


def test_of_several_bundles_a_damaged_one_alone_falls_back_and_is_named(tmp_path: Path) -> None:
    clock, work = FakeClock(), tmp_path / "work"
    current = install(tmp_path, "1.0.0", default="1.0", traffic="1.1", gate="1.2")
    bundles = in_use(work, clock)
    bundles.use(folders(current, "traffic", "gate"))
    assert bundles.refresh()
    before = versions(bundles)
    assert before == {"default": "1.0", "traffic": "1.1", "gate": "1.2"}
    assert bundles.refused == ""
    install(tmp_path, "2.0.0", default="2.0", traffic="2.1", gate="2.2")
    (current / "traffic" / MODEL_FILE).write_bytes(b"damaged")
    clock.advance(10)
    assert bundles.refresh()
    assert versions(bundles) == {"default": "2.0", "traffic": "1.1", "gate": "2.2"}
    assert MODEL_FILE in bundles.refused
    assert bundles.refused.endswith(" (bundle traffic)")
    shutil.rmtree(tmp_path / "bundle-1.0.0")
    again = in_use(work, FakeClock())
    again.use(folders(current, "traffic", "gate"))
    assert again.refresh()
    assert versions(again) == {"default": "2.0", "traffic": "1.1", "gate": "2.2"}


def test_what_refuses_the_default_bundle_is_said_as_it_was_when_it_was_the_only_one(tmp_path: Path) -> None:
    current = install(tmp_path, "1.0.0", default="1.0", traffic="1.1")
    (current / MODEL_FILE).write_bytes(b"damaged")
    alone, bundles = keeper(current, FakeClock()), in_use(tmp_path / "work", FakeClock())
    alone.refresh()
    bundles.use(folders(current, "traffic"))
    bundles.refresh()
    assert bundles.refused == alone.refused
    (current / "traffic" / MANIFEST_FILE).unlink()
    bundles.use(folders(current, "gate"))
    bundles.refresh()
    assert bundles.refused.endswith(" (bundle default, gate)")


def test_a_release_that_drops_a_bundle_leaves_its_last_good_one_in_use_also_after_a_restart(tmp_path: Path) -> None:
    clock, work = FakeClock(), tmp_path / "work"
    current = install(tmp_path, "1.0.0", default="1.0", traffic="1.1")
    bundles = in_use(work, clock)
    bundles.use(folders(current, "traffic"))
    bundles.refresh()
    install(tmp_path, "2.0.0", default="2.0")
    clock.advance(10)
    bundles.refresh()
    assert versions(bundles) == {"default": "2.0", "traffic": "1.1"}
    shutil.rmtree(tmp_path / "bundle-1.0.0")
    again = in_use(work, FakeClock())
    again.use(folders(current, "traffic"))
    again.refresh()
    assert versions(again) == {"default": "2.0", "traffic": "1.1"}
    assert "is no bundle" in again.refused
    install(tmp_path, "3.0.0", default="3.0", traffic="3.1")
    clock.advance(60)
    bundles.refresh()
    assert (versions(bundles), bundles.refused) == ({"default": "3.0", "traffic": "3.1"}, "")


def test_a_bundle_of_the_release_before_is_found_by_its_own_name(tmp_path: Path) -> None:
    install(tmp_path, "1.0.0", default="1.0", traffic="1.1", gate="1.2")
    current = install(tmp_path, "2.0.0", default="2.0", traffic="2.1", gate="2.2")
    (current / "traffic" / MODEL_FILE).write_bytes(b"damaged")
    bundles = in_use(tmp_path / "work", FakeClock())
    bundles.use(folders(current, "traffic"))
    bundles.refresh()
    assert versions(bundles) == {"default": "2.0", "traffic": "1.1"}


def test_a_bundle_that_nobody_names_any_more_is_let_go_and_one_that_stays_is_not_opened_again(tmp_path: Path) -> None:
    current = install(tmp_path, "1.0.0", default="1.0", traffic="1.1")
    bundles = in_use(tmp_path / "work", FakeClock())
    bundles.use(folders(current, "traffic"))
    bundles.refresh()
    before = bundles.models
    bundles.use(folders(current))
    assert not bundles.refresh()
    assert bundles.models == {"default": before["default"]}
    bundles.use(folders(current, "traffic"))
    assert bundles.refresh()
    assert bundles.models["default"] is before["default"]


def test_a_release_in_which_one_bundle_differs_changes_that_one_alone(tmp_path: Path) -> None:
    clock = FakeClock()
    current = install(tmp_path, "1.0.0", default="1.0", traffic="1.1")
    bundles = in_use(tmp_path / "work", clock)
    bundles.use(folders(current, "traffic"))
    bundles.refresh()
    before = bundles.models
    install(tmp_path, "2.0.0", default="1.0", traffic="2.1")
    clock.advance(10)
    assert bundles.refresh()
    assert bundles.models["default"] is before["default"]
    assert version(bundles.models["traffic"]) == "2.1"
    install(tmp_path, "3.0.0", default="1.0", traffic="2.1")
    clock.advance(10)
    assert not bundles.refresh()


def test_each_bundle_has_to_be_signed_by_the_trusted_key(tmp_path: Path) -> None:
    signed = make_bundle(tmp_path / "signed", private_key=PRIVATE)
    bundles = in_use(tmp_path / "work", FakeClock())
    bundles.use({"default": signed, "traffic": make_bundle(tmp_path / "unsigned")}, TRUSTED)
    bundles.refresh()
    assert list(bundles.models) == ["default"]
    assert "only trusts signed bundles" in bundles.refused


def test_what_is_kept_of_bundles_that_nobody_wants_is_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("default", "traffic", "gate", "gate-2"):
        kept = KeptBundle(kept_folder(tmp_path, name))
        kept.keep(make_bundle(tmp_path / "made" / name), open_model(tmp_path / "made" / name).manifest)
    (tmp_path / "last-good-bundle-gate.old").mkdir()
    (tmp_path / "last-good-bundle-traffic.old").mkdir()
    (tmp_path / "outbox.sqlite3").write_text("")
    forget_others(tmp_path, {"default", "gate"})
    assert {path.name for path in tmp_path.iterdir()} == {
        "last-good-bundle",
        "last-good-bundle-gate",
        "last-good-bundle-gate.old",
        "made",
        "outbox.sqlite3",
    }
