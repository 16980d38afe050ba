"""Which wavelengths an answer leans on: hide one range after another and ask the network again.

What is hidden counts as not observed, as at the ends of every spectrum, so the network knows how to
do without it. A range may matter little because its neighbours say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.inference.base import Estimator
from stellar_core.inference.mc_dropout import QUANTITIES
from stellar_core.inference.result import Result
from stellar_core.preprocessing.features import features
from stellar_core.preprocessing.spectra import FILLER, GRID, PreparedSpectrum
from stellar_core.spectrum import Spectrum

#: Width of a range, Angstrom, and the limits of what makes sense.
WIDTH, WIDTHS = 120, (20, 1000)


@dataclass(frozen=True)
class Influence:
    """What hiding each range does to an answer.

    Attributes
    ----------
    edges : (n_range, 2) float
        First and last rest wavelength of each range of which something was observed, Angstrom.
    shift : mapping of str to (n_range,) float
        By which the mean of each of `QUANTITIES` moves when the range is hidden: K, dex, dex, log10(yr), log10(yr).
    error : mapping of str to float
        Standard deviation of the answer itself, same units.
    widening : (n_range,) float or None
        By which part the standard deviation of log age grows, 0.1 for a tenth; None for networks whose width does
        not hang on the spectrum.
    """

    edges: np.ndarray
    shift: Mapping[str, np.ndarray]
    error: Mapping[str, float]
    widening: np.ndarray | None

    def strongest(self, quantity: str) -> int:
        """Index of the range whose hiding moves ``quantity`` the most."""
        return int(np.abs(self.shift[quantity]).argmax())


def hidden(
    prepared: PreparedSpectrum, width: int = WIDTH
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The spectrum whole, then with one range after another not observed.

    Parameters
    ----------
    prepared : PreparedSpectrum
        With ``ivar``.
    width : int
        Of a range, Angstrom.

    Returns
    -------
    edges : (n_range, 2) float
        As in `Influence`.
    arrays : flux, coverage, ivar, each (1 + n_range, 6800)
    """
    starts = [start for start in range(0, GRID.size, width) if prepared.coverage[start : start + width].any()]
    stops = [min(start + width, GRID.size) for start in starts]
    flux, coverage, ivar = (
        np.repeat(getattr(prepared, name)[None], len(starts) + 1, axis=0) for name in ("flux", "coverage", "ivar")
    )
    for row, (start, stop) in enumerate(zip(starts, stops), 1):
        flux[row, start:stop], coverage[row, start:stop], ivar[row, start:stop] = FILLER, False, 0.0
    return np.column_stack([GRID[starts], GRID[np.array(stops) - 1]]), (flux, coverage, ivar)


def influence(estimator: Estimator, spectrum: Spectrum, result: Result, width: int = WIDTH) -> Influence:
    """How far each range of a spectrum holds its answer.

    Parameters
    ----------
    estimator : Estimator
    spectrum : Spectrum
    result : Result
        What ``estimator`` said of it.
    width : int
        Of a range, Angstrom.

    Raises
    ------
    ParameterError
        If ``width`` is out of range, or the network reads no spectrum.
    SpectrumError
        If the spectrum cannot be prepared.
    """
    if not WIDTHS[0] <= width <= WIDTHS[1]:
        raise ParameterError(f"A range is {WIDTHS[0]} to {WIDTHS[1]} Å wide; got {width}.", value=width)
    if not estimator.reads_spectrum:
        raise ParameterError(
            f"The model {estimator.name} reads no spectrum, so none of its wavelengths matters.", value=estimator.name
        )
    prepared = estimator.prepare(spectrum)
    edges, arrays = hidden(prepared, width)
    inputs = features(spectrum.photometry if estimator.reads_photometry(spectrum) else None)
    n = len(edges) + 1
    mean, std = estimator.moments(*arrays, np.repeat(inputs[None], n, axis=0), np.full(n, prepared.snr))
    age = QUANTITIES.index("log_age")
    return Influence(
        edges=edges,
        shift={name: mean[1:, column] - mean[0, column] for column, name in enumerate(QUANTITIES)},
        error={name: getattr(result, name).std for name in QUANTITIES},
        widening=None if std is None else std[1:, age] / std[0, age] - 1.0,
    )
