"""Stars of a fetched survey as training data, read from the store batch by batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet
from stellar_core.survey.reader import StoredArray, StoreReader


def open_stored_stars(folder: Path) -> StarSet:
    """Open the stars of the store ``folder``, in the order of their ids.

    Returns
    -------
    StarSet
        Spectra and features are read when indexed; labels are in memory. ``labels.reference`` and
        ``truth`` are unknown, and None.

    Raises
    ------
    StorageError
        If the folder does not hold a finished store.
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
