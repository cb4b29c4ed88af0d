"""The edge of every verb of training: what a person can do something about ends in one line."""

from collections.abc import Callable

from tools.command_line import complain
from training.errors import TrainingError


def guarded(run: Callable[[], int]) -> int:
    """Runs a verb. Returns its exit code; 1 where it could not be done."""
    try:
        return run()
    except TrainingError as error:
        return complain("train", error)
    except BrokenPipeError:
        raise  # whoever reads what is printed has seen enough
    except OSError as error:
        return complain("train", f"{error.filename or 'the disk'}: {error.strerror or error}; nothing of it was kept")
