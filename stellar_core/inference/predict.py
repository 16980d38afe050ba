"""Results for files and identifiers, as the command line gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from stellar_core import lookup
from stellar_core.errors import ArchiveError, StellarError
from stellar_core.inference.base import Estimator
from stellar_core.inference.isochrone_check import second_opinion
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
        raise ArchiveError(f"There is no file {text}.", value=text)
    return find_star(text)


def is_file(text: str) -> bool:
    """Whether a text names a file that is there; one that can name none does not."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def means_file(text: str) -> bool:
    """Whether a text can only be the name of a file, there or not; the bare name of a spec file names its star, and so do URLs."""
    path = Path(text)
    ending = path.suffix.lower()
    if text.lower().startswith(("http://", "https://")):
        return False
    return ending in (".csv", ".txt", ".dat", ".gz") or (ending == ".fits" and bool(path.parent.name))


def find_star(text: str) -> Spectrum:
    """Look up the star that ``text`` names; no file of this machine is read for it.

    Raises
    ------
    StellarError
        If it names none, or several, or the star cannot be had.
    """
    star = lookup.resolve(text)
    if not isinstance(star, StarId):
        star = lookup.only_night(star, lookup.mjds(star))
    return lookup.load(star)


def predict(
    texts: Iterable[str], estimator: Estimator, samples: int, seed: int, isochrones: bool = False
) -> Iterator[dict[str, object]]:
    """One object per input, in order: a result, or ``input`` and ``error`` where there is none.

    With ``isochrones`` each result also carries the `second_opinion`, under that name.
    """
    for text in texts:
        try:
            spectrum = find_spectrum(text)
            result = estimator.estimate(spectrum, samples=samples, seed=seed, label=text)
            yield result.to_dict() | ({"isochrones": second_opinion(result)} if isochrones else {})
        except StellarError as error:
            yield {"input": text, "error": str(error)}


def sentence(found: dict[str, object]) -> str:
    """One object of `predict` as a line for a terminal."""
    if "error" in found:
        return f"{found['input']}: error: {found['error']}"
    low, middle, high = (10.0 ** (found["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
    stage, chance = max(found["stage"].items(), key=lambda item: item[1])
    mock = " [MOCK star]" if found["source"] == "mock" else ""
    words = " ".join(found["verdict"]["messages"])
    trust = "" if found["verdict"]["in_domain"] else " NOT TO BE TRUSTED."
    return (
        f"{found['input']}{mock}: age {middle:.2f} Gyr (68 % {low:.2f} to {high:.2f}), {stage} {100 * chance:.0f} %, "
        f"Teff {found['teff']['median']:.0f} K, log g {found['logg']['median']:.2f}, "
        f"[Fe/H] {found['feh']['median']:+.2f}.{trust} {words}{_opinion(found)}"
    )


def _opinion(found: dict[str, object]) -> str:
    """What the isochrones say of the same atmosphere; empty where they were not asked."""
    if "isochrones" not in found:
        return ""
    if not found["isochrones"]:
        return " The isochrones have no star of this Teff, log g and [Fe/H]."
    low, middle, high = (10.0 ** (found["isochrones"]["log_age"][part] - 9.0) for part in ("p16", "median", "p84"))
    return f" The isochrones at this Teff, log g and [Fe/H]: {middle:.2f} Gyr (68 % {low:.2f} to {high:.2f})."
