"""The one error of training that a user can do something about."""


class TrainingError(Exception):
    """Training cannot begin, go on or end well; the message says why and what to do."""
