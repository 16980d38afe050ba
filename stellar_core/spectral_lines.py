"""Spectral lines of stars, features of the sky, and the refraction of air."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Wavelength (A) below which air and vacuum wavelengths are equal by convention.
AIR_LIMIT = 2000.0


@dataclass(frozen=True)
class Line:
    """A line or band.

    Attributes
    ----------
    label : str
        Short name for plots.
    wavelength : float
        Vacuum wavelength in Angstrom: in the star's rest frame, or in the observed frame for the sky.
    species : str
        Absorber or emitter: an ion, a molecule, or "sky".
    """

    label: str
    wavelength: float
    species: str


@dataclass(frozen=True)
class Region:
    """Range of wavelengths around a feature, wide enough for its continuum.

    Attributes
    ----------
    label : str
        Short name for buttons.
    low, high : float
        Vacuum wavelengths in the star's rest frame, Angstrom.
    """

    label: str
    low: float
    high: float


#: Stellar lines in the optical, rest frame, in order of wavelength (NIST and SDSS values, vacuum).
STELLAR_LINES: tuple[Line, ...] = (
    Line("Ca II K", 3934.777, "Ca II"),
    Line("Ca II H", 3969.592, "Ca II"),
    Line("Hδ", 4102.892, "H I"),
    Line("Ca I", 4227.918, "Ca I"),
    Line("CH G", 4305.6, "CH"),
    Line("Hγ", 4341.684, "H I"),
    Line("Hβ", 4862.683, "H I"),
    Line("Mg b", 5168.761, "Mg I"),
    Line("Mg b", 5174.125, "Mg I"),
    Line("Mg b", 5185.048, "Mg I"),
    Line("Na D", 5891.583, "Na I"),
    Line("Na D", 5897.558, "Na I"),
    Line("Hα", 6564.613, "H I"),
    Line("Li I", 6709.682, "Li I"),
    Line("TiO", 7054.9, "TiO"),
    Line("K I", 7667.009, "K I"),
    Line("K I", 7701.084, "K I"),
    Line("Na I", 8185.506, "Na I"),
    Line("Na I", 8197.073, "Na I"),
    Line("Ca II T", 8500.355, "Ca II"),
    Line("Ca II T", 8544.437, "Ca II"),
    Line("Ca II T", 8664.519, "Ca II"),
    Line("Pa12", 8752.873, "H I"),
    Line("Pa11", 8865.214, "H I"),
)

#: Features of the night sky and the Earth's atmosphere: in the observed frame, never shifted.
SKY_LINES: tuple[Line, ...] = (
    Line("[O I] sky", 5578.888, "sky"),
    Line("[O I] sky", 6302.046, "sky"),
    Line("O₂ B band", 6869.0, "sky"),
    Line("O₂ A band", 7596.0, "sky"),
)

#: Features that observers look at first, in order of wavelength.
REGIONS: tuple[Region, ...] = (
    Region("Ca H K", 3900.0, 4010.0),
    Region("G band", 4250.0, 4360.0),
    Region("Mg b", 5110.0, 5240.0),
    Region("Na D", 5850.0, 5940.0),
    Region("Hα", 6500.0, 6630.0),
    Region("Ca triplet", 8450.0, 8720.0),
)

#: Features without a line of `STELLAR_LINES`, mostly the bands of the Lick indices (Worthey et al. 1994; Trager et al.
#: 1998), moved to vacuum; for naming ranges.
FEATURES: tuple[Region, ...] = (
    Region("H9, H10", 3765.0, 3840.0),
    Region("CN", 4143.0, 4178.0),
    Region("Fe 4383", 4370.0, 4422.0),
    Region("Ca 4455", 4453.0, 4476.0),
    Region("Fe 4531", 4515.0, 4561.0),
    Region("C₂ 4668", 4635.0, 4722.0),
    Region("Fe 5015", 4979.0, 5056.0),
    Region("MgH", 5070.0, 5136.0),
    Region("Fe 5270", 5247.0, 5287.0),
    Region("Fe 5335", 5314.0, 5354.0),
    Region("Fe 5406", 5389.0, 5416.0),
    Region("Fe 5709", 5698.0, 5722.0),
    Region("Fe 5782", 5778.0, 5798.0),
    Region("TiO", 5938.0, 5996.0),
    Region("TiO", 6191.0, 6274.0),
    Region("CaH, TiO", 6816.0, 6848.0),
)


def refractive_index(wavelength_vacuum: np.ndarray) -> np.ndarray:
    """Refractive index of standard air (Birch & Downs 1994, Metrologia 31, 315; form of Morton 2000).

    Parameters
    ----------
    wavelength_vacuum : array_like
        Vacuum wavelength, Angstrom.

    Returns
    -------
    ndarray of float64
        1 at and below `AIR_LIMIT`.
    """
    wavelength = np.asarray(wavelength_vacuum, dtype=np.float64)
    squared = (1e4 / np.maximum(wavelength, AIR_LIMIT)) ** 2
    excess = 8.34254e-5 + 0.02406147 / (130.0 - squared) + 0.00015998 / (38.9 - squared)
    return np.where(wavelength > AIR_LIMIT, 1.0 + excess, 1.0)


def vacuum_to_air(wavelength: np.ndarray) -> np.ndarray:
    """Air wavelength of a vacuum wavelength, both in Angstrom."""
    return np.asarray(wavelength, dtype=np.float64) / refractive_index(wavelength)


def air_to_vacuum(wavelength: np.ndarray) -> np.ndarray:
    """Vacuum wavelength of an air wavelength, both in Angstrom: the inverse of `vacuum_to_air`.

    The index is a function of the vacuum wavelength, so it is found by iteration; after three
    steps the error is below 1e-9 Angstrom.
    """
    air = np.asarray(wavelength, dtype=np.float64)
    vacuum = air
    for _ in range(3):
        vacuum = air * refractive_index(vacuum)
    return vacuum
