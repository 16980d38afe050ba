"""What a training run is made of."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ParameterError
from stellar_core.models.isochrone_config import IsochroneConfig, config_kind
from stellar_core.models.registry import ModelConfig

#: Weights of the age, lifetime and stage losses of the paper's Phase III (section 4.3).
SETUPS = {"A": (0.5, 0.4, 0.1), "B": (0.4, 0.4, 0.2), "C": (0.35, 0.35, 0.3)}

#: Settings that take one of a few words.
CHOICES = {
    "setup": tuple(SETUPS),
    "balancing": ("none", "undersample", "class weights"),
    "schedule": ("cosine", "plateau"),
    "precision": ("auto", "bf16", "f32"),
}


@dataclass(frozen=True)
class TrainingConfig:
    """One run.

    Attributes
    ----------
    name : str
        Folder under ``trained/``.
    setup : {"A", "B", "C"}
        The paper's loss weights.
    loss_weights : (float, float, float), optional
        Weights of the age, lifetime and stage losses in place of the setup's.
    atmosphere_weight : float
        Weight of the added loss on Teff, log g, [Fe/H] (mean squared error in units of
        1000 K, 1 dex, 0.7 dex).
    balancing : {"none", "undersample", "class weights"}
        The paper's Experiments A, B and C: stars as they are; every stage cut to as many as the
        rarest has; the stage loss weighted by scikit-learn's "balanced" weights.
    epochs : int
        At most, if ``patience`` is given.
    batch : int
        Stars per step, of all processes together.
    learning_rate, weight_decay : float
        Of AdamW; the weight decay is the paper's.
    schedule : {"cosine", "plateau"}
        "cosine": the rate rises for a twentieth of the run and falls as a cosine. "plateau": the
        paper's ReduceLROnPlateau on the validation loss.
    plateau_factor, plateau_patience : float, int
        Of ReduceLROnPlateau: factor, and epochs without a lower loss before it acts (torch's
        defaults; the paper states none).
    validation : float
        Share of the training stars kept apart to watch the loss on; drawn by the seed.
    patience : int
        Epochs without a lower validation loss after which the run ends with the weights of its best
        epoch; 0 trains all epochs and keeps the last weights.
    photometry_dropout : float
        Share of stars shown without photometry, so that spectra alone can be answered.
    spectrum_dropout : float
        Share of stars shown without spectrum, for networks that can do without (Model 9).
    average : float
        Decay of the running average of the weights that is kept as the result; 0 keeps the weights.
    precision : {"auto", "bf16", "f32"}
        Of the network's matrix products; weights and losses are always float32. "auto": bf16 where the device
        computes in it, f32 elsewhere (a processor that has to emulate bf16 is ten times slower).
    device : str
        A torch device, or "auto": a GPU if there is one.
    seed : int
        Seed of initial weights, split, order and dropout.
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
                    f"The {name} is one of {', '.join(allowed)}; got {getattr(self, name)!r}.",
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
                f"Loss weights are three numbers of at least 0, not all 0; got {weights}.", value=weights
            )
        if not (0 <= self.validation <= 0.5 and 0 <= self.photometry_dropout <= 1 and 0 <= self.average < 1):
            raise ParameterError(
                "Shares must lie in their ranges: validation 0-0.5, photometry_dropout 0-1, average 0-1."
            )
        if self.spectrum_dropout < 0 or self.photometry_dropout + self.spectrum_dropout > 1:
            raise ParameterError("Photometry and spectrum are never hidden at once: their shares add up to at most 1.")
        if not 0 < self.plateau_factor < 1 or min(self.plateau_patience, self.patience) < 0:
            raise ParameterError("The plateau factor lies between 0 and 1, and patience is at least 0 epochs.")
        if self.validation == 0 and (self.patience or self.schedule == "plateau"):
            raise ParameterError(
                "Early stopping and the plateau schedule watch the validation loss: set validation above 0."
            )

    @classmethod
    def paper(cls, **changes: object) -> TrainingConfig:
        """The paper's training (section 3.5), with ``changes`` to any field.

        AdamW, weight decay 1e-2, learning rate 1e-5, ReduceLROnPlateau, three losses. What the
        paper leaves open is set here: a tenth of the stars for validation, at most 100 epochs of
        batches of 64, an end after 25 epochs without gain.
        """
        preset = {
            "name": "paper-protocol",
            "learning_rate": 1e-5,
            "weight_decay": 1e-2,
            "schedule": "plateau",
            "atmosphere_weight": 0.0,
            "photometry_dropout": 0.0,
            "average": 0.0,
            "validation": 0.1,
            "epochs": 100,
            "patience": 25,
        }
        return cls(**{**preset, **changes})

    @classmethod
    def isochrone(cls, **changes: object) -> TrainingConfig:
        """The training of Model 9, with ``changes`` to any field.

        A third of the stars are seen without photometry, a seventh without spectrum.
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
        """Weights of the age, lifetime and stage losses: ``loss_weights``, or those of the setup."""
        return SETUPS[self.setup] if self.loss_weights is None else self.loss_weights

    def to_dict(self) -> dict[str, object]:
        """Plain values, nested as the fields are."""
        return asdict(self)

    def settings(self) -> dict[str, object]:
        """What decides the resulting weights: all of `to_dict` but name and device."""
        return {key: value for key, value in self.to_dict().items() if key not in ("name", "device")}

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> TrainingConfig:
        """The inverse of `to_dict`; unknown keys are refused by name."""
        values = _tuples(values)
        for key in ("model", "data"):
            if key in values:
                kind = DataConfig if key == "data" else config_kind(values[key])
                values[key] = kind(**_known(kind, _tuples(values[key])))
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


def _tuples(values: dict[str, object]) -> dict[str, object]:
    """``values`` with JSON's lists as tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in dict(values).items()}


def _known(kind: type, values: dict[str, object]) -> dict[str, object]:
    unknown = set(values) - {item.name for item in fields(kind)}
    if unknown:
        raise ParameterError(f"Unknown setting {sorted(unknown)[0]!r} in the configuration.", value=sorted(unknown))
    return values
