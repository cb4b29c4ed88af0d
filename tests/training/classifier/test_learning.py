"""From films to a bundle, small but whole; run it with the training environment: `pytest -m training`."""

import errno
import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from smartcam.contract.event import EventKind
from smartcam.model.analyser import analyser_of
from smartcam.model.bundle import ModelBundle
from smartcam.model.classifier import ClassifierScorer
from smartcam.model.interpreter import open_interpreter
from smartcam.model.manifest import MODEL_FILE
from smartcam.vision.picture import Picture
from tests.training.classifier.conftest import SHORT_VISITS, RedFilm
from training.classifier.fitting import FitSettings, LossCurve, Notebook, begin, fit, logits_of
from training.classifier.learning import DEMO_ENCODER, Learned, Lesson, gathered_for, learn, plain_name, write
from training.classifier.networks import InputSize, NetworkName, begun_with, build, deployable, opened_encoder
from training.classifier.teaching import by_signs
from training.errors import TrainingError
from training.footage.cutting import FootageUse
from training.footage.film import Film
from training.footage.gathering import Gathered
from training.network import Network

pytestmark = [pytest.mark.training, pytest.mark.filterwarnings("default")]
if importlib.util.find_spec("tensorflow") is None:
    pytest.skip("TensorFlow is only in the training environment", allow_module_level=True)

LESSON = Lesson("person", fitting=FitSettings(epochs=4, batch=16, seed=3), command="smartcam train", source="drawn")


