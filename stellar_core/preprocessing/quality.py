"""Quality of a spectrum in words: warnings, and reasons to reject the result."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stellar_core.preprocessing.grid import GRID
from stellar_core.preprocessing.spectra import MAX_STAR_REDSHIFT, PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Median S/N per pixel below which a spectrum gets a warning, and below which it is rejected.
LOW_SNR, MIN_SNR = 10.0, 4.0
#: Fraction of bad pixels above which there is a warning.
MANY_BAD = 0.1
#: Coverage of the grid below which there is a warning (the SDSS spectrograph covers 0.79), and rejection.
LOW_COVERAGE, LEAST_COVERAGE = 0.7, 0.35
#: Prefixes of SDSS subclasses in class STAR without tracks here.
STRANGE_SUBCLASSES = {"WD": "a white dwarf", "CV": "a cataclysmic variable", "CARBON": "a carbon star"}
#: Bits of ZWARNING in words (SDSS DR10), and those that mean that there is no star.
WARNINGS = {
    1: "a fiber on the sky",
    2: "too little wavelength coverage",
    4: "another class or redshift fits nearly as well",
    8: "the best model is negative",
    16: "many outliers",
    32: "the redshift is at the edge of the search range",
    64: "negative emission lines",
    128: "an unplugged fiber",
    256: "bad targeting data",
    512: "no data from the fiber",
}
NO_STAR = 1 | 128 | 512
#: Often set for bright stars of the SDSS spectrograph; alone it rarely indicates an error (SDSS), so it is ignored.
MANY_OUTLIERS = 16


class Remark(NamedTuple):
    """A sentence about a spectrum; ``refuses`` if the result must not be trusted."""

    text: str
    refuses: bool


def quality_remarks(spectrum: Spectrum, prepared: PreparedSpectrum) -> tuple[Remark, ...]:
    """List reasons for caution, the most serious first.

    Parameters
    ----------
    spectrum : Spectrum
        As read.
    prepared : PreparedSpectrum
        Its preparation.

    Returns
    -------
    tuple of Remark
    """
    remarks = [*_kind(spectrum)]
    if abs(prepared.redshift) > MAX_STAR_REDSHIFT:
        remarks.append(
            Remark(f"The redshift, {prepared.redshift:.4g}, is too large for a star: a galaxy or quasar.", True)
        )
    snr, covered = f"{prepared.snr:.1f} per pixel", f"{100 * prepared.covered_fraction:.0f} %"
    if prepared.snr < MIN_SNR:
        remarks.append(Remark(f"Too noisy: S/N {snr}, at least {MIN_SNR:.0f} is needed.", True))
    if prepared.covered_fraction < LEAST_COVERAGE:
        remarks.append(Remark(f"Most of the spectrum is missing: {covered} of 3600-10400 Angstrom is covered.", True))
    remarks += _warnings(int(spectrum.meta.get("zwarning") or 0))
    if MIN_SNR <= prepared.snr < LOW_SNR:
        remarks.append(Remark(f"The signal-to-noise ratio is low: {snr}.", False))
    inside = (spectrum.wavelength >= GRID[0]) & (spectrum.wavelength <= GRID[-1])
    bad = float(np.mean(~spectrum.good[inside])) if inside.any() else 0.0
    if bad > MANY_BAD:
        remarks.append(Remark(f"{100 * bad:.0f} % of the pixels are bad.", False))
    if LEAST_COVERAGE <= prepared.covered_fraction < LOW_COVERAGE:
        remarks.append(Remark(f"Only {covered} of 3600-10400 Angstrom is covered.", False))
    if not spectrum.has_errors:
        remarks.append(Remark("The file gives no errors; the signal-to-noise ratio is an estimate.", False))
    if prepared.redshift_source == "assumed":
        remarks.append(Remark("The velocity is unknown; the spectrum is assumed to be at rest.", False))
    return tuple(remarks)


def _kind(spectrum: Spectrum) -> list[Remark]:
    """Remarks on the classification by the survey, if the object is not an ordinary star."""
    kind = str(spectrum.meta.get("class") or "STAR").strip().upper()
    if kind != "STAR":
        return [Remark(f"The survey classifies this object as {kind}, not as a star.", True)]
    subclass = str(spectrum.meta.get("subclass") or "").strip().upper()
    return [
        Remark(f"The survey classifies this star as {words}, for which there are no models.", True)
        for begin, words in STRANGE_SUBCLASSES.items()
        if subclass.startswith(begin)
    ]


def _warnings(bits: int) -> list[Remark]:
    """Remark on the bits of ZWARNING."""
    if bits <= 0 or bits == MANY_OUTLIERS:
        return []
    words = ", ".join(word for bit, word in WARNINGS.items() if bits & bit) or "an unknown bit"
    if bits & NO_STAR:
        return [Remark(f"According to the survey there is no star in the fiber: {words} (ZWARNING {bits}).", True)]
    return [Remark(f"The survey warns about the redshift and class: {words} (ZWARNING {bits}).", False)]
