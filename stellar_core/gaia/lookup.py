"""Parallaxes and magnitudes of Gaia DR3 for stars of SDSS and for uploaded spectra."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from stellar_core.astrometry import Astrometry
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.gaia.archive import CHUNK_TIMEOUT, GaiaArchive, open_archive
from stellar_core.gaia.magnitudes import magnitudes
from stellar_core.gaia.matching import RADIUS, Match, match, separations
from stellar_core.gaia.source import GaiaSource, parse_source_id
from stellar_core.gaia.targets import Target, target_of, targets_of
from stellar_core.gaia.zero_point import CorrectedParallax, correct_parallaxes
from stellar_core.spectrum import Spectrum

if TYPE_CHECKING:
    import pandas as pd

#: Percentage of images with two peaks above which a close pair is likely.
MANY_PEAKS = 10
NO_POSITION = "There is no position, so that the star was not looked up in Gaia."


@dataclass(frozen=True)
class Finding:
    """What Gaia has on one star.

    Attributes
    ----------
    astrometry : Astrometry or None
    notes : tuple of str
        Sentences for the user; without astrometry, the first is the reason.
    match : Match or None
        None where no query was made.
    """

    astrometry: Astrometry | None
    notes: tuple[str, ...] = ()
    match: Match | None = None


def find_astrometry(spectrum: Spectrum, archive: GaiaArchive | None = None) -> Astrometry | None:
    """Return the parallax and magnitudes of a star in Gaia DR3; None where it is not in there, or has no parallax.

    Parameters
    ----------
    spectrum : Spectrum
        With ``ra`` and ``dec`` in its metadata; ``mjd`` and photometry are used where present. For a MOCK star, which
        only a stand-in of the archive knows, its own astrometry is returned.
    archive : GaiaArchive, optional
        Default: `open_archive`.

    Raises
    ------
    ParameterError
        If the spectrum has no position.
    ArchiveError
        If the archive cannot be reached or sends no valid reply.
    """
    return look_up(spectrum, archive).astrometry


def look_up(spectrum: Spectrum, archive: GaiaArchive | None = None) -> Finding:
    """Return the same as `find_astrometry`, with the reason where there is none."""
    if target_of(spectrum) is None:
        raise ParameterError(
            f"{spectrum.name or 'The spectrum'} has no position, so that it cannot be looked up in Gaia.",
            remedy="Give its source_id or its parallax.",
        )
    return look_up_many([spectrum], archive or open_archive())[0]


def find_many(
    stars: Sequence[Spectrum | Target] | Mapping[str, Sequence] | pd.DataFrame, archive: GaiaArchive | None = None
) -> list[Astrometry | None]:
    """Return the parallaxes and magnitudes of many stars, by one query for each 500 of them.

    Parameters
    ----------
    stars : sequence of Spectrum or Target, or table
        A table (of pandas, of Astropy, or a mapping of columns) has ra and dec (degrees) and, where known, mjd, the
        SDSS magnitudes g_mag, r_mag, i_mag, and bestobjid; see `stellar_core.gaia.targets.TABLE_COLUMNS`.
    archive : GaiaArchive, optional

    Returns
    -------
    list of Astrometry or None
        In the order of the stars; None where a star has no position, no source or no parallax.

    Raises
    ------
    ParameterError
        If a table has no positions.
    ArchiveError
        As `find_astrometry`. Chunks that were found are in the cache: the same call continues from there.
    """
    return [found.astrometry for found in look_up_many(stars, archive)]


def look_up_many(
    stars: Sequence[Spectrum | Target] | Mapping[str, Sequence] | pd.DataFrame, archive: GaiaArchive | None = None
) -> list[Finding]:
    """Return the same as `find_many`, with the reason where there is none."""
    archive = archive or open_archive(timeout=CHUNK_TIMEOUT, patience=math.inf)
    items = list(stars) if isinstance(stars, Sequence) else targets_of(stars)
    found: list[Finding] = [Finding(None, (NO_POSITION,))] * len(items)
    targets: dict[int, Target] = {}
    for number, star in enumerate(items):
        if isinstance(star, Spectrum) and star.source == "mock" and archive.is_real:
            found[number] = Finding(star.astrometry, ("This is a MOCK star, which Gaia has not observed.",))
        else:
            target = target_of(star) if isinstance(star, Spectrum) else star
            if target is not None:
                targets[number] = target
    surroundings = archive.near([(target.ra, target.dec) for target in targets.values()])
    matches = {number: match(targets[number], sources) for number, sources in zip(targets, surroundings)}
    matched = [number for number, outcome in matches.items() if outcome.source is not None]
    known = dict(zip(matched, astrometries([matches[number].source for number in matched])))
    for number, outcome in matches.items():
        found[number] = _finding(outcome, known.get(number))
    return found


def find_source(text: str | int, archive: GaiaArchive | None = None, *, spectrum: Spectrum | None = None) -> Astrometry:
    """Return the parallax and magnitudes of a source by its identifier.

    Parameters
    ----------
    text : str or int
        Digits of the source_id, or "Gaia DR3" and the digits.
    archive : GaiaArchive, optional
    spectrum : Spectrum, optional
        Spectrum of the star; where its position or magnitudes do not fit the source, a note says so.

    Raises
    ------
    IdentifierError
        If this is no source_id.
    ArchiveError
        If Gaia DR3 has no such source or no parallax of it, or the archive cannot be reached.
    """
    number = parse_source_id(text)
    (source,) = (archive or open_archive()).by_id([number])
    if source is None:
        raise ArchiveError(
            f"Gaia DR3 has no source {number}.", value=number, remedy="Check the digits: spreadsheets round them."
        )
    (astrometry,) = astrometries([source])
    if astrometry is None:
        raise ArchiveError(_no_parallax(source), value=number)
    target = None if spectrum is None else target_of(spectrum)
    outcome = None if target is None else match(target, [source])
    if outcome is None or outcome.source is not None:
        return astrometry
    apart = float(separations(target, [source])[0])
    reason = f"It lies {apart:,.1f} arcsec from the spectrum's position." if apart > RADIUS else outcome.notes[0]
    note = f"The source_id may be that of another star. {reason}"
    return replace(astrometry, notes=(note, *astrometry.notes))


def astrometries(sources: Sequence[GaiaSource], origin: str = "Gaia DR3") -> list[Astrometry | None]:
    """Return each source's parallax, corrected for the zero point and with a larger error, and its magnitudes.

    None where the archive has no parallax with an error.
    """
    return [
        None if parallax is None else _astrometry(source, parallax, origin)
        for source, parallax in zip(sources, correct_parallaxes(sources))
    ]


def _finding(outcome: Match, astrometry: Astrometry | None) -> Finding:
    if astrometry is not None:
        astrometry = replace(astrometry, notes=(*outcome.notes, *astrometry.notes))
        return Finding(astrometry, astrometry.notes, outcome)
    reason = () if outcome.source is None else (_no_parallax(outcome.source),)
    return Finding(None, (*reason, *outcome.notes), outcome)


def _no_parallax(source: GaiaSource) -> str:
    return f"Gaia DR3 has a position but no parallax of source {source.source_id}."


def _astrometry(source: GaiaSource, parallax: CorrectedParallax, origin: str) -> Astrometry:
    bands, notes = magnitudes(source)
    if source.ipd_frac_multi_peak > MANY_PEAKS:
        notes = (
            *notes,
            f"Gaia sees two peaks in {source.ipd_frac_multi_peak} % of its images: probably a close pair of stars.",
        )
    return Astrometry(
        parallax.value,
        parallax.error,
        bands,
        origin=origin,
        source_id=str(source.source_id),
        ruwe=source.ruwe if math.isfinite(source.ruwe) else None,
        non_single_star=source.non_single_star,
        zero_point=parallax.zero_point,
        notes=(*parallax.notes, *notes),
    )
