from measure.fuzz.device import hurt


def test_an_edit_changes_one_byte() -> None:
    assert hurt(b"abcd", b"\0\1X") == b"aXcd"


def test_a_rest_cuts_the_content_off() -> None:
    assert hurt(b"abcd", b"\0\1X\2") == b"aX"


def test_without_edits_nothing_is_hurt() -> None:
    assert hurt(b"abcd", b"") == b"abcd"
