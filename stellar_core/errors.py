"""What can go wrong, said in one sentence each.

Pages and the command line catch :class:`StellarError` only; anything else is a
bug and keeps its traceback.
"""

from __future__ import annotations


class StellarError(Exception):
    """Base of every error a user can cause or meet.

    Parameters
    ----------
    message : str
        What was wrong, as one sentence without a line break.
    value : object, optional
        The offending value, kept for callers; shown by the message if useful.
    remedy : str, optional
        What to do about it, as one sentence; appended to the message.
    """

    def __init__(self, message: str, *, value: object = None, remedy: str = "") -> None:
        self.value = value
        self.remedy = remedy
        super().__init__(" ".join(part for part in (" ".join(message.split()), remedy) if part))


class IdentifierError(StellarError, ValueError):
    """A text that names no SDSS spectrum."""


class SpectrumError(StellarError, ValueError):
    """A file or array that holds no usable spectrum."""


class ParameterError(StellarError, ValueError):
    """A number outside what the function is defined for."""


class ArchiveError(StellarError, OSError):
    """A remote or local archive that did not give what was asked for."""


class StorageError(StellarError, OSError):
    """A file or folder on this machine that cannot be read or written."""


class RunError(StellarError, RuntimeError):
    """Work that cannot start or go on: another process is doing it, the folder is another run's, or a worker died."""


class ModelError(StellarError, RuntimeError):
    """Trained weights that are missing, damaged or of another shape."""