def silent(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def gathered(films: list[Film]) -> Gathered:
    return gathered_for(films, silent)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@dataclass(frozen=True, slots=True)
class Short:
    """Half a minute of film, and what a small network for a microcontroller's picture has learned of it in one pass."""

    films: list[Film]
    gathered: Gathered
    lesson: Lesson
    work: Path
    learned: Learned


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Short:
    films: list[Film] = [RedFilm("short", 30.0, SHORT_VISITS)]
    fitting = FitSettings(epochs=1, batch=16, seed=3)
    lesson = replace(LESSON, network=NetworkName.SMALL, size=InputSize.MICRO, fitting=fitting)
    gathered, work = gathered_for(films, silent, size=lesson.size), tmp_path_factory.mktemp("short")
    return Short(films, gathered, lesson, work, learn(films, gathered, lesson, work))


@pytest.fixture(scope="module")
def learned(films: list[Film], gathered: Gathered, work: Path) -> Learned:
    return learn(films, gathered, LESSON, work)


def test_a_classifier_learned_from_footage_finds_the_visit_of_the_held_out_time(learned: Learned) -> None:
    assert learned.test.auc is not None
    assert learned.test.auc > 0.95
    assert (learned.test.alarms.found, learned.test.alarms.visits) == (1, 1)
    assert learned.parity < 0.1
    assert learned.curve.best == int(np.argmin(learned.curve.validation))


def test_the_bundle_opens_as_on_a_device_and_replaces_the_one_before(
    learned: Learned, gathered: Gathered, tmp_path: Path
) -> None:
    out = tmp_path / "bundles/mine"
    digest = write(learned, LESSON, gathered, out)
    assert write(learned, replace(LESSON, name="_person"), gathered, out) == digest
    assert sorted(path.name for path in out.parent.iterdir()) == ["mine", "mine.keras"]
    bundle = ModelBundle.open(out)
    assert bundle.manifest.name == plain_name("_person")
    assert bundle.manifest.files[MODEL_FILE] == digest
    assert bundle.manifest.labels == ("normal", "person")
    assert dict(bundle.manifest.events) == {"person": EventKind.PERSON}
    assert bundle.manifest.thresholds == learned.thresholds
    scorer = analyser_of(bundle)
    assert isinstance(scorer, ClassifierScorer)
    red = np.full((96, 160, 3), (90, 140, 110), np.uint8)
    red[30:80, 60:110] = (20, 20, 220)
    assert scorer.score([Picture.from_bgr(red)]) > 0.5
    assert open_interpreter(learned.exported).input.dtype == np.uint8


def test_the_same_footage_gives_the_same_file_and_figures_also_when_the_training_is_killed_and_goes_on(
    films: list[Film], learned: Learned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered = gathered_for(films, silent)

    def kill(line: str) -> None:
        if line.startswith("pass 2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(films, gathered, LESSON, tmp_path, kill)
    told: list[str] = []
    again = learn(films, gathered, LESSON, tmp_path, told.append)
    assert told[0] == "goes on after pass 2"
    assert again.curve == learned.curve
    assert again.exported == learned.exported
    assert again.test == learned.test
    told.clear()
    monkeypatch.setattr("training.classifier.learning.converted", lambda *_: pytest.fail("as far as its file"))
    with pytest.raises(pytest.fail.Exception, match="as far as its file"):
        learn(films, gathered, LESSON, tmp_path, told.append)
    assert told == ["goes on after pass 4"], "what is done is not done again"


def test_the_signs_network_that_goes_on_from_its_notebook_ends_in_the_same_weights(tmp_path: Path) -> None:
    gathered = gathered_for([RedFilm("short", 40.0, ((2, 12), (26, 29), (35, 39)))], silent)
    train, validation, _ = gathered.examples.values()
    settings, notes = FitSettings(epochs=2, batch=16, seed=3), tmp_path / "notes"

    def keep(line: str) -> None:
        if line.startswith("pass 1/"):  # what a training that is killed now leaves
            shutil.copytree(notes, tmp_path / "killed")

    def fitted(folder: Path, tell: Callable[[str], None]) -> tuple[Network, LossCurve]:
        begin(settings.seed)
        network = build(NetworkName.SIGNS)
        notebook = Notebook(folder)
        return fit(network, train, validation, settings, teaching=by_signs(network), notebook=notebook, tell=tell)

    whole, curve = fitted(notes, keep)
    told: list[str] = []
    again, its_curve = fitted(tmp_path / "killed", told.append)
    assert told[0] == "goes on after pass 1"
    assert its_curve == curve
    assert curve.training[1] < curve.training[0]
    for one, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture
def trained(tmp_path: Path) -> Network:
    """A signs network whose normalisations do something; `trained.keras` is what training keeps of it."""
    begin(2)
    network, rng = build(NetworkName.SIGNS), np.random.default_rng(2)
    network.set_weights([each + (each.ndim == 1) * rng.uniform(0, 0.5, each.shape) for each in network.get_weights()])
    deployable(network).save(tmp_path / "trained.keras")
    return network


def test_a_network_that_goes_on_answers_at_first_as_the_one_that_it_begins_with(
    trained: Network, tmp_path: Path
) -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (8, 96, 160, 3)).astype(np.uint8)
    once = begun_with(tmp_path / "trained.keras")
    np.testing.assert_allclose(logits_of(once, rgb), logits_of(trained, rgb), atol=1e-4)
    deployable(once).save(tmp_path / "once.keras")
    np.testing.assert_array_equal(logits_of(begun_with(tmp_path / "once.keras"), rgb), logits_of(once, rgb))


@pytest.mark.usefixtures("trained")
def test_a_training_that_begins_with_another_network_is_another_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    films: list[Film] = [RedFilm("short", 40.0, ((2, 12), (26, 29), (35, 39)))]
    gathered, start = gathered_for(films, silent), tmp_path / "trained.keras"
    fitting = FitSettings(epochs=1, batch=16, rate=1e-4, seed=3)
    lesson = replace(LESSON, network=NetworkName.SIGNS, begins_with=start, fitting=fitting)
    monkeypatch.setattr("training.classifier.learning.converted", lambda *_: pytest.fail("as far as its file"))

    def told() -> str:
        lines: list[str] = []
        with pytest.raises(pytest.fail.Exception, match="as far as its file"):
            learn(films, gathered, lesson, tmp_path / "work", lines.append)
        return lines[0]

    assert told().startswith("pass 1/1")
    assert told() == "goes on after pass 1"
    deployable(build(NetworkName.SIGNS)).save(start)
    assert told().startswith("pass 1/1")


@pytest.mark.parametrize("name", ["empty", "missing", "other"])
def test_what_is_no_signs_network_cannot_be_begun_with(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty.keras").touch()
    build(NetworkName.SMALL).save(tmp_path / "other.keras")
    with pytest.raises(TrainingError, match=rf"{name}\.keras: is no signs network of Keras \("):
        begun_with(tmp_path / f"{name}.keras")


def test_a_notebook_that_was_damaged_is_not_gone_on_with(tmp_path: Path) -> None:
    begin(1)
    network, notebook = build(NetworkName.SMALL), Notebook(tmp_path / "notes")
    notebook.write(network, network.get_weights(), LossCurve((0.5,), (0.4,)))
    noted = notebook.read()
    assert noted is not None
    assert noted[2] == LossCurve((0.5,), (0.4,))
    for name in ("1.keras", "1.best.npz", "curve.json"):
        path = tmp_path / "notes" / name
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert notebook.read() is None, name
        path.write_bytes(whole)
    assert notebook.read() is not None


def test_a_full_disk_while_training_costs_the_notebook_and_while_saving_leaves_the_bundle_before(
    gathered: Gathered, learned: Learned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "mine"
    write(learned, LESSON, gathered, out)
    before = (out / "manifest.json").read_bytes()
    told: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr("training.classifier.fitting.np.savez", full)
        parts, notebook = list(gathered.examples.values()), Notebook(tmp_path / "work")
        fit(build(NetworkName.SMALL), parts[0], parts[1], FitSettings(epochs=1), notebook=notebook, tell=told.append)
        patched.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write(learned, replace(LESSON, name="other"), gathered, out)
    assert any("begins anew" in line and "No space left" in line for line in told)
    assert (out / "manifest.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "work") == ["mine", "mine.keras"]


def test_a_bundle_that_cannot_be_put_in_place_leaves_the_one_before(
    learned: Learned, gathered: Gathered, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine"
    write(learned, LESSON, gathered, out)
    rename = Path.rename

    def refuse(path: Path, to: Path) -> Path:
        if path.name == "new":
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OSError, match="Permission denied"):
        write(learned, LESSON, gathered, out)
    assert ModelBundle.open(out).manifest.labels == ("normal", "person")


def test_a_learning_rate_that_ruins_the_loss_ends_in_one_error(
    films: list[Film], gathered: Gathered, tmp_path: Path
) -> None:
    lesson = replace(LESSON, network=NetworkName.SMALL, fitting=replace(LESSON.fitting, rate=1e30))
    with pytest.raises(TrainingError, match=r"loss of pass \d is no number.*lower --rate"):
        learn(films, gathered, lesson, tmp_path)


@pytest.mark.parametrize(("visits", "said"), [((), "none of it shows"), (((0, 100),), "all of it shows")])
def test_footage_of_one_kind_is_refused(visits: tuple[tuple[float, float], ...], said: str) -> None:
    with pytest.raises(TrainingError, match=said):
        gathered_for([RedFilm("a", 100.0, visits)], silent)


def test_footage_without_held_out_time_is_refused() -> None:
    with pytest.raises(TrainingError, match="no held-out time for the validation"):
        gathered_for([RedFilm("a", 10.0, ((2, 5),))], silent)


def test_the_baseline_of_the_article_is_trained_the_same_way(short: Short, tmp_path: Path) -> None:
    lesson = replace(short.lesson, network=NetworkName.ARTICLE)
    learned = learn(short.films, short.gathered, lesson, tmp_path)
    assert len(learned.exported) > 6_000_000, "its dense layer alone"
    assert learned.test.auc is not None


def test_the_demos_encoder_says_what_the_demos_model_says() -> None:
    import tensorflow as tf  # noqa: PLC0415 - only the training environment has it

    picture = np.random.default_rng(1).integers(0, 255, (1, 96, 160, 3)).astype(np.uint8)
    interpreter = tf.lite.Interpreter(str(DEMO_ENCODER / MODEL_FILE), experimental_preserve_all_tensors=True)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    maps = [each for each in interpreter.get_tensor_details() if tuple(each["shape"]) == (1, 12, 20, 64)]
    scale, zero = maps[-1]["quantization"]
    expected = (interpreter.get_tensor(maps[-1]["index"]).astype(np.float32) - zero) * scale
    found = np.asarray(opened_encoder(DEMO_ENCODER)(picture.astype(np.float32) / 255))
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.abs(found - expected).mean() < 0.05


@pytest.mark.parametrize("content", [b"", b"no model", (DEMO_ENCODER / MODEL_FILE).read_bytes()[:3000]])
def test_an_encoder_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "e.keras").write_bytes(content)
    damaged = tmp_path / "bundle"
    shutil.copytree(DEMO_ENCODER, damaged)
    (damaged / MODEL_FILE).write_bytes(content)
    for encoder in (tmp_path / "e.keras", damaged):
        with pytest.raises(TrainingError, match=f"encoder .*{encoder.name}: cannot be opened"):
            opened_encoder(encoder)


def test_an_encoder_for_other_pictures_is_refused(tmp_path: Path) -> None:
    import keras  # noqa: PLC0415 - only the training environment has it

    picture = keras.Input((32, 32, 3))
    keras.Model(picture, keras.layers.Conv2D(4, 3)(picture)).save(tmp_path / "e.keras")
    with pytest.raises(TrainingError, match=r"must take \(n, 96, 160, 3\)"):
        opened_encoder(tmp_path / "e.keras")


@pytest.mark.parametrize("name", list(NetworkName))
def test_each_network_can_be_made_for_a_microcontrollers_picture(name: NetworkName) -> None:
    encoder = opened_encoder(DEMO_ENCODER, InputSize.MICRO)
    assert encoder.output.shape == (None, 12, 12, 64)
    network = deployable(build(name, InputSize.MICRO, encoder))
    assert (network.input.shape, network.output.shape) == ((1, 96, 96, 3), (1, 1))


def test_a_lesson_for_a_microcontrollers_picture_ends_in_a_file_that_takes_it(short: Short, tmp_path: Path) -> None:
    write(short.learned, short.lesson, short.gathered, tmp_path / "bundle")
    taken = ModelBundle.open(tmp_path / "bundle").manifest.input
    assert (taken.width, taken.height) == (96, 96)


def test_a_temperature_makes_the_answers_gentler_and_ranks_pictures_as_before(short: Short) -> None:
    gentle = learn(short.films, short.gathered, replace(short.lesson, temperature=2.0), short.work)
    rgb = short.gathered.examples[FootageUse.TEST].rgb
    np.testing.assert_allclose(2 * logits_of(gentle.network, rgb), logits_of(short.learned.network, rgb), atol=1e-3)


def test_the_words_of_the_target_decide_its_labels_and_event() -> None:
    assert Lesson("normal").labels == ("other", "normal")
    assert Lesson("vehicle").event is EventKind.VEHICLE
    assert Lesson("gate open").event is EventKind.ANOMALY
    assert Lesson("camera_lost").event is EventKind.ANOMALY


def test_examples_of_the_test_are_not_seen_by_the_training(gathered: Gathered) -> None:
    last = gathered.examples[FootageUse.TRAIN].looks.at_s.max()
    assert last < gathered.examples[FootageUse.VALIDATION].looks.at_s.min()
    assert (
        gathered.examples[FootageUse.VALIDATION].looks.at_s.max() < gathered.examples[FootageUse.TEST].looks.at_s.min()
    )
