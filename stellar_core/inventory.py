"""What is on this machine: trained parts, catalogues, tracks and what was kept from SDSS, with origin, size and hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stellar_core.errors import ModelError
from stellar_core.model_store import adopted_models, list_models, model_folder, read_model
from stellar_core.paths import TRAINED_DIR, tracks_folder


@dataclass(frozen=True)
class Holding:
    """One thing that is here.

    Attributes
    ----------
    name : str
    kind : str
        "trained", "adopted", "catalogue", "tracks" or "cache".
    what : str
        What it is.
    source : str
        Where it came from.
    date : str
        When it was made or fetched; empty where nobody noted it.
    bytes : int
    sha256 : str
        Empty where there is no single file.
    """

    name: str
    kind: str
    what: str
    source: str
    date: str
    bytes: int
    sha256: str = ""


def holdings() -> list[Holding]:
    """All that is here, trained parts first."""
    return [*_models(), *_catalogues(), *_tracks(), *_cache()]


def damaged() -> list[str]:
    """A sentence for each trained part whose weights are not those on its card."""
    sentences = []
    for name in (*list_models(), *adopted_models()):
        try:
            read_model(model_folder(name))
        except ModelError as error:
            sentences.append(str(error))
    return sentences


def _models() -> Iterator[Holding]:
    shipped = list_models()
    for name, card in {**shipped, **adopted_models()}.items():
        source = (
            card.get("source") or card.get("data") or card.get("sources") or card.get("references") or "this repository"
        )
        yield Holding(
            name,
            "trained" if name in shipped else "adopted",
            str(card.get("what", "")),
            _words(source),
            str(card.get("date", "")),
            int(card.get("bytes", 0)),
            str(card.get("sha256", "")),
        )
    for path in sorted((TRAINED_DIR / "experiments").glob("phase*.json")):
        yield Holding(
            path.stem, "trained", "Results of a phase of the paper's experiments", "MOCK stars", "", path.stat().st_size
        )


def _catalogues() -> Iterator[Holding]:
    from stellar_core.catalogue.surveys import surveys
    from stellar_core.paths import survey_folder

    for survey in surveys():
        if survey.path.exists():
            source = "MOCK survey" if survey.mock else "SDSS DR17, by fetch survey"
            yield Holding(
                survey.title,
                "catalogue",
                "Every star with the isochrones' posterior",
                source,
                _day(survey.path),
                survey.path.stat().st_size,
            )
        if survey.store is not None:
            size = sum(path.stat().st_size for path in survey.store.glob("*") if path.is_file())
            yield Holding(
                "survey/store", "catalogue", "Spectra, features and labels", survey.title, _day(survey_folder()), size
            )


def _tracks() -> Iterator[Holding]:
    for path in sorted(tracks_folder().glob("*.txz")):
        note = path.with_name(f"{path.name}.sha256")
        digest = note.read_text().strip() if note.is_file() else ""
        yield Holding(
            path.name,
            "tracks",
            "Archive of MIST tracks",
            "MIST v1.2, by fetch mist",
            _day(path),
            path.stat().st_size,
            digest,
        )


def _cache() -> Iterator[Holding]:
    from stellar_core.paths import cache_folder
    from stellar_core.sdss.cache import DiskCache, cache_limit

    number, size = DiskCache(cache_folder(), cache_limit()).size()
    if number:
        yield Holding(
            "cache", "cache", f"{number} answers of SDSS, each checked by its sha256 when read", "SDSS DR17", "", size
        )


def _words(source: object) -> str:
    if isinstance(source, dict):
        return "; ".join(map(str, source))
    return "; ".join(map(str, source)) if isinstance(source, list) else str(source)


def _day(path: Path) -> str:
    import datetime

    return datetime.date.fromtimestamp(path.stat().st_mtime).isoformat()
