"""What is made of mutmut's listing, and how its copy follows the working tree."""

from pathlib import Path

from measure.mutants import count, prepare, share_killed, survivors, table

LISTING = """\
    smartcam.edge.ring.ring_file.xǁLayoutǁis_sound__mutmut_1: killed
    smartcam.edge.ring.ring_file.x_create_ring__mutmut_9: survived
    smartcam.edge.ring.ring_file.x_create_ring__mutmut_10: timeout
    infra.alerts.runtime.quiet.xǁQuietHoursǁ_night__mutmut_4: no tests
    infra.alerts.runtime.quiet.xǁQuietHoursǁ_night__mutmut_5: killed
    infra.alerts.runtime.quiet.xǁQuietHoursǁ_night__mutmut_6: not checked
"""


def test_mutants_are_counted_by_module_and_by_what_became_of_them() -> None:
    assert count(LISTING) == {
        "smartcam.edge.ring.ring_file": {"killed": 1, "survived": 1, "timeout": 1},
        "infra.alerts.runtime.quiet": {"no tests": 1, "killed": 1, "not checked": 1},
    }


def test_who_hangs_is_noticed_and_who_was_not_tried_does_not_count() -> None:
    assert share_killed(count(LISTING)) == 3 / 5
    assert share_killed({}) == 0


def test_what_no_test_reaches_survives_too() -> None:
    assert survivors(LISTING) == [
        "smartcam.edge.ring.ring_file.x_create_ring__mutmut_9",
        "infra.alerts.runtime.quiet.xǁQuietHoursǁ_night__mutmut_4",
    ]


def test_the_table_has_a_line_for_each_module_and_one_for_all() -> None:
    words = [line.split() for line in table(count(LISTING)).splitlines()]
    assert words[1:4] == [
        ["infra.alerts.runtime.quiet", "3", "1", "1", "1"],
        ["smartcam.edge.ring.ring_file", "3", "2", "1", "0"],
        ["all", "6", "3", "2", "1"],
    ]
    assert words[4][:2] == ["60.0%", "killed,"]


def test_a_test_that_is_gone_leaves_the_copy_as_well(tmp_path: Path) -> None:
    prepare(tmp_path)
    (tmp_path / "mutants/tests").mkdir(parents=True)
    (tmp_path / "mutants/tests/test_gone.py").touch()
    prepare(tmp_path)
    assert (tmp_path / "src/smartcam").is_dir()
    assert not (tmp_path / "mutants/tests").exists()
