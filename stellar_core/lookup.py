"""Find the spectrum of a star from an identifier, and its parallax.

Plates 16000 to 16383, which SDSS never used, belong to the MOCK survey, which works offline, as do the example spectra
that ship with the project. All others are looked up in the archives of SDSS and Gaia.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stellar_core.errors import IdentifierError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stellar_core.gaia import Finding
    from stellar_core.sdss.identifiers import PlateFiber, Position, StarId
    from stellar_core.spectrum import Spectrum

#: Difference of positions, degrees, up to which a MOCK spectrum is of the present MOCK survey.
_SAME_PLACE = 1e-3
#: Largest distance of a position from a MOCK star, arcsec. Coordinates are shown to 0.04 arcsec; a real star is as near
#: to a MOCK one by chance in some 1 of 80,000 cases.
_MOCK_RADIUS = 1.0


def resolve(text: str) -> StarId | PlateFiber:
    """Parse an identifier.

    Parameters
    ----------
    text : str
        A specobjid, plate-mjd-fiber, plate and fiber, a spec file name, an SDSS URL or a position.

    Returns
    -------
    StarId or PlateFiber
        `PlateFiber` where the MJD is missing; `mjds` lists those available. For a position, the example or the MOCK
        star that is there, else the nearest spectrum in the archive, with a note.

    Raises
    ------
    IdentifierError
        If the text identifies no SDSS spectrum.
    ArchiveError
        If there is no spectrum at the position, or the archive cannot be reached.
    """
    from stellar_core import examples
    from stellar_core.sdss.archive import star_near
    from stellar_core.sdss.identifiers import Position, StarId, parse

    found = parse(text)
    if isinstance(found, Position):
        return star_here(found) or star_near(found)
    if isinstance(found, StarId) and not found.run2d_known and (shipped := examples.find(found)):
        return shipped.star
    return found


def without_network(place: StarId | PlateFiber) -> bool:
    """Return whether a spectrum is found without a connection: of the MOCK survey, or an example that ships."""
    from stellar_core import examples
    from stellar_core.sdss.star_id import MOCK_PLATES, StarId

    if MOCK_PLATES[0] <= place.plate <= MOCK_PLATES[1]:
        return True
    return isinstance(place, StarId) and examples.find(place) is not None


def star_here(place: Position) -> StarId | None:
    """Return the example or the MOCK star that has a position, with a note; None where neither has."""
    from dataclasses import replace

    from stellar_core import examples
    from stellar_core.mock.survey import MockSurvey

    if shipped := examples.near(place):
        return replace(shipped.star, notes=("An example that ships with the app has this position.",))
    if mock := MockSurvey().near(place.ra, place.dec, _MOCK_RADIUS):
        return replace(mock, notes=("A MOCK star has this position.",))
    return None


def mjds(place: PlateFiber) -> list[int]:
    """Return the MJDs on which a fiber of a plate was observed, ascending.

    Raises
    ------
    IdentifierError
        If there is none.
    ArchiveError
        If the archive cannot be reached.
    """
    if without_network(place):
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
    """Return the spectrum of a star: of the MOCK survey for its plates, an example that ships, else from SDSS.

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
    from stellar_core import examples

    if shipped := examples.find(star):
        return shipped.spectrum()
    from stellar_core.sdss.archive import fetch_spectrum

    return fetch_spectrum(star)


def find_parallaxes(spectra: Sequence[Spectrum], *, served: bool = False, patient: bool = False) -> list[Finding]:
    """Look up parallaxes and Gaia's magnitudes of many stars, by one query for each 500 of them.

    Parameters
    ----------
    spectra : sequence of Spectrum
        MOCK stars get the values of the MOCK survey, if they are of its present edition and seed.
    served : bool
        Look MOCK stars up in the archive too, for which a server of a MOCK survey stands in.
    patient : bool
        Wait as long as the archive needs, for many stars; else as long as a user waits.

    Returns
    -------
    list of Finding
        In the order of the spectra; without astrometry, the first note is the reason.

    Raises
    ------
    ArchiveError
        If the archive cannot be reached or sends no valid reply.
    """
    from stellar_core.gaia import look_up_many, open_archive

    found = {row: _mock_parallax(one) for row, one in enumerate(spectra) if one.source == "mock" and not served}
    others = [row for row in range(len(spectra)) if row not in found]
    if others:
        archive = None if patient else open_archive()
        found |= zip(others, look_up_many([spectra[row] for row in others], archive))
    return [found[row] for row in range(len(spectra))]


def with_parallax(spectrum: Spectrum, found: Finding) -> Spectrum:
    """Return the spectrum with the parallax that was found; without one, with a note on the reason."""
    from dataclasses import replace

    if found.astrometry is None:
        return replace(spectrum, astrometry=None, notes=(*spectrum.notes, *found.notes))
    return replace(spectrum, astrometry=found.astrometry)


def add_parallaxes(spectra: Sequence[Spectrum]) -> list[Spectrum]:
    """Look up parallaxes as `find_parallaxes`; where the archive does not answer, every spectrum has a note on it."""
    from dataclasses import replace

    from stellar_core.errors import ArchiveError

    try:
        found = find_parallaxes(spectra)
    except ArchiveError as error:
        return [replace(one, notes=(*one.notes, no_answer(error))) for one in spectra]
    return [with_parallax(*pair) for pair in zip(spectra, found, strict=True)]


def no_answer(error: Exception) -> str:
    """Return the note on a star that could not be looked up in Gaia."""
    return f"Gaia was not used: {error}"


def _mock_parallax(spectrum: Spectrum) -> Finding:
    """Return the MOCK survey's parallax of one of its stars."""
    from stellar_core.errors import ArchiveError
    from stellar_core.gaia import Finding
    from stellar_core.mock.plates import make_plate
    from stellar_core.mock.survey import SEED, MockSurvey
    from stellar_core.sdss.star_id import StarId

    if spectrum.astrometry is not None:
        return Finding(spectrum.astrometry, spectrum.astrometry.notes)
    meta, survey = spectrum.meta, MockSurvey(spectrum.meta.get("mock_seed", SEED))
    other = "This MOCK star is not one of the MOCK survey, so that it has no parallax."
    try:
        star = StarId.of(*(int(meta[name]) for name in ("plate", "mjd", "fiber")))
        plate = make_plate(survey.seed, star.plate)
        row = plate.row(star.fiber)
        apart = max(abs(plate.ra[row] - float(meta["ra"])), abs(plate.dec[row] - float(meta["dec"])))
    except (ArchiveError, IdentifierError, KeyError, TypeError, ValueError):
        return Finding(None, (other,))
    if apart > _SAME_PLACE:
        return Finding(None, (other,))
    astrometry = survey.astrometry(star)
    return Finding(astrometry, ("Gaia has no parallax of this MOCK star.",) if astrometry is None else astrometry.notes)


def examples() -> list[tuple[StarId, str]]:
    """Return example stars of the MOCK survey, each with a caption; `stellar_core.examples` has real ones."""
    from stellar_core.mock.survey import MockSurvey

    return list(MockSurvey().examples())
