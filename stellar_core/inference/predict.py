"""Results for files and identifiers, as printed by the command line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stellar_core import lookup
from stellar_core.errors import StellarError, StorageError
from stellar_core.inference.estimator import Estimator
from stellar_core.inference.isochrone_check import check_against_isochrones
from stellar_core.sdss.identifiers import StarId
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum


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
    texts: Iterable[str], estimator: Estimator, samples: int, seed: int, isochrones: bool = False
) -> Iterator[dict[str, object]]:
    """Yield one object per input, in order: a result, or ``input`` and ``error``.

    With ``isochrones``, each result also has the output of `check_against_isochrones` under that name.
    """
    for text in texts:
        try:
            spectrum = find_spectrum(text)
            result = estimator.estimate(spectrum, samples=samples, seed=seed, label=text)
            yield result.to_dict() | ({"isochrones": check_against_isochrones(result)} if isochrones else {})
        except StellarError as error:
            yield {"input": text, "error": str(error)}


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
        f"[Fe/H] {found['feh']['median']:+.2f}.{trust} {words}{_isochrone_words(found)}"
    )


def _isochrone_words(found: dict[str, object]) -> str:
    """The isochrone fit in words; empty without one."""
    if "isochrones" not in found:
        return ""
    if not found["isochrones"]:
        return " No isochrone has a star of this Teff, log g and [Fe/H]."
    low, middle, high = (10.0 ** (found["isochrones"]["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
    return f" Isochrone fit to this Teff, log g and [Fe/H]: {middle:.2f} Gyr (68 % {low:.2f} to {high:.2f})."
