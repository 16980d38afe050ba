"""Residuals of calibration, sky, atmosphere, interstellar gas and detector, drawn as in real files."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.mock.spectrograph import SKY_RANGES, SPIKE_HALF
from stellar_core.mock.streams import StarStreams, row_products

#: Interstellar lines (vacuum, Angstrom) and their equivalent widths over that of Na D2 + D1:
#: Na D2, D1 (ratio 1.5), Ca K, H (ratio 1.8; Ca K about as strong as D2 at high latitude).
INTERSTELLAR = ((5891.58, 0.60), (5897.56, 0.40), (3934.78, 0.45), (3969.59, 0.25))
#: Mean E(B-V) of the gas in front, mag, drawn from an exponential; Na D's equivalent width follows
#: Poznanski et al. (2012, MNRAS 426, 1465, eq. 9): log10 E(B-V) = 1.17 EW - 1.85.
MEAN_DUST = 0.04
#: Velocity of the gas, 1 sigma, km/s.
GAS_VELOCITY = 20.0
#: Largest shift, in pixels, of spikes and bumps from their position in real files.
MOVE = 100


@dataclass(frozen=True)
class Residuals:
    """Tables of one instrument, measured by `stellar_core.mock.fit.residuals`.

    Attributes
    ----------
    calibration : (4, n_node)
        Smooth errors of the flux calibration, ln(flux), 1 sigma each.
    telluric, telluric_components : (n_pixel,), (10, n_pixel)
        Flux over model minus 1 in the telluric bands: mean, and components, 1 sigma each.
    scale_components : (2, n_node)
        Components of ln(scatter over ``ivar``) between files, 1 sigma each.
    filter : (4, n_node)
        Moving average of white noise with the autocorrelation of real noise, unit variance.
    ripple, ripple_spread : (n_node,), (1,)
        Scatter of ln(sigma) over a few pixels, and the scatter of its logarithm between files.
    sky_gains : (n_file, 7)
        Residual fraction of the sky lines of each file, in each of `SKY_RANGES`.
    spike_counts, spikes : (n_file,), (n_spike, 6)
        Number of spikes of each file; first pixel and heights over sigma of each.
    bump_counts, bumps : (n_file,), (n_bump, 6)
        The same for bumps of ln(sigma), where an exposure was rejected.
    """

    calibration: np.ndarray = field(repr=False)
    telluric: np.ndarray = field(repr=False)
    telluric_components: np.ndarray = field(repr=False)
    scale_components: np.ndarray = field(repr=False)
    filter: np.ndarray = field(repr=False)
    ripple: np.ndarray = field(repr=False)
    ripple_spread: np.ndarray = field(repr=False)
    sky_gains: np.ndarray = field(repr=False)
    spike_counts: np.ndarray = field(repr=False)
    spikes: np.ndarray = field(repr=False)
    bump_counts: np.ndarray = field(repr=False)
    bumps: np.ndarray = field(repr=False)

    def transmission(self, n: int, use: slice, hats: np.ndarray, rng: np.random.Generator | StarStreams) -> np.ndarray:
        """(n, p) float32 factors of the flux: calibration errors and telluric bands."""
        smooth = row_products(_normal(n, len(self.calibration), rng), self.calibration)
        factor = row_products(smooth, hats)
        factor += self.telluric[use]
        factor += row_products(_normal(n, len(self.telluric_components), rng), self.telluric_components[:, use])
        factor += 1.0
        return factor

    def noise(self, n: int, hats: np.ndarray, rng: np.random.Generator | StarStreams) -> tuple[np.ndarray, np.ndarray]:
        """Noise in units of ``ivar``'s, before its mean scale, and ripples of ln(sigma); (n, p) float32 each."""
        taps = row_products(self.filter, hats)
        # The measured scale is that of differences two pixels away: var = s^2 (1.5 - 2 r_2).
        taps /= np.sqrt(np.sum(taps**2, axis=0) - (taps[0] * taps[2] + taps[1] * taps[3]) / 0.75)
        size, reach = hats.shape[1], len(taps) - 1
        white = rng.standard_normal((n, size + reach), dtype=np.float32)
        out = taps[0].astype(np.float32) * white[:, reach:]
        for lag in range(1, reach + 1):
            out += taps[lag].astype(np.float32) * white[:, reach - lag : reach - lag + size]
        scale = row_products(_normal(n, len(self.scale_components), rng), self.scale_components)
        out *= np.exp(row_products(scale, hats))
        return out, self._ripples(white[:, ::-1], hats, rng)

    def _ripples(self, white: np.ndarray, hats: np.ndarray, rng: np.random.Generator | StarStreams) -> np.ndarray:
        """Ripples from (n, p + 3) white noise: the reversed noise of the flux serves as independent numbers."""
        n, size = len(white), hats.shape[1]
        # Correlations of 0.8, 0.4 and 0.1 at one, two and three pixels; real ripples have 0.73, 0.38 and 0.1.
        smooth = white[:, 1 : size + 1] + white[:, 2 : size + 2]
        smooth += np.float32(0.5) * (white[:, :size] + white[:, 3 : size + 3])
        smooth *= row_products(self.ripple[None], hats) / np.float32(np.sqrt(2.5))
        return smooth * np.exp(self.ripple_spread * _normal(n, 1, rng))

    def sky_left(self, n: int, wavelength: np.ndarray, rng: np.random.Generator | StarStreams) -> np.ndarray:
        """(n, p) float32 residual fraction of the sky lines."""
        row = rng.integers(len(self.sky_gains), size=n)
        sign = np.where(rng.random(n) < 0.5, np.float32(-1), np.float32(1))
        gains = (self.sky_gains[row] * sign[:, None]).astype(np.float32)
        out = np.zeros((n, wavelength.size), np.float32)
        for index, (low, high) in enumerate(SKY_RANGES):
            out[:, np.searchsorted(wavelength, low) : np.searchsorted(wavelength, high)] = gains[:, index : index + 1]
        return out

    def add_spikes(self, noise: np.ndarray, first: int, rng: np.random.Generator | StarStreams) -> None:
        """Add spikes to ``noise`` (n, p), in sigma; ``first`` is its first pixel on the common grid."""
        _add(noise, self.spike_counts, self.spikes, first, rng)

    def add_bumps(self, ripple: np.ndarray, first: int, rng: np.random.Generator | StarStreams) -> None:
        """Add bumps to ``ripple`` (n, p), ln(sigma); ``first`` as in `add_spikes`."""
        _add(ripple, self.bump_counts, self.bumps, first, rng)


