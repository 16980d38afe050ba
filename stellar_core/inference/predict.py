"""Results for files and identifiers, as printed by the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from stellar_core import lookup
from stellar_core.astrometry import Astrometry
from stellar_core.errors import ParameterError, StellarError, StorageError
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone_check import check_against_isochrones
from stellar_core.sdss.identifiers import StarId
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum

#: Stars that are looked up in Gaia together.
GROUP = 100


def find_spectrum(text: str) -> Spectrum:
    """Read the file named ``text``, or look up the star that it names.

    Raises
    ------
    StellarError
        If there is no such file or star, or it cannot be read.
    """
    if is_file(text):
        return read_spectrum(Path(text))
    if means_file(text):
        raise StorageError(f"There is no file {text}.", value=text)
    return find_star(text)


def is_file(text: str) -> bool:
    """True if a text names an existing file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def means_file(text: str) -> bool:
    """True if a text can only be a file name, existing or not; a bare spec file name or a URL identifies a star
    instead."""
    path = Path(text)
    ending = path.suffix.lower()
    if text.lower().startswith(("http://", "https://")):
        return False
    return ending in (".csv", ".txt", ".dat", ".gz") or (ending == ".fits" and bool(path.parent.name))


def find_star(text: str) -> Spectrum:
    """Look up the star that ``text`` identifies; reads no local file.

    Raises
    ------
    StellarError
        If it identifies no star or several, or the star cannot be retrieved.
    """
    star = lookup.resolve(text)
    if not isinstance(star, StarId):
        star = lookup.only_night(star, lookup.mjds(star))
    return lookup.load(star)


def predict(
    texts: Iterable[str],
    estimator: Estimator,
    samples: int,
    seed: int,
    isochrones: bool = False,
    *,
    parallax: Astrometry | None = None,
    gaia: bool = False,
) -> Iterator[dict[str, object]]:
    """Yield one object per input, in order: a result, or ``input`` and ``error``.

    With ``isochrones``, each result also has the output of `check_against_isochrones` under that name. ``parallax`` is
    that of every input; with ``gaia`` each star is looked up.

    Raises
    ------
    ParameterError
        If both are given.
    """
    if gaia and parallax is not None:
        raise ParameterError("Give either a parallax, or look it up in Gaia.")
    for text, spectrum in _found(texts, parallax, gaia):
        try:
            if isinstance(spectrum, StellarError):
                raise spectrum
            result = estimator.estimate(spectrum, samples=samples, seed=seed, label=text)
            yield result.to_dict() | ({"isochrones": check_against_isochrones(result)} if isochrones else {})
        except StellarError as error:
            yield {"input": text, "error": str(error)}


def _found(
    texts: Iterable[str], parallax: Astrometry | None, gaia: bool
) -> Iterator[tuple[str, Spectrum | StellarError]]:
    """Yield each input with its spectrum or the error of finding it; parallaxes are looked up for `GROUP` at a time."""
    texts = iter(texts)
    while group := list(islice(texts, GROUP if gaia else 1)):
        spectra: list[Spectrum | StellarError] = []
        for text in group:
            try:
                spectra.append(find_spectrum(text))
            except StellarError as error:
                spectra.append(error)
        good = [row for row, one in enumerate(spectra) if isinstance(one, Spectrum)]
        for row, one in zip(good, lookup.add_parallaxes([spectra[row] for row in good]) if gaia else ()):
            spectra[row] = one
        for row in good if parallax is not None else ():
            spectra[row] = replace(spectra[row], astrometry=parallax)
        yield from zip(group, spectra)


def summary_line(found: dict[str, object]) -> str:
    """Summarise one object of `predict` in a line for the terminal."""
    if "error" in found:
        return f"{found['input']}: error: {found['error']}"
    low, middle, high = (10.0 ** (found["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
    stage, chance = max(found["stage"].items(), key=lambda item: item[1])
    mock = " [MOCK star]" if found["source"] == "mock" else ""
    words = " ".join(found["verdict"]["messages"])
    trust = "" if found["verdict"]["in_domain"] else " NOT TRUSTED."
    return (
        f"{found['input']}{mock}: age {middle:.2f} Gyr (68 % {low:.2f} to {high:.2f}), {stage} {100 * chance:.0f} %, "
        f"Teff {found['teff']['median']:.0f} K, log g {found['logg']['median']:.2f}, "
        f"[Fe/H] {found['feh']['median']:+.2f}.{_parallax_words(found)}{trust} {words}{_isochrone_words(found)}"
    )


def _parallax_words(found: dict[str, object]) -> str:
    """Parallax, distance, and the age without them; empty where no parallax was used."""
    used = found["parallax"]
    if not used:
        return ""
    low, middle, high = (10.0 ** (used["without"]["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
    near, distance, far = (used["distance_pc"][part] for part in ("p16", "median", "p84"))
    return (
        f" With the parallax {used['parallax_mas']:.3f} ± {used['parallax_err_mas']:.3f} mas ({used['origin']}): "
        f"distance {distance:.0f} pc (68 % {near:.0f} to {far:.0f}); without it the age is {middle:.2f} Gyr "
        f"(68 % {low:.2f} to {high:.2f})."
    )


def _isochrone_words(found: dict[str, object]) -> str:
    """The isochrone fit in words; empty without one."""
    if "isochrones" not in found:
        return ""
    if not found["isochrones"]:
        return " No isochrone has a star of this Teff, log g and [Fe/H]."
    low, middle, high = (10.0 ** (found["isochrones"]["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
    return f" Isochrone fit to this Teff, log g and [Fe/H]: {middle:.2f} Gyr (68 % {low:.2f} to {high:.2f})."
