"""Trials of the paper's three phases (sections 3.3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from stellar_core.constants import SSPP_ERRORS
from stellar_core.datasets.config import DataConfig
from stellar_core.errors import ParameterError
from stellar_core.experiments.published import CHOSEN, MODELS, SEARCH, STARS_FULL, STARS_IMBALANCED
from stellar_core.experiments.sweep import Result
from stellar_core.experiments.trial import Trial
from stellar_core.models.registry import TABLE_2, ModelConfig
from stellar_core.training.config import SETUPS, TrainingConfig

#: Shares of a phase's stars for validation and for the test; the paper states none.
VALIDATION, TEST = 0.1, 0.1
#: Smallest number of test stars.
MIN_TEST = 2000
#: Loss weights of Phases I and II; the paper gives weights for Phase III only.
EQUAL = (1 / 3, 1 / 3, 1 / 3)
#: Balancing of the paper's experiments, and of Phase III: weighted, as all imbalanced data (section 3.5).
BALANCING = {"A": "none", "B": "undersample", "C": "class weights"}
#: Architecture of Phase I and start of Phase II, which the paper does not state. The age RMSE of Model 6 in Table 4
#: (0.1940) is close to depth 2 of Table 5 (0.1907), not to depth 4 (0.0979); the rest is the middle of Table 2.
BASELINE = {
    "spectrum_depth": 2,
    "spectrum_width": 256,
    "photometry_depth": 3,
    "photometry_width": 256,
    "fusion_depth": 3,
    "fusion_width": 512,
}
#: Largest predicted age that Phase II accepts as physical, Gyr: the paper kept a width with 14.870 and
#: rejected those with 68.704 and 267.134 (Table 6).
PHYSICAL_GYR = 15.0
#: The paper's number of stars by phase.
STARS = {1: STARS_IMBALANCED, 2: STARS_IMBALANCED, 3: STARS_FULL}
HEADS = {"bounded": (True,), "unbounded": (False,), "both": (False, True)}
#: Channels of the spectrum by preset; see `stellar_core.models.registry.ModelConfig`.
CHANNELS = {"ours": 3, "paper": 1}


@dataclass(frozen=True)
class PhaseConfig:
    """Settings of a phase.

    Attributes
    ----------
    phase : {1, 2, 3}
    scale : float
        Stars as a fraction of the paper's number.
    epochs : int
        Epochs of the imbalanced stars, at most; undersampled runs take as many steps, so more epochs.
    preset : {"ours", "paper"}
        "paper": `TrainingConfig.paper`. "ours": a cosine from ``learning_rate``, running average of the weights,
        clipped gradients, three channels of the spectrum. All differences are in the table of
        `stellar_core.experiments.differences`. Both: AdamW, weight decay 0.01, the paper's three losses, no other
        label.
    seeds : int
        Runs of each configuration, with seeds 0, 1, ...
    heads : {"unbounded", "bounded", "both"}
        Output heads; the paper's are unbounded.
    models : tuple of int
        Phase I: numbers of the architectures; all by default.
    experiments : str
        Phase I: letters of the experiments.
    batch : int
    learning_rate : float
        Learning rate of the preset "ours".
    test : int
        Smallest number of test stars; of a survey's stars at most a fifth.
    store : str
        Folder of a survey store, whose stars are taken instead of MOCK ones.
    data_seed : int
        Seed of the stars.
    pipeline : {"independent", "spectroscopic"}
    look_up : {"nearest", "interpolated"}
        Labels of MOCK stars; see `stellar_core.datasets.config.DataConfig`.
    spp_errors : (float, float, float)
        Errors of the independent pipeline's Teff [K], log g, [Fe/H] [dex], and those that the exact posterior assumes.
    device : str
        A torch device or "auto".
    """

    phase: int
    scale: float = 0.02
    epochs: int = 10
    preset: str = "ours"
    seeds: int = 1
    heads: str = "unbounded"
    models: tuple[int, ...] = tuple(MODELS)
    experiments: str = "ABC"
    batch: int = 64
    learning_rate: float = 7e-4
    test: int = MIN_TEST
    store: str = ""
    data_seed: int = 1
    pipeline: str = DataConfig.paper().pipeline
    look_up: str = DataConfig.paper().look_up
    spp_errors: tuple[float, float, float] = SSPP_ERRORS
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.phase not in (1, 2, 3):
            raise ParameterError(f"The paper has phases 1, 2 and 3; got {self.phase}.", value=self.phase)
        if self.preset not in ("ours", "paper"):
            raise ParameterError(f"The preset is ours or paper; got {self.preset!r}.", value=self.preset)
        if self.heads not in HEADS:
            raise ParameterError(f"The heads are {', '.join(HEADS)}; got {self.heads!r}.", value=self.heads)
        if self.phase == 2 and len(self.bounded) > 1:
            raise ParameterError(
                "The coordinate ascent takes one kind of heads: bounded or unbounded.", value=self.heads
            )
        if not self.models or set(self.models) - set(MODELS):
            raise ParameterError(
                f"The models are numbers from 1 to {len(MODELS)}; got {self.models}.", value=self.models
            )
        if not self.experiments or set(self.experiments) - set(BALANCING):
            raise ParameterError(f"The experiments are A, B and C; got {self.experiments!r}.", value=self.experiments)
        if not 0 < self.scale <= 1 or self.train_stars < 150:
            raise ParameterError(
                f"The scale lies above 0 and up to 1, and leaves at least 150 stars to train on; got {self.scale}.",
                value=self.scale,
            )
        if self.seeds < 1 or self.epochs < 1:
            raise ParameterError("A phase needs at least one seed and one epoch.")
        _ = self.data  # refuses what it does not know

    @property
    def stars(self) -> int:
        """All stars at this scale, before any undersampling."""
        return round(self.scale * STARS[self.phase])

    @property
    def train_stars(self) -> int:
        """Stars for training and validation."""
        return round((1 - TEST) * self.stars)

    @property
    def test_stars(self) -> int:
        """Stars for the tables."""
        return max(self.stars - self.train_stars, self.test)

    @property
    def bounded(self) -> tuple[bool, ...]:
        """Output heads to train: bounded, unbounded."""
        return HEADS[self.heads]

    @property
    def data(self) -> DataConfig:
        """Settings of the MOCK stars."""
        labels = {"spp_errors": self.spp_errors, "pipeline": self.pipeline, "look_up": self.look_up}
        return DataConfig.paper(seed=self.data_seed, **labels)

    def model(self, number: int, bounded: bool, **shape: int) -> ModelConfig:
        """Return a network of Table 1 with the preset's channels."""
        return ModelConfig(name=MODELS[number], bounded=bounded, channels=CHANNELS[self.preset], **shape)

    def training(self, **changes: object) -> TrainingConfig:
        """Return the preset's training with ``changes``; validation stars are a part of the training stars."""
        common = {
            "name": f"phase-{self.phase}",
            "epochs": self.epochs,
            "batch": self.batch,
            "device": self.device,
            "data": self.data,
            "validation": VALIDATION / (1 - TEST),
            "atmosphere_weight": 0.0,
            "photometry_dropout": 0.0,
        }
        if self.preset == "paper":
            return TrainingConfig.paper(**{**common, **changes})
        return TrainingConfig(**{**common, "learning_rate": self.learning_rate, **changes})


