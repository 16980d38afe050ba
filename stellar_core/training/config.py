"""Settings of a training run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ParameterError
from stellar_core.files import read_json
from stellar_core.models.isochrone_config import IsochroneConfig, config_kind
from stellar_core.models.registry import ModelConfig

#: Weights of the age, lifetime and stage losses of the paper's Phase III (section 4.3).
SETUPS = {"A": (0.5, 0.4, 0.1), "B": (0.4, 0.4, 0.2), "C": (0.35, 0.35, 0.3)}

#: Allowed values of the settings that are words.
CHOICES = {
    "setup": tuple(SETUPS),
    "balancing": ("none", "undersample", "class weights"),
    "schedule": ("cosine", "plateau"),
    "precision": ("auto", "bf16", "f32"),
}


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of one run.

    Attributes
    ----------
    name : str
        Name of the model and of its folder in ``trained/``.
    setup : {"A", "B", "C"}
        The paper's loss weights.
    loss_weights : (float, float, float), optional
        Weights of the age, lifetime and stage losses, in place of the setup's.
    atmosphere_weight : float
        Weight of the additional loss on Teff, log g, [Fe/H]: mean squared error in units of 1000 K,
        1 dex, 0.7 dex.
    balancing : {"none", "undersample", "class weights"}
        The paper's Experiments A, B and C: all stars; every stage reduced to the number of the
        rarest; stage loss with scikit-learn's "balanced" class weights.
    epochs : int
        Number of epochs; with ``patience`` the largest number.
    batch : int
        Stars per step, over all processes.
    learning_rate, weight_decay : float
        Settings of AdamW; the weight decay is the paper's.
    schedule : {"cosine", "plateau"}
        "cosine": linear rise over a twentieth of the run, then a cosine decay. "plateau": the paper's
        ReduceLROnPlateau on the validation loss.
    plateau_factor, plateau_patience : float, int
        Factor of ReduceLROnPlateau, and epochs without improvement before it is applied (torch's
        defaults, as the paper states none).
    validation : float
        Share of the training stars used for the validation loss instead; drawn with the seed.
    patience : int
        Early stopping: epochs without a lower validation loss before the run ends with the weights
        of its best epoch. 0 trains all epochs and keeps the last weights.
    photometry_dropout : float
        Share of stars whose photometry is hidden, so that the network can do without.
    spectrum_dropout : float
        Share of stars whose spectrum is hidden (Model 9 only).
    lines_alone : float
        Share of spectra given as their lines alone, with errors of other instruments (Model 9 only).
    clip : float
        Largest norm of the gradient of a step; longer ones are shortened to it. 0 for no limit.
    average : float
        Decay of the exponential moving average of the weights, which is the result; 0 for no averaging.
    precision : {"auto", "bf16", "f32"}
        Precision of matrix products; weights and losses are always float32. "auto": bf16 if the device has
        instructions for it, else f32 (emulated bf16 is ten times slower).
    device : str
        A torch device, or "auto" for a GPU if there is one.
    seed : int
        Seed of initial weights, validation split, order of the stars and dropout.
    start_from : str
        Name of a model whose weights are the initial ones, beside the folder of the run or in the app; layers of
        other shape start at random, and the scales of the inputs remain that model's.
    """

    name: str = "paper-setup-a"
    setup: str = "A"
    loss_weights: tuple[float, float, float] | None = None
    atmosphere_weight: float = 1.0
    balancing: str = "none"
    epochs: int = 6
    batch: int = 64
    learning_rate: float = 7e-4
    weight_decay: float = 1e-2
    schedule: str = "cosine"
    plateau_factor: float = 0.1
    plateau_patience: int = 10
    validation: float = 0.0
    patience: int = 0
    photometry_dropout: float = 0.5
    spectrum_dropout: float = 0.0
    lines_alone: float = 0.0
    clip: float = 1.0
    average: float = 0.998
    precision: str = "auto"
    device: str = "auto"
    seed: int = 0
    start_from: str = ""
    model: ModelConfig | IsochroneConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"The {name} must be one of {', '.join(allowed)}; got {getattr(self, name)!r}.",
                    value=getattr(self, name),
                )
        if self.epochs < 1 or self.batch < 2 or not 0 < self.learning_rate < 1:
            raise ParameterError(
                "Epochs, batch size and learning rate must be positive (batch at least 2, rate below 1)."
            )
        weights = self.task_weights
        if (
            len(weights) != 3
            or min(weights) < 0
            or self.atmosphere_weight < 0
            or sum(weights) + self.atmosphere_weight <= 0
        ):
            raise ParameterError(
                f"Loss weights must be three numbers of at least 0, not all 0; got {weights}.", value=weights
            )
        if not (0 <= self.validation <= 0.5 and 0 <= self.photometry_dropout <= 1 and 0 <= self.average < 1):
            raise ParameterError(
                "The validation share must lie in 0-0.5, photometry_dropout in 0-1 and average in 0-1."
            )
        if self.spectrum_dropout < 0 or self.photometry_dropout + self.spectrum_dropout > 1:
            raise ParameterError(
                "photometry_dropout and spectrum_dropout must add up to at most 1: never are both hidden."
            )
        if self.clip < 0:
            raise ParameterError(f"The largest gradient must be at least 0; got {self.clip}.", value=self.clip)
        if not 0 < self.plateau_factor < 1 or min(self.plateau_patience, self.patience) < 0:
            raise ParameterError("The plateau factor must lie between 0 and 1, and patience must be at least 0 epochs.")
        if self.validation == 0 and (self.patience or self.schedule == "plateau"):
            raise ParameterError(
                "Early stopping and the plateau schedule need a validation loss: set validation above 0."
            )

    @classmethod
    def paper(cls, **changes: object) -> TrainingConfig:
        """Return the paper's training (sections 3.1 and 3.5) of its final network, with ``changes`` to any field.

        AdamW, weight decay 1e-2, learning rate 1e-5, ReduceLROnPlateau, three losses, stage loss with class
        weights, the flux as only channel of the spectrum, heads without bounds, S/N above 20, all stars with
        photometry. What the paper does not state, and all differences from other runs, are in the table of
        `stellar_core.experiments.differences`.
        """
        preset = {
            "name": "paper-protocol",
            "balancing": "class weights",
            "learning_rate": 1e-5,
            "weight_decay": 1e-2,
            "schedule": "plateau",
            "atmosphere_weight": 0.0,
            "photometry_dropout": 0.0,
            "clip": 0.0,
            "average": 0.0,
            "validation": 0.1,
            "epochs": 100,
            "patience": 25,
            "model": ModelConfig(bounded=False, channels=1),
            "data": DataConfig.paper(),
        }
        return cls(**{**preset, **changes})

    @classmethod
    def isochrone(cls, **changes: object) -> TrainingConfig:
        """Return the training of Model 9, with ``changes`` to any field.

        Photometry is hidden for 30 % of the stars, the spectrum for 15 %.
        """
        preset = {
            "name": "isochrone",
            "model": IsochroneConfig(),
            "photometry_dropout": 0.3,
            "spectrum_dropout": 0.15,
            "learning_rate": 1e-3,
            "epochs": 10,
            "average": 0.999,
        }
        return cls(**{**preset, **changes})

    @property
    def task_weights(self) -> tuple[float, float, float]:
        """Weights of the age, lifetime and stage losses: ``loss_weights``, else those of the setup."""
        return SETUPS[self.setup] if self.loss_weights is None else self.loss_weights

    def to_dict(self) -> dict[str, object]:
        """Return plain values, nested like the fields."""
        return asdict(self)

    def settings(self) -> dict[str, object]:
        """Return the settings that determine the weights, all but name and device, as JSON gives them."""
        kept = {key: value for key, value in self.to_dict().items() if key not in ("name", "device")}
        return json.loads(json.dumps(kept))

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> TrainingConfig:
        """Make a configuration from the values of `to_dict`; ParameterError names an unknown key."""
        values = _tuples(values)
        for key in ("model", "data"):
            if key in values:
                kind = DataConfig if key == "data" else config_kind(values[key])
                values[key] = kind(**_known(kind, _tuples(values[key])))
        return cls(**_known(cls, values))

    @classmethod
    def read(cls, path: Path) -> TrainingConfig:
        """Read a configuration from a JSON file.

        Raises
        ------
        ParameterError
            If the file is absent, is not JSON, or has unknown settings.
        """
        try:
            return cls.from_dict(read_json(Path(path)))
        except (OSError, ValueError, TypeError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"The configuration {Path(path).name} cannot be read: {error}.") from error


def _tuples(values: dict[str, object]) -> dict[str, object]:
    """Return ``values`` with JSON's lists as tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in dict(values).items()}


def _known(kind: type, values: dict[str, object]) -> dict[str, object]:
    unknown = set(values) - {item.name for item in fields(kind)}
    if unknown:
        raise ParameterError(f"Unknown setting {sorted(unknown)[0]!r} in the configuration.", value=sorted(unknown))
    return values