def _add(
    out: np.ndarray, per_file: np.ndarray, table: np.ndarray, first: int, rng: np.random.Generator | StarStreams
) -> None:
    """Add entries of ``table`` to ``out`` (n, p): as many as a real file has, moved by up to `MOVE` pixels."""
    n, most = len(out), int(per_file.max(initial=0))
    if not most:
        return
    counts = per_file[rng.integers(len(per_file), size=n)]
    chosen = table[rng.integers(len(table), size=(n, most))]
    place = chosen[:, :, 0].astype(int) - first + rng.integers(-MOVE, MOVE + 1, size=(n, most))
    star, which = np.nonzero(np.arange(most) < counts[:, None])
    for step in range(2 * SPIKE_HALF + 1):
        pixel, height = place[star, which] + step, chosen[star, which, 1 + step]
        inside = (pixel >= 0) & (pixel < out.shape[1])
        np.add.at(out, (star[inside], pixel[inside]), height[inside])


def _normal(n: int, count: int, rng: np.random.Generator | StarStreams) -> np.ndarray:
    """(n, count) float32 standard normal numbers, never beyond 3."""
    return np.clip(rng.standard_normal((n, count)), -3.0, 3.0).astype(np.float32)


def interstellar(
    n: int, wavelength: np.ndarray, wdisp: np.ndarray, rng: np.random.Generator | StarStreams
) -> list[tuple[slice, np.ndarray]]:
    """Absorption factors (n, k) around each interstellar line of n stars, with the slice of pixels each is for.

    Parameters
    ----------
    n : int
    wavelength : (p,) float64, Angstrom, observed
    wdisp : (n, p) float32
        Line spread, standard deviation in pixels.
    rng : numpy.random.Generator or StarStreams
    """
    dust = rng.exponential(MEAN_DUST, n)
    width = np.clip((np.log10(np.maximum(dust, 1e-3)) + 1.85) / 1.17, 0.0, 1.5)
    shift = 1.0 + GAS_VELOCITY * rng.standard_normal(n) / SPEED_OF_LIGHT
    out = []
    for centre, share in INTERSTELLAR:
        middle = int(np.searchsorted(wavelength, centre))
        if not 12 < middle < wavelength.size - 12:
            continue
        near = slice(middle - 12, middle + 12)
        step = wavelength[middle] - wavelength[middle - 1]
        sigma = wdisp[:, middle : middle + 1] * step
        x = (wavelength[None, near] - centre * shift[:, None]) / sigma
        depth = (share * width)[:, None] / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * x**2)
        out.append((near, (1.0 - np.minimum(depth, 0.9)).astype(np.float32)))
    return out
