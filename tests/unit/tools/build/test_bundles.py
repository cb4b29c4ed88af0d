from pathlib import Path

import pytest

from smartcam.edge.bundle_names import MOST_BUNDLES
from tools.build.bundles import chosen_bundles
from tools.build.suite import DEMO_BUNDLE, BuildError


def test_one_folder_is_the_default_bundle_as_it_always_was() -> None:
    assert chosen_bundles([]) == (DEMO_BUNDLE, {})
    assert chosen_bundles(["build/bundles/mine"]) == (Path("build/bundles/mine"), {})
    assert chosen_bundles(["default=mine"]) == (Path("mine"), {})


def test_each_other_bundle_has_its_name_in_any_order() -> None:
    words = ["traffic=build/bundles/a=b", "mine", "gate-2=../x"]
    assert chosen_bundles(words) == (Path("mine"), {"traffic": Path("build/bundles/a=b"), "gate-2": Path("../x")})
    assert chosen_bundles(["traffic=t"], lambda: Path("got")) == (Path("got"), {"traffic": Path("t")})


def test_a_folder_with_the_sign_in_its_name_is_still_a_folder() -> None:
    assert chosen_bundles(["./a=b"]) == (Path("a=b"), {})
    assert chosen_bundles(["build/a=b"]) == (Path("build/a=b"), {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["one", "two"], "one is the bundle default already; say NAME=FOLDER"),
        (["one", "a=x", "a=y"], "x is the bundle a already"),
        (["a=x"], "name the bundle of the cameras that name none as well: --bundle FOLDER"),
        (["one", "a b=x"], "must be NAME=FOLDER, with a name of letters"),
        (["one", "=x"], "must be NAME=FOLDER"),
        (["one", "a="], "must be NAME=FOLDER"),
        (
            ["one", *(f"b{number}=x" for number in range(MOST_BUNDLES + 1))],
            f"a device knows {MOST_BUNDLES}; name fewer",
        ),
    ],
)
def test_what_names_no_set_of_bundles_is_one_error_with_the_remedy(words: list[str], said: str) -> None:
    with pytest.raises(BuildError) as caught:
        chosen_bundles(words)
    assert said in str(caught.value)


def test_a_model_of_the_catalogue_is_not_fetched_where_the_default_bundle_is_named_too() -> None:
    def fetched() -> Path:
        raise AssertionError

    with pytest.raises(BuildError, match="--model is not allowed with --bundle FOLDER"):
        chosen_bundles(["mine"], fetched)
