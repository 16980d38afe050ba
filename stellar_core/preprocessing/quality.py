"""What a user should know before trusting a result, in words."""

from __future__ import annotations

import numpy as np

from stellar_core.preprocessing.spectra import GRID, MAX_STAR_REDSHIFT, PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Median signal-to-noise ratio per pixel under which a spectrum is called noisy.
LOW_SNR = 10.0
#: Share of bad pixels above which it is mentioned.
MANY_BAD = 0.1
#: Share of the grid under which coverage is mentioned; SDSS's own spectrograph covers 0.79.
LOW_COVERAGE = 0.7


def quality_messages(spectrum: Spectrum, prepared: PreparedSpectrum) -> tuple[str, ...]:
    """Reasons for caution, the gravest first; empty where there are none.

    Parameters
    ----------
    spectrum : Spectrum
        As read.
    prepared : PreparedSpectrum
        Made of it.

    Returns
    -------
    tuple of str
        One sentence each.
    """
    messages = []
    kind = str(spectrum.meta.get("class", "STAR")).upper()
    if kind != "STAR":
        messages.append(f"The survey classifies this object as {kind}, not as a star.")
    if abs(prepared.redshift) > MAX_STAR_REDSHIFT:
        messages.append(f"The redshift, {prepared.redshift:.4g}, is not that of a star.")
    if spectrum.meta.get("zwarning"):
        messages.append(f"The survey warns about its redshift and class (ZWARNING {spectrum.meta['zwarning']}).")
    if prepared.snr < LOW_SNR:
        messages.append(f"The signal-to-noise ratio is low: {prepared.snr:.1f} per pixel.")
    inside = (spectrum.wavelength >= GRID[0]) & (spectrum.wavelength <= GRID[-1])
    bad = float(np.mean(~spectrum.good[inside])) if inside.any() else 0.0
    if bad > MANY_BAD:
        messages.append(f"{100 * bad:.0f} % of the pixels are bad.")
    if prepared.covered_fraction < LOW_COVERAGE:
        messages.append(f"Only {100 * prepared.covered_fraction:.0f} % of 3600-10400 Angstrom is covered.")
    if not spectrum.has_errors:
        messages.append("The file gives no errors; the signal-to-noise ratio is an estimate.")
    if prepared.redshift_source == "assumed":
        messages.append("The velocity is unknown; the spectrum was taken to be at rest.")
    return tuple(messages)
