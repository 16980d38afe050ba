"""What a job shall do: a training and the stars it learns from, within limits."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from stellar_core.datasets.labelled_table import RANGES, STAR_COUNT
from stellar_core.errors import ParameterError
from stellar_core.files import read_json
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.training.config import TrainingConfig

#: Kinds of training stars.
SOURCES = ("mock", "catalogue", "table")
#: What MOCK stars are labelled with: the paper's look-up from their measured atmosphere, or what they truly are.
LABELS = ("look-up", "truth")
#: Least and greatest value of what a job may ask for.
LIMITS = {
    "rows": STAR_COUNT,
    "calibration": (100, 10_000),
    "test": (100, 10_000),
    "epochs": (1, 300),
    "batch": (8, 512),
    "width": (8, 768),
    "depth": (1, 12),
    "threads": (1, 1024),
    "name": (1, 60),
    "note": (0, 2000),
}


@dataclass(frozen=True)
class StarSource:
    """Where the training stars come from; calibration and test stars are always MOCK ones of their own seeds.

    Attributes
    ----------
    kind : {"mock", "catalogue", "table"}
        "mock": drawn as `stellar_core.datasets.config.DataConfig` says. "catalogue": stars of a survey store
        that ``fetch survey`` wrote, or of the MOCK survey where no store is named. "table": the labelled
        table that lies in the job's folder.
    ranges : dict of str to (float, float)
        Limits of teff [K], logg, feh [dex] of the labels, and of snr; stars outside are left out.
    store : str
        Folder of the survey store; for "catalogue".
    labels : {"look-up", "truth"}
        Age, lifetime and stage that are taught. "truth" is for "mock" alone: nobody knows it of other stars.
    """

    kind: str = "mock"
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    store: str = ""
    labels: str = "look-up"

    def __post_init__(self) -> None:
        if self.kind not in SOURCES:
            raise ParameterError(f"Training stars come from {', '.join(SOURCES)}; got {self.kind!r}.", value=self.kind)
        if self.labels not in LABELS or (self.labels == "truth" and self.kind != "mock"):
            raise ParameterError(
                f"Labels are {' or '.join(LABELS)}, the latter for drawn MOCK stars alone; got {self.labels!r}.",
                value=self.labels,
            )
        for name, limits in self.ranges.items():
            if name not in RANGES:
                raise ParameterError(f"Stars are selected by {', '.join(RANGES)}; got {name!r}.", value=name)
            numbers = len(limits) == 2 and all(
                isinstance(value, (int, float)) and math.isfinite(value) for value in limits
            )
            if not numbers or not limits[0] < limits[1]:
                raise ParameterError(f"The range of {name} is two ascending numbers; got {list(limits)}.", value=limits)


@dataclass(frozen=True)
class JobConfig:
    """What a job shall do.

    Attributes
    ----------
    name : str
        What people call it.
    note : str
        Remarks.
    training : TrainingConfig
    source : StarSource
    threads : int
        Of the worker; kept, since the last digits of a result depend on it.
    """

    name: str
    training: TrainingConfig
    source: StarSource = StarSource()
    note: str = ""
    threads: int = 1

    def __post_init__(self) -> None:
        data, training = self.training.data, self.training
        _check("rows", data.stars, "training stars")
        _check("calibration", data.calibration, "calibration stars")
        _check("test", data.test, "test stars")
        _check("epochs", training.epochs, "epochs")
        _check("batch", training.batch, "stars per step")
        _check("threads", self.threads, "threads")
        for name, value in _sizes(training).items():
            _check(name.rpartition("_")[2], value, name.replace("_", " "))
        if not self.name.strip():
            raise ParameterError("A job needs a name.")
        _check("name", len(self.name), "letters of the name")
        _check("note", len(self.note), "letters of the note")
        if data.stars < training.batch:
            raise ParameterError(f"{data.stars} training stars do not fill one step of {training.batch}.")

    def to_dict(self) -> dict[str, object]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, object]) -> JobConfig:
        """The inverse of `to_dict`.

        Raises
        ------
        ParameterError
            If a value is missing, unknown or out of its limits.
        """
        try:
            source = dict(values.get("source", {}))
            source["ranges"] = {name: tuple(limits) for name, limits in source.get("ranges", {}).items()}
            training = TrainingConfig.from_dict(values["training"])
            rest = {name: values[name] for name in ("name", "note", "threads") if name in values}
            return cls(training=training, source=StarSource(**source), **rest)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"The configuration of the job cannot be read: {error}.") from None

    @classmethod
    def read(cls, path: Path) -> JobConfig:
        """Read a file that holds `to_dict` as JSON; ParameterError if there is none or it is damaged."""
        try:
            return cls.from_dict(read_json(path))
        except (OSError, ValueError) as error:
            if isinstance(error, ParameterError):
                raise
            raise ParameterError(f"The configuration of the job cannot be read: {error}.") from None

    def called(self, name: str) -> JobConfig:
        """The same under another name."""
        return replace(self, name=name.strip())


def _sizes(training: TrainingConfig) -> dict[str, int]:
    """Depths and widths of the network that count, by their names."""
    model = training.model
    if isinstance(model, IsochroneConfig):
        return {name: getattr(model, name) for name in ("depth", "width", "embedding_depth", "embedding_width")}
    return {name: getattr(model, name) for name in model.architecture.settings if name.endswith(("_depth", "_width"))}


def _check(limit: str, value: int, what: str) -> None:
    low, high = LIMITS[limit]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        subject = f"The {what}" if limit in ("width", "depth") else f"The number of {what}"
        raise ParameterError(f"{subject} lies between {low:,} and {high:,}; got {value!r}.", value=value)
