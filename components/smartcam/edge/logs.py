"""One line for each log record: time, level, logger, event, key=value facts."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
"""What the components' `--log-level` takes."""
_PLAIN = re.compile(r"[^\s\"'=\\]+")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@\"']+(?=@)")
_THIRD_PARTIES = {"awscrt": logging.WARNING, "awsiot": logging.CRITICAL, "libav": logging.WARNING}
"""Below these levels they write noise; the bus reports in its own words what happens to the Greengrass client."""


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send the log to `stream` (stderr when None), one line for each record.

    Raises:
        ValueError: `level` is not a level of Python's logging.
    """
    root = logging.getLogger()
    root.setLevel(level.upper())
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.handlers[:] = [handler]
    for name, lowest in _THIRD_PARTIES.items():
        logging.getLogger(name).setLevel(max(lowest, root.level))


def log(logger: logging.Logger, level: int, event: str, **facts: object) -> None:
    """Write `event key=value ...`; text with blanks or quotes is written as JSON."""
    if logger.isEnabledFor(level):
        logger.log(level, "%s", line(event, facts), stacklevel=2)


def log_exception(logger: logging.Logger, event: str, error: BaseException, **facts: object) -> None:
    """Write the event with the error's text and its traceback: for the outermost level of a process or loop."""
    text = line(event, {**facts, "error": f"{type(error).__name__}: {error}"})
    logger.error("%s", text, exc_info=error, stacklevel=2)


def line(event: str, facts: dict[str, object]) -> str:
    """The event with its facts as one line."""
    return " ".join([event, *(f"{key}={_value(value)}" for key, value in facts.items())])


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


class _OneLine(logging.Formatter):
    """Times in UTC with milliseconds; the user and password of a URL never reach the log."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802
        moment = datetime.fromtimestamp(record.created, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"

    def format(self, record: logging.LogRecord) -> str:
        return _CREDENTIALS.sub("***", super().format(record))
