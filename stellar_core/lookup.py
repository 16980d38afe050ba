"""Find the spectrum of a star from an identifier.

Plates 16000 to 16383, which SDSS never used, belong to the MOCK survey, which works offline. All others are looked up
in the SDSS archive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stellar_core.errors import IdentifierError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stellar_core.sdss.identifiers import PlateFiber, StarId
    from stellar_core.spectrum import Spectrum


def resolve(text: str) -> StarId | PlateFiber:
    """Parse an identifier.

    Parameters
    ----------
    text : str
        A specobjid, plate-mjd-fiber, plate and fiber, a spec file name, an SDSS URL or a position.

    Returns
    -------
    StarId or PlateFiber
        `PlateFiber` where the MJD is missing; `mjds` lists those available. For a position, the nearest spectrum in
        the archive, with a note on its distance.

    Raises
    ------
    IdentifierError
        If the text identifies no SDSS spectrum.
    ArchiveError
        If there is no spectrum at the position, or the archive cannot be reached.
    """
    from stellar_core.sdss.identifiers import Position, parse

    found = parse(text)
    if isinstance(found, Position):
        from stellar_core.sdss.archive import star_near

        return star_near(found)
    return found


def mjds(place: PlateFiber) -> list[int]:
    """Return the MJDs on which a fiber of a plate was observed, ascending.

    Raises
    ------
    IdentifierError
        If there is none.
    ArchiveError
        If the archive cannot be reached.
    """
    from stellar_core.sdss.star_id import MOCK_PLATES

    if MOCK_PLATES[0] <= place.plate <= MOCK_PLATES[1]:
        from stellar_core.mock.survey import MockSurvey

        nights = MockSurvey().mjds(place.plate, place.fiber)
    else:
        from stellar_core.sdss.archive import plate_mjds

        nights = plate_mjds(place.plate, place.fiber)
    return _some(place, nights)


def only_night(place: PlateFiber, nights: Sequence[int]) -> StarId:
    """Return the star of a plate and fiber that were observed on a single MJD.

    Raises
    ------
    IdentifierError
        If there is no MJD, or several.
    """
    found = _some(place, nights)
    if len(found) > 1:
        raise IdentifierError(
            f"Plate {place.plate}, fiber {place.fiber} has several MJDs: {', '.join(map(str, found))}.", value=place
        )
    return place.at(found[0])


def _some(place: PlateFiber, nights: Sequence[int]) -> list[int]:
    if not nights:
        raise IdentifierError(f"Plate {place.plate} has no spectrum on fiber {place.fiber}.", value=place)
    return sorted(nights)


def identify(text: str) -> dict[str, object]:
    """Return all forms of an identifier: the object that ``identify --json`` prints.

    Returns
    -------
    dict
        As `StarId.to_dict`. Where plate and fiber were given and there are several MJDs,
        ``mjd``, ``run2d`` and ``specobjid`` are None and ``mjds`` lists the MJDs.

    Raises
    ------
    IdentifierError
        If the text identifies no SDSS spectrum.
    ArchiveError
        If MJDs or a position must be looked up and the archive cannot be reached.
    """
    from dataclasses import replace

    from stellar_core.sdss.star_id import StarId

    found = resolve(text)
    if isinstance(found, StarId):
        return found.to_dict()
    nights = mjds(found)
    if len(nights) == 1:
        star = found.at(nights[0])
        note = f"The MJD was not given; {nights[0]} is the only one of this plate and fiber."
        return replace(star, notes=(note, *star.notes)).to_dict()
    unknown = dict.fromkeys(("mjd", "run2d", "specobjid", "spectrum_url"))
    note = "The MJD was not given and there are several: give plate-MJD-fiber."
    return {**unknown, "plate": found.plate, "fiber": found.fiber, "mjds": nights, "notes": [note]}


def load(star: StarId) -> Spectrum:
    """Return the spectrum of a star, from the MOCK survey for its plates, else from SDSS.

    Raises
    ------
    IdentifierError
        If the MOCK survey has no such star.
    ArchiveError
        If the SDSS archive cannot be reached or has no such spectrum.
    """
    if star.is_mock:
        from stellar_core.mock.survey import MockSurvey

        return MockSurvey().spectrum(star)
    from stellar_core.sdss.archive import fetch_spectrum

    return fetch_spectrum(star)


def examples() -> list[tuple[StarId, str]]:
    """Return example stars of the MOCK survey, each with a caption."""
    from stellar_core.mock.survey import MockSurvey

    return list(MockSurvey().examples())
