"""What a training run is made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.models.zoo import ModelConfig

#: Weights of the age, lifetime and stage losses of the paper's Phase III (section 4.3).
SETUPS = {"A": (0.5, 0.4, 0.1), "B": (0.4, 0.4, 0.2), "C": (0.35, 0.35, 0.3)}


@dataclass(frozen=True)
class DataConfig:
    """The mock stars that a network is trained, calibrated and tested on.

    Attributes
    ----------
    stars, calibration, test : int
        Numbers of stars; the three sets come from separate seeds and never mix.
    seed : int
        Seed of everything drawn.
    balanced : float
        Share of training stars drawn evenly over the diagram rather than as a survey finds
        them; calibration and test stars are all as a survey finds them.
    snr : (float, float)
        Range of the S/N per pixel, log-uniform.
    boss : float
        Share observed with the BOSS spectrograph, the rest with SDSS's.
    velocity_error : float
        Standard deviation of the error left in the rest frame, km/s; one star in ten has five times it.
    dusty : float
        Share of stars behind extra dust, E(B-V) exponential with mean 0.15 mag.
    missing_stretch : float
        Share of stars that lose a stretch of 300 to 2500 A.
    spp_errors : (float, float, float)
        Errors of the mock pipeline's Teff [K], log g, [Fe/H] [dex], from which labels are made.
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
    spp_errors: tuple[float, float, float] = (75.0, 0.20, 0.10)

    def __post_init__(self) -> None:
        if min(self.stars, self.calibration, self.test) < 100:
            raise ParameterError("A run needs at least 100 stars to train, to calibrate and to test on.")
        if not 0 < self.snr[0] <= self.snr[1]:
            raise ParameterError(f"The S/N range must be positive and ascending; got {self.snr}.")


@dataclass(frozen=True)
class TrainingConfig:
    """One run.

    Attributes
    ----------
    name : str
        Folder under ``trained/``.
    setup : {"A", "B", "C"}
        The paper's loss weights.
    atmosphere_weight : float
        Weight of the added loss on Teff, log g, [Fe/H] (mean squared error in units of
        1000 K, 1 dex, 0.7 dex).
    epochs, batch : int
    learning_rate, weight_decay : float
        Of AdamW; the weight decay is the paper's, the rate rises for a twentieth of the run
        and falls as a cosine. The paper's preset is 1e-5 with ReduceLROnPlateau.
    photometry_dropout : float
        Share of stars shown without photometry, so that spectra alone can be answered.
    average : float
        Decay of the running average of the weights that is kept as the result.
    seed : int
        Seed of initial weights, order and dropout.
    """

    name: str = "paper-setup-a"
    setup: str = "A"
    atmosphere_weight: float = 1.0
    epochs: int = 6
    batch: int = 64
    learning_rate: float = 7e-4
    weight_decay: float = 1e-2
    photometry_dropout: float = 0.5
    average: float = 0.998
    seed: int = 0
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        if self.setup not in SETUPS:
            raise ParameterError(f"The setup is one of {', '.join(SETUPS)}; got {self.setup!r}.", value=self.setup)
        if self.epochs < 1 or self.batch < 2 or not 0 < self.learning_rate < 1:
            raise ParameterError("Epochs, batch size and learning rate must be positive (batch at least 2, rate below 1).")

    def to_dict(self) -> dict[str, object]:
        """Plain values, nested as the fields are."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> TrainingConfig:
        """The inverse of `to_dict`; unknown keys are refused by name."""
        values = dict(values)
        for key, kind in (("model", ModelConfig), ("data", DataConfig)):
            if key in values:
                part = {k: tuple(v) if isinstance(v, list) else v for k, v in dict(values[key]).items()}
                values[key] = kind(**_known(kind, part))
        return cls(**_known(cls, values))

    @classmethod
    def read(cls, path: Path) -> TrainingConfig:
        """Read a JSON file.

        Raises
        ------
        ParameterError
            If the file is absent, is no JSON, or holds unknown settings.
        """
        try:
            return cls.from_dict(json.loads(Path(path).read_text()))
        except (OSError, ValueError, TypeError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"The configuration {Path(path).name} cannot be read: {error}.") from error


def _known(kind: type, values: dict[str, object]) -> dict[str, object]:
    unknown = set(values) - {item.name for item in fields(kind)}
    if unknown:
        raise ParameterError(f"Unknown setting {sorted(unknown)[0]!r} in the configuration.", value=sorted(unknown))
    return values
