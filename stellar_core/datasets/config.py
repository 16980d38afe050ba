"""Settings of the MOCK stars that networks are trained, calibrated and tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stellar_core.constants import SSPP_ERRORS
from stellar_core.errors import ParameterError
from stellar_core.sdss.quality_cuts import QualityCuts

#: Allowed values of the settings that are words.
CHOICES = {"pipeline": ("independent", "spectroscopic"), "look_up": ("nearest", "interpolated")}


@dataclass(frozen=True)
class DataConfig:
    """MOCK stars for training, calibration and test.

    Attributes
    ----------
    stars, calibration, test : int
        Numbers of stars drawn; the three sets have separate seeds and share no star.
    seed : int
        Seed of everything drawn.
    balanced : float
        Share of training stars drawn evenly over the Kiel diagram instead of as a survey selects
        them; calibration and test stars are all as a survey selects them.
    snr : (float, float)
        Range of the S/N per pixel, log-uniform.
    boss : float
        Share observed with the BOSS spectrograph, the rest with SDSS's.
    velocity_error : float
        Standard deviation of the velocity error left in the rest frame, km/s; five times that for one star in ten.
    dusty : float
        Share of stars with additional extinction, E(B-V) exponential with mean 0.15 mag.
    missing_stretch : float
        Share of stars without data over a random range of 300 to 2500 A.
    spp_errors : (float, float, float)
        Errors of the independent pipeline's Teff [K], log g, [Fe/H] [dex].
    teacher_errors : (float, float, float)
        Errors of the reference atmosphere that Model 9 is trained on, K, dex, dex; so small against
        the errors of a spectroscopic measurement that they hardly broaden the posterior.
    pipeline : {"independent", "spectroscopic"}
        Parameters that labels are made from: the true ones with random errors ``spp_errors``, which no spectrum shows;
        or estimates from the same spectrum and colours, as the SSPP's (`stellar_core.mock.pipeline`). The stars, their
        spectra and photometry are the same, without the few that the spectroscopic pipeline gives no parameters for.
    look_up : {"nearest", "interpolated"}
        Labels from the pipeline's parameters: the nearest point of the tracks, or ages and masses interpolated
        between isochrones; see `stellar_core.isochrones.LOOK_UPS`.
    """

    stars: int = 56_000
    calibration: int = 2_500
    test: int = 2_000
    seed: int = 1
    balanced: float = 0.5
    snr: tuple[float, float] = (5.0, 80.0)
    boss: float = 0.3
    velocity_error: float = 10.0
    dusty: float = 0.2
    missing_stretch: float = 0.1
    spp_errors: tuple[float, float, float] = SSPP_ERRORS
    teacher_errors: tuple[float, float, float] = (25.0, 0.05, 0.03)
    pipeline: str = "independent"
    look_up: str = "nearest"

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"The {name} must be one of {', '.join(allowed)}; got {getattr(self, name)!r}.",
                    value=getattr(self, name),
                )
        if min(self.stars, self.calibration, self.test) < 100:
            raise ParameterError("A run needs at least 100 stars each for training, calibration and test.")
        if not 0 < self.snr[0] <= self.snr[1]:
            raise ParameterError(f"The S/N range must be positive and ascending; got {self.snr}.")

    @classmethod
    def paper(cls, **changes: object) -> DataConfig:
        """Return the paper's sample, with ``changes`` to any field.

        Stars as a survey selects them, S/N from the paper's cut to the brightest stars of a plate, without the
        additional dust and gaps of our training stars; labels by interpolation from parameters that are measured on
        the same spectra, as SSPP's are.
        """
        preset = {
            "balanced": 0.0,
            "snr": (QualityCuts().sn_median, 80.0),
            "dusty": 0.0,
            "missing_stretch": 0.0,
            "pipeline": "spectroscopic",
            "look_up": "interpolated",
        }
        return cls(**{**preset, **changes})

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> DataConfig:
        """Make settings from plain values, as on a model's card."""
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
