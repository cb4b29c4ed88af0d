"""What a process says about its release: its own version, and the one that its start script refused."""

from smartcam import __version__
from smartcam.contract.notice import LONGEST_REFUSAL
from smartcam.edge.release import REFUSED_REASON, REFUSED_VERSION, RunningRelease, release_of


def test_a_component_that_runs_what_was_installed_names_only_its_version() -> None:
    assert release_of("smartcam.Capture", {"HOME": "/"}) == RunningRelease(__version__, "")


def test_a_component_that_runs_instead_of_another_version_names_that_one_and_why() -> None:
    environment = {REFUSED_VERSION: "0.3.0", REFUSED_REASON: "ModuleNotFoundError: No module named 'eyes'"}
    refused = release_of("smartcam.Capture", environment).refused
    assert refused == "0.3.0: smartcam.Capture: ModuleNotFoundError: No module named 'eyes'"


def test_without_a_reason_it_says_where_to_look() -> None:
    assert release_of("smartcam.Capture", {REFUSED_VERSION: "0.3.0"}).refused == "0.3.0: smartcam.Capture: see its log"


def test_a_reason_of_any_length_and_in_any_letters_fits_the_contract() -> None:
    refused = release_of("smartcam.Capture", {REFUSED_VERSION: "0.3.0", REFUSED_REASON: "\u4f60\x00" * 200}).refused
    assert len(refused) == LONGEST_REFUSAL
    assert refused.startswith("0.3.0: smartcam.Capture: ????")


def test_a_long_path_gives_way_to_what_is_wrong_with_the_file() -> None:
    path = "/greengrass/v2/" + "work/" * 40 + "golden.json"
    environment = {REFUSED_VERSION: "0.3.0", REFUSED_REASON: f"ModelIntegrityError: {path}: golden output differs"}
    refused = release_of("smartcam.Inference", environment).refused
    assert refused == "0.3.0: smartcam.Inference: ModelIntegrityError: .../golden.json: golden output differs"