def parse_models(text: str) -> tuple[int, ...]:
    """Parse numbers of models such as ``"1,3,6"``.

    Raises
    ------
    ParameterError
        If they are not whole numbers.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(
            f"The models are numbers separated by commas, such as 1,3,6; got {text!r}.", value=text
        ) from None


def undersampled_epochs(config: PhaseConfig, stages: Iterable[int]) -> int:
    """Return the epochs of undersampled stars with as many steps as ``config.epochs`` of all.

    ``stages`` are the numbers of stars of each stage.
    """
    counts = [int(count) for count in stages if count]
    return max(1, round(config.epochs * sum(counts) / (len(counts) * min(counts))))


def phase_1(config: PhaseConfig, undersampled: int) -> list[Trial]:
    """Return the trials of Tables 3 and 4: Experiments A, B and C for every model, one seed after the other.

    Parameters
    ----------
    config : PhaseConfig
    undersampled : int
        Epochs of Experiment B.
    """
    return [
        _trial(
            config,
            {"experiment": experiment, "model": number, "seed": seed, "bounded": bounded},
            f"{experiment}-{number}",
            config.model(number, bounded, **BASELINE),
            balancing=balancing,
            epochs=undersampled if experiment == "B" else config.epochs,
            loss_weights=EQUAL,
        )
        for seed in range(config.seeds)
        for number in config.models
        for experiment, balancing in BALANCING.items()
        if experiment in config.experiments
        for bounded in config.bounded
    ]


def phase_2(
    config: PhaseConfig, epochs: int, run: Callable[[Iterable[Trial]], list[Result]]
) -> tuple[list[Result], list[dict[str, object]]]:
    """Run the coordinate ascent over Table 2 for Model 6 on Experiment B, and Model 5's depths of Table 5.

    Each parameter in turn takes all its values while the others keep the best so far. The paper's
    criterion is used: of the values with physical ages (`PHYSICAL_GYR`) the one with the lowest age
    RMSE; if there are none, the one with the smallest maximum age. Both are measured on the
    validation stars, as means over the seeds.

    Parameters
    ----------
    config : PhaseConfig
    epochs : int
        Of undersampled stars.
    run : callable
        Returns the results of trials in order.

    Returns
    -------
    results : list of dict
        Each trial once.
    ascent : list of dict
        One entry per value tried: component, parameter, value, scores, whether kept.
    """
    bounded = config.bounded[0]

    def trials(number: int, shape: dict[str, int]) -> list[Trial]:
        parts = ("spectrum", "photometry", "fusion")
        code = "-".join(f"{shape[f'{part}_depth']}x{shape[f'{part}_width']}" for part in parts)
        return [
            _trial(
                config,
                {"experiment": "B", "model": number, "seed": seed, "bounded": bounded, **shape},
                f"{number}-{code}",
                config.model(number, bounded, **shape),
                balancing=BALANCING["B"],
                epochs=epochs,
                loss_weights=EQUAL,
            )
            for seed in range(config.seeds)
        ]

    best, results, ascent = dict(BASELINE), {}, []
    for field, (component, parameter) in SEARCH.items():
        shapes = {value: {**best, field: value} for value in TABLE_2[field]}
        groups = {value: trials(6, shape) for value, shape in shapes.items()}
        if field == "spectrum_depth":
            groups |= {("Model 5", value): trials(5, shape) for value, shape in shapes.items()}
        found = {result["name"]: result for result in run(trial for group in groups.values() for trial in group)}
        results |= found
        entries = []
        for value in shapes:
            scores = [found[trial.name]["validation"] for trial in groups[value]]
            entries.append(
                {
                    "component": component,
                    "parameter": parameter,
                    "field": field,
                    "value": value,
                    "age_rmse": sum(score["log_age"]["rmse"] for score in scores) / len(scores),
                    "max_age_gyr": max(score["ages"]["max"] for score in scores),
                    "paper": CHOSEN[field],
                    "trials": [trial.name for trial in groups[value]],
                }
            )
        kept = choose(entries)
        best[field] = kept["value"]
        ascent += [{**entry, "kept": entry is kept} for entry in entries]
    return list(results.values()), ascent


def choose(entries: list[dict[str, object]]) -> dict[str, object]:
    """Return the best entry by the paper's criterion: physical, then lowest ``age_rmse`` (sections 4.2 and 4.3)."""
    physical = [entry for entry in entries if entry["max_age_gyr"] <= PHYSICAL_GYR]
    if physical:
        return min(physical, key=lambda entry: entry["age_rmse"])
    return min(entries, key=lambda entry: entry["max_age_gyr"])


def phase_3(config: PhaseConfig) -> list[Trial]:
    """Return the trials of Table 7: Setups A, B and C of the loss weights for the final architecture."""
    return [
        _trial(
            config,
            {"setup": setup, "model": 6, "seed": seed, "bounded": bounded},
            setup,
            config.model(6, bounded, **CHOSEN),
            setup=setup,
            balancing=BALANCING["C"],
        )
        for seed in range(config.seeds)
        for setup in SETUPS
        for bounded in config.bounded
    ]


def _trial(config: PhaseConfig, labels: dict[str, object], code: str, model: ModelConfig, **changes: object) -> Trial:
    seed, heads = labels["seed"], "bounded" if model.bounded else "unbounded"
    return Trial(f"{code}-{heads}-s{seed}", labels, replace(config.training(**changes), model=model, seed=seed))
