from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from smartcam.console.deployable import difference, yaml_of
from smartcam.contract.ids import CameraId
from tests.fakes.console_world import YARD
from tools.strict_yaml import yaml_of as read_yaml

NAMES = st.one_of(
    st.sampled_from(["no", "1", "on", "0x1", "a: b", "- x", "#", "null", "", "'", '"', "中文", "<b>"]),
    st.text(max_size=8),
)
POINTS = st.lists(st.lists(st.floats(0, 1), min_size=2, max_size=2), min_size=3, max_size=5)


def test_what_is_drawn_is_told_as_a_deployments_file_has_it() -> None:
    drawn: Mapping[str, object] = {
        "masks": {"window": [[0, 0], [0.5, 0], [0.5, 0.5]]},
        "zones": {"gate": [[0, 0], [0.5, 0], [0.5, 0.5]]},
        "rules": {"at night": {"zones": ["gate"]}},
        "alerts_a_day": None,
        "labels": ["person"],
    }
    text = yaml_of(YARD, drawn)
    assert text == (
        'smartcam.Capture:\n  cameras:\n    "yard":\n      masks:\n        "window": [[0, 0], [0.5, 0], [0.5, 0.5]]\n'
        'smartcam.Inference:\n  cameras:\n    "yard":\n      zones:\n        "gate": [[0, 0], [0.5, 0], [0.5, 0.5]]\n'
        '      rules:\n        "at night": {"zones": ["gate"]}\n'
    )
    assert yaml_of(YARD, {}) == "{}\n"
    diff = difference(text, yaml_of(YARD, {**drawn, "masks": {}}))
    assert '-        "window": [[0, 0], [0.5, 0], [0.5, 0.5]]' in diff
    assert difference(text, text) == ""


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(NAMES, POINTS, max_size=3), st.sampled_from(["yard", "1", "no", "-", "0777"]))
def test_whatever_the_names_are_it_is_read_back_as_it_was(zones: dict[str, object], camera: str) -> None:
    document = read_yaml(yaml_of(CameraId(camera), {"zones": zones}))
    assert document == {"smartcam.Inference": {"cameras": {camera: {"zones": zones}}}}
