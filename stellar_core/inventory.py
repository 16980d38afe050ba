"""Inventory of the data on this machine: models, catalogues, tracks and the cache, with origin, size and hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stellar_core.errors import ModelError
from stellar_core.model_store import adopted_models, list_models, model_folder, read_model
from stellar_core.paths import TRAINED_DIR, cache_folder, survey_folder, tracks_folder


@dataclass(frozen=True)
class Item:
    """A model or data set on this machine.

    Attributes
    ----------
    name : str
    kind : str
        "trained", "adopted", "catalogue", "tracks" or "cache".
    what : str
        Description.
    source : str
        Origin.
    date : str
        Date when it was made or fetched; empty where unknown.
    bytes : int
    sha256 : str
        Empty for more than one file.
    """

    name: str
    kind: str
    what: str
    source: str
    date: str
    bytes: int
    sha256: str = ""


def inventory() -> list[Item]:
    """Return all models and data sets, those of ``trained/`` first."""
    return [*_models(), *_catalogues(), *_tracks(), *_cache()]


def damaged_models() -> list[str]:
    """Return an error message for each model whose weights do not match its card."""
    messages = []
    for name in (*list_models(), *adopted_models()):
        try:
            read_model(model_folder(name))
        except ModelError as error:
            messages.append(str(error))
    return messages


def _models() -> Iterator[Item]:
    shipped = list_models()
    for name, card in {**shipped, **adopted_models()}.items():
        source = (
            card.get("source") or card.get("data") or card.get("sources") or card.get("references") or "this repository"
        )
        yield Item(
            name,
            "trained" if name in shipped else "adopted",
            str(card.get("what", "")),
            _text(source),
            str(card.get("date", "")),
            int(card.get("bytes", 0)),
            str(card.get("sha256", "")),
        )
    for path in sorted((TRAINED_DIR / "experiments").glob("phase*.json")):
        yield Item(
            path.stem, "trained", "Results of a phase of the paper's experiments", "MOCK stars", "", path.stat().st_size
        )


def _catalogues() -> Iterator[Item]:
    from stellar_core.catalogue.surveys import surveys

    for survey in surveys():
        if survey.path.exists():
            source = "MOCK survey" if survey.mock else "SDSS DR17, by fetch survey"
            yield Item(
                survey.title,
                "catalogue",
                "Every star with its isochrone posterior",
                source,
                _day(survey.path),
                survey.path.stat().st_size,
            )
        if survey.store is not None:
            size = sum(path.stat().st_size for path in survey.store.glob("*") if path.is_file())
            yield Item(
                "survey/store", "catalogue", "Spectra, features and labels", survey.title, _day(survey_folder()), size
            )


def _tracks() -> Iterator[Item]:
    for path in sorted(tracks_folder().glob("*.txz")):
        note = path.with_name(f"{path.name}.sha256")
        digest = note.read_text().strip() if note.is_file() else ""
        yield Item(
            path.name,
            "tracks",
            "Archive of MIST tracks",
            "MIST v1.2, by fetch mist",
            _day(path),
            path.stat().st_size,
            digest,
        )


def _cache() -> Iterator[Item]:
    from stellar_core.sdss.cache import DiskCache, cache_limit

    number, size = DiskCache(cache_folder(), cache_limit()).size()
    if number:
        yield Item(
            "cache", "cache", f"{number} responses of SDSS, verified by SHA-256 when read", "SDSS DR17", "", size
        )


def _text(source: object) -> str:
    if isinstance(source, dict):
        return "; ".join(map(str, source))
    return "; ".join(map(str, source)) if isinstance(source, list) else str(source)


def _day(path: Path) -> str:
    import datetime

    return datetime.date.fromtimestamp(path.stat().st_mtime).isoformat()
