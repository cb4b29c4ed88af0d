"""One line, facts that can be read back, no secrets."""

import io
import logging
import re
from collections.abc import Iterator

import pytest

from smartcam.edge.logs import configure_logging, line, log, log_exception

logger = logging.getLogger("smartcam.some.module")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("INFO", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_a_line_has_time_level_logger_event_and_facts(written: io.StringIO) -> None:
    log(logger, logging.INFO, "camera_opened", camera="yard", fps=25.0, size="1280x720")
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO smartcam\.some\.module camera_opened "
    assert re.fullmatch(pattern + r"camera=yard fps=25 size=1280x720\n", written.getvalue())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("yard", "yard"),
        ("two words", '"two words"'),
        ('a "quote"', r'"a \"quote\""'),
        ("a\nb", r'"a\nb"'),
        ("a=b", '"a=b"'),
        ("", '""'),
        ("Hütte", "Hütte"),
        (0.1234567, "0.123457"),
        (7, "7"),
        (None, "None"),
        (True, "True"),
    ],
)
def test_a_fact_never_breaks_its_line(value: object, text: str) -> None:
    assert line("event", {"key": value}) == f"event key={text}"


def test_a_url_loses_its_password_also_in_a_traceback(written: io.StringIO) -> None:
    url = "rtsp://owner:secret@camera.example/stream"
    log(logger, logging.INFO, "opening", url=url)
    try:
        raise RuntimeError(f"cannot open {url}")
    except RuntimeError as error:
        log_exception(logger, "failed", error, url=url)
    assert "secret" not in written.getvalue()
    assert "owner" not in written.getvalue()
    assert "rtsp://***@camera.example/stream" in written.getvalue()
    assert "Traceback" in written.getvalue()


def test_percent_signs_are_only_percent_signs(written: io.StringIO) -> None:
    log(logger, logging.INFO, "full", share="97%s%d")
    assert "share=97%s%d" in written.getvalue()


def test_what_is_below_the_level_is_not_written(written: io.StringIO) -> None:
    log(logger, logging.DEBUG, "frame_seen", seq=1)
    assert written.getvalue() == ""


def test_third_parties_are_quieter_than_the_suite(written: io.StringIO) -> None:
    logging.getLogger("awsiot.eventstreamrpc").error("<object at 0x1> failed to establish connection")
    logging.getLogger("libav").info("noise")
    assert written.getvalue() == ""


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging("loud", io.StringIO())
