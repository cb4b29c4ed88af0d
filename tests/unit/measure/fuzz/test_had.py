from pathlib import Path

from measure.fuzz.had import Had, keep_had, read_had, still_to_have


def test_what_a_fuzzing_process_has_had_is_read_from_its_words() -> None:
    words = "INFO: Seed: 1\nspent::12.5\n#9 DONE\nstat::number_of_executed_units: 4711\n"

    assert Had.of_words(words) == Had(12.5, 4711)


def test_a_process_that_was_broken_off_has_had_nothing_that_counts() -> None:
    assert Had.of_words("INFO: Seed: 1\n#2 INITED\nspent::") == Had()


def test_a_run_goes_on_with_those_that_have_had_least(tmp_path: Path) -> None:
    keep_had(tmp_path, "half", Had(60.0, 1))
    keep_had(tmp_path, "all", Had(120.4, 1))

    left = still_to_have(tmp_path, ["half", "all", "none"], 120)

    assert list(left.items()) == [("none", 120.0), ("half", 60.0)]


def test_where_nothing_is_left_all_have_to_have_it_again(tmp_path: Path) -> None:
    keep_had(tmp_path, "event", Had(120.4, 1))

    assert still_to_have(tmp_path, ["event"], 120) == {"event": 120.0}
    assert read_had(tmp_path, "event") == Had()


def test_what_cannot_be_read_is_as_if_it_had_never_been(tmp_path: Path) -> None:
    keep_had(tmp_path, "event", Had(1.0, 2))
    (tmp_path / "had" / "event.json").write_text('{"cpu_s": 3}')

    assert read_had(tmp_path, "event") == Had()
