"""Identify why a library spectrum differs from its emulation.

Each test tries one correction that would bring the residual to its usual size: another radial velocity, the labels
of another star, the light of a second star; or looks for emission, carbon or noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stellar_core.mock.fit.held_out import star_key
from stellar_core.mock.fit.library_velocity import VELOCITY_RANGE, velocity
from stellar_core.mock.held_out import LINES
from stellar_core.preprocessing.grid import GRID

#: Smallest velocity that counts as an error of the spectrum, km/s.
SMALLEST_VELOCITY = 25.0
#: Fraction of the RMS that a correction must remove to be named; and for a second star.
CURED, CURED_BY_TWO = 0.30, 0.45


@dataclass(frozen=True)
class OutlierDiagnosis:
    """Spectra of a library with their held-out emulation; arguments as `stellar_core.mock.fit.held_out.measure`."""

    source: np.ndarray
    name: np.ndarray
    labels: np.ndarray
    observed: np.ndarray
    emulated: np.ndarray
    weight: np.ndarray
    outlier: np.ndarray

    @cached_property
    def key(self) -> np.ndarray:
        """(n,) str: names, equal for all spectra of a star."""
        return np.array([star_key(one) for one in self.name])

    @cached_property
    def good(self) -> np.ndarray:
        """Rows of spectra other than outliers."""
        return np.flatnonzero(~self.outlier)

    def reasons(self) -> dict[str, str]:
        """A sentence for each outlier, by library and name."""
        sentences = {}
        for row in np.flatnonzero(self.outlier):
            teff, logg, feh = self.labels[row]
            sentences[f"{self.source[row]} {self.key[row]}"] = (
                f"{teff:.0f} K, {logg:.1f}, {feh:+.1f}: RMS {self.rms(row):.3f}; {'; '.join(self.clauses(int(row)))}"
            )
        return dict(sorted(sentences.items()))

    def rms(self, row: int, other: int | None = None) -> float:
        """RMS over 3850-7350 A between spectrum ``row`` and its emulation, or that of ``other``."""
        window = _window(LINES)
        kept = self.weight[row, window] > 0
        return _rms(self.observed[row, window] - self.emulated[row if other is None else other, window], kept)

    def clauses(self, row: int) -> list[str]:
        """First cause that explains spectrum ``row``, and the comparison with the same star in another library."""
        causes = (self._velocity, self._labels, self._companion, self._emission, self._carbon, self._noise)
        cause = next((text for text in (test(row) for test in causes) if text), None)
        twin = self._twin(row)
        return [text for text in (cause, twin) if text] or [self._place(row)]

    def _velocity(self, row: int) -> str:
        window = _window(VELOCITY_RANGE)
        speed, fitted = velocity(self.observed[row], self.emulated[row], self.weight[row] > 0)
        before = _rms((self.observed[row] - self.emulated[row])[window], self.weight[row, window] > 0)
        found = abs(speed) > SMALLEST_VELOCITY and fitted < (1 - CURED) * before
        return f"lies {speed:+.0f} km/s off: {fitted:.3f} at that velocity" if found else ""

    def _labels(self, row: int) -> str:
        rms = self._against(row)
        best = int(rms.argmin())
        if rms[best] > (1 - CURED) * self.rms(row) or self._pair(row)[0] < 0.7 * rms[best]:
            return ""
        teff, logg, feh = self.labels[self.good[best]]
        return f"looks like a star of {teff:.0f} K, log g {logg:.1f}, [Fe/H] {feh:+.1f}: {rms[best]:.3f} there"

    def _companion(self, row: int) -> str:
        rms, first, second = self._pair(row)
        if rms > (1 - CURED_BY_TWO) * self.rms(row):
            return ""
        pair = sorted((float(self.labels[first, 0]), float(self.labels[second, 0])))
        return f"light of two stars, of {pair[0]:.0f} and {pair[1]:.0f} K, fits: {rms:.3f}"

    def _emission(self, row: int) -> str:
        rise = float((self.observed[row] - self.emulated[row])[np.abs(GRID - 6564.6) < 4].mean())
        return (
            f"H alpha filled in or in emission, {rise:.2f} of the continuum above a normal star" if rise > 0.15 else ""
        )

    def _carbon(self, row: int) -> str:
        left = self.observed[row] - self.emulated[row]
        depth = float(left[_window((5170, 5250))].mean() - left[_window((5080, 5165))].mean())
        return f"C2 band at 5165 A, {depth:.2f} deeper than in a normal star: carbon" if depth > 0.08 else ""

    def _noise(self, row: int) -> str:
        window = _window(LINES)
        kept = self.weight[row, window] > 0
        noisy = _rough(self.observed[row, window], kept) > 1.8 * _rough(self.emulated[row, window], kept)
        return "noisy: it scatters from pixel to pixel far more than a line spectrum can" if noisy else ""

    def _twin(self, row: int) -> str:
        for twin in np.flatnonzero((self.key == self.key[row]) & (np.arange(len(self.key)) != row)):
            if (self.weight[twin, _window(LINES)] > 0).sum() >= 800:
                there = self.rms(twin)
                verdict = (
                    "fits, so this spectrum is at fault"
                    if there < 0.5 * self.rms(row)
                    else "is as far off, so the star is"
                )
                return f"the same star in {self.source[twin]} {verdict} ({there:.3f})"
        return ""

    def _place(self, row: int) -> str:
        """Location of the misfit: the 200 A with the largest fraction of it."""
        window = _window(LINES)
        left = (self.observed[row] - self.emulated[row])[window].astype(float)
        squared = np.where(self.weight[row, window] > 0, left**2, 0.0)
        windows = np.convolve(squared, np.ones(200), mode="valid")
        share, centre = windows.max() / squared.sum(), LINES[0] + windows.argmax() + 100
        where = f"{share:.0%} of the misfit within 100 A of {centre} A" if share > 0.4 else "misfit at all wavelengths"
        return f"no single cause seen; {where}"

    def _against(self, row: int) -> np.ndarray:
        """RMS of spectrum ``row`` against the emulation of every good star."""
        window = _window(LINES)
        kept = self.weight[row, window] > 0
        left = self.emulated[self.good, window] - self.observed[row, window]
        return np.sqrt((left**2 * kept).sum(axis=1) / max(kept.sum(), 1))

    def _pair(self, row: int) -> tuple[float, int, int]:
        """Best sum of two stars whose shares are parabolas in wavelength: RMS and the two rows.

        The first star is one of the ten nearest alone, or the star itself.
        """
        pixels = np.arange(*(int(edge - GRID[0]) for edge in LINES), 6)
        pixels = pixels[self.weight[row, pixels] > 0]
        wavelength = (GRID[pixels] - 5600.0) / 1750.0
        firsts = [row, *self.good[np.argsort(self._against(row))[:10]]]
        best = (np.inf, row, row)
        for first in firsts:
            left = (self.observed[row] - self.emulated[first])[pixels].astype(float)
            change = (self.emulated[self.good][:, pixels] - self.emulated[first, pixels]).astype(float)
            rms = _share_fit(change, wavelength, left)
            if rms.min() < best[0]:
                best = (float(rms.min()), int(first), int(self.good[rms.argmin()]))
        return best


def _share_fit(change: np.ndarray, x: np.ndarray, left: np.ndarray) -> np.ndarray:
    """RMS (m,) left after fitting (a + b x + c x^2) change to ``left``, for each row of ``change`` (m, n).

    Infinite where the share leaves 0-1 at either end or in the middle of -1 <= x <= 1.
    """
    powers = np.stack([np.ones_like(x), x, x**2])  # (3, n)
    squares = change**2 @ (powers[:, None] * powers).reshape(9, -1).T  # (m, 9)
    gram = squares.reshape(-1, 3, 3) + 1e-9 * np.eye(3)
    right = (change * left) @ powers.T  # (m, 3)
    terms = np.linalg.solve(gram, right[..., None])[..., 0]
    squared = (left**2).sum() - (terms * right).sum(axis=1)
    share = terms @ np.array([[1.0, 1.0, 1.0], [-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]])
    physical = (share > -0.05).all(axis=1) & (share < 1.05).all(axis=1)
    return np.where(physical, np.sqrt(np.maximum(squared, 0.0) / left.size), np.inf)


def _window(span: tuple[float, float]) -> slice:
    return slice(int(span[0] - GRID[0]), int(span[1] - GRID[0]))


def _rms(values: np.ndarray, kept: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values[kept] ** 2)))


def _rough(spectrum: np.ndarray, kept: np.ndarray) -> float:
    """Scatter from pixel to pixel: about a Gaussian of 1.5 A."""
    from scipy.ndimage import gaussian_filter1d

    return _rms(spectrum - gaussian_filter1d(spectrum, 1.5), kept)
