"""The catalogues of this machine: the MOCK survey's, and SDSS's own once it was fetched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stellar_core.catalogue.making import default_path
from stellar_core.errors import StorageError
from stellar_core.paths import survey_folder


@dataclass(frozen=True)
class Survey:
    """A catalogue that there is or that can be made.

    Attributes
    ----------
    key : str
        Its name in addresses.
    title : str
    path : Path
        The catalogue itself; made from ``store``, or by the MOCK survey.
    mock : bool
        Whether its stars are MOCK ones.
    store : Path or None
        The store of ``fetch survey`` it is made from.
    """

    key: str
    title: str
    path: Path
    mock: bool
    store: Path | None = None


def surveys() -> list[Survey]:
    """The MOCK survey, then what `survey_folder` holds, if it is finished."""
    from stellar_core.survey.store import read_summary

    found = [Survey("mock", "MOCK survey", default_path(), True)]
    store = survey_folder() / "store"
    try:
        summary = read_summary(store)
    except StorageError:
        return found
    mock = bool(summary.get("mock"))
    title = "fetched, MOCK" if mock else "SDSS DR17, fetched"
    return [*found, Survey("sdss", title, default_path().with_name("survey.parquet"), mock, store)]
