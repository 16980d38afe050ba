"""The catalogues of the app: the MOCK survey, and a fetched survey if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stellar_core.catalogue.builder import default_path
from stellar_core.errors import StorageError
from stellar_core.paths import survey_folder


@dataclass(frozen=True)
class Survey:
    """A survey whose catalogue exists or can be made.

    Attributes
    ----------
    key : str
        Name in URLs.
    title : str
    path : Path
        The catalogue, made from ``store`` or from the MOCK survey.
    mock : bool
        True if its stars are MOCK stars.
    store : Path or None
        Its store of ``fetch survey``.
    """

    key: str
    title: str
    path: Path
    mock: bool
    store: Path | None = None


def surveys() -> list[Survey]:
    """Return the MOCK survey, and the survey in `survey_folder` if it is complete."""
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
