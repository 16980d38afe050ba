"""Arrays of the figure of one spectrum, for the page, for print and for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.figures.curves import smooth
from stellar_core.figures.influence import Shading

#: Widths of the running mean, pixels, and the initial one.
SMOOTHING = (1, 3, 7, 15, 31)
DEFAULT_SMOOTHING = 3
#: Weight of a masked pixel of a model, as a share of the largest: a model has no gaps where the data have them.
_MASKED = 1e-6


@dataclass(frozen=True)
class Overlay:
    """A model on the pixels of the spectrum.

    Attributes
    ----------
    key : str
        Stable name, under which the viewer keeps what is shown.
    name : str
        As shown.
    flux : (n_pixel,) float
        In the unit of the spectrum; NaN where the model has no value.
    colour : str
        Field of the palette.
    about : str
        One sentence for people.
    """

    key: str
    name: str
    flux: np.ndarray
    colour: str = "accent"
    about: str = ""


@dataclass(frozen=True)
class SpectrumView:
    """Everything that the figure of one spectrum shows.

    Attributes
    ----------
    name : str
        Name of the star, "MOCK" in front for stars of the MOCK survey.
    wavelength : (n_pixel,) float64
        Vacuum wavelength as observed, Angstrom.
    flux, ivar : (n_pixel,) float64
        Flux density and inverse variance; ``ivar`` 0 marks a bad pixel.
    redshift : float
        Redshift of the star.
    flux_title : str
        Title of the flux axis, with its unit.
    has_errors : bool
        False where the errors were estimated from the scatter.
    lines, sky : sequence of (wavelength, label)
        Vacuum wavelengths, Angstrom: lines of the star at rest, features of the night sky as observed.
    filler : sequence of (low, high)
        Unobserved rest-frame ranges, filled for the network, Angstrom.
    overlays : sequence of Overlay
        Models; the residuals of the first are drawn.
    shadings : sequence of Shading
        Effect of hiding each range of wavelength, one for each quantity.
    """

    name: str
    wavelength: np.ndarray
    flux: np.ndarray
    ivar: np.ndarray
    redshift: float = 0.0
    flux_title: str = "Flux"
    has_errors: bool = True
    lines: Sequence[tuple[float, str]] = ()
    sky: Sequence[tuple[float, str]] = ()
    filler: Sequence[tuple[float, float]] = ()
    overlays: Sequence[Overlay] = ()
    shadings: Sequence[Shading] = ()

    @property
    def rest(self) -> np.ndarray:
        """(n_pixel,) float64: vacuum wavelength at rest, Angstrom."""
        return np.asarray(self.wavelength, float) / (1.0 + self.redshift)

    @property
    def gaps(self) -> list[tuple[float, float]]:
        """Unobserved ranges between observed ones; what lies outside the spectrum is left out."""
        rest = self.rest
        return [(low, high) for low, high in self.filler if rest[0] < low and high < rest[-1]]

    def curve(self, width: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Running mean of the flux and its error, (n_pixel,) float32 each; NaN where masked."""
        return smooth(self.flux, self.ivar, width)

    def overlay_curve(self, overlay: Overlay, width: int = 1) -> np.ndarray:
        """Running mean of a model with the weights of the data, (n_pixel,) float32."""
        known = np.isfinite(overlay.flux)
        weight = np.where(known, np.maximum(self.ivar, _MASKED * self.ivar.max()), 0.0)
        return smooth(np.where(known, overlay.flux, 0.0), weight, width)[0]

    def residual(self, overlay: Overlay, width: int = 1) -> np.ndarray:
        """(data - model) / error after the running mean of both, (n_pixel,) float32; NaN where masked."""
        flux, error = self.curve(width)
        return (flux - self.overlay_curve(overlay, width)) / error
