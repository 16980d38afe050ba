"""Errors with a message of one sentence, for users.

Pages and the command line catch :class:`StellarError` only; anything else is a bug and keeps its traceback.
"""

from __future__ import annotations


class StellarError(Exception):
    """Base of all errors that a user can cause or meet.

    Parameters
    ----------
    message : str
        What was wrong, in one sentence.
    value : object, optional
        The value that caused it, for callers.
    remedy : str, optional
        What to do, in one sentence; appended to the message.
    """

    def __init__(self, message: str, *, value: object = None, remedy: str = "") -> None:
        self.value = value
        self.remedy = remedy
        super().__init__(" ".join(part for part in (" ".join(message.split()), remedy) if part))


class IdentifierError(StellarError, ValueError):
    """A text that identifies no SDSS spectrum, or several."""


class SpectrumError(StellarError, ValueError):
    """A file or array without a usable spectrum."""


class ParameterError(StellarError, ValueError):
    """An argument outside the range in which a function is defined."""


class ArchiveError(StellarError, OSError):
    """An archive such as SDSS that cannot be reached or does not have what was requested."""


class StorageError(StellarError, OSError):
    """A file or folder on this machine that cannot be read or written."""


class RunError(StellarError, RuntimeError):
    """Work that cannot start or continue: another process does it, the folder is another run's, a worker died."""


class ModelError(StellarError, RuntimeError):
    """Trained weights that are missing, damaged or of another shape."""
