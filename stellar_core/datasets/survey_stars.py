"""Stars of an acquisition as a network is taught on them, read from the store batch by batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet
from stellar_core.survey.reader import StoredArray, StoreReader


def open_stored_stars(folder: Path) -> StarSet:
    """The stars of the store ``folder``, in the order of their ids.

    Returns
    -------
    StarSet
        Spectra and features are read when they are indexed; labels are in memory. There is no teacher's
        atmosphere (``labels.reference``) and no truth: both are None.

    Raises
    ------
    ArchiveError
        If the folder holds no finished store.
    """
    reader = StoreReader(folder)
    inputs = Inputs(**{name: StoredArray(reader, name) for name in Inputs.__dataclass_fields__})
    labels = Labels(
        log_age=reader.column("log_age"),
        log_lifetime=reader.column("log_lifetime"),
        stage=reader.column("stage").astype(np.int64),
        atmosphere=np.column_stack([reader.column(name) for name in ("teff", "logg", "feh")]),
        reference=None,
    )
    return StarSet(inputs, labels, None)
