"""The paper's three phases as plans of trials (sections 3.3 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from stellar_core.constants import SSPP_ERRORS
from stellar_core.datasets.memmap_stars import protocol
from stellar_core.errors import ParameterError
from stellar_core.experiments.published import CHOSEN, MODELS, SEARCH, STARS_FULL, STARS_IMBALANCED
from stellar_core.experiments.sweep import Result
from stellar_core.experiments.trial import Trial
from stellar_core.models.registry import TABLE_2, ModelConfig
from stellar_core.training.config import SETUPS, TrainingConfig

#: Shares of a phase's stars for validation and for the test; the paper states none.
VALIDATION, TEST = 0.1, 0.1
#: The least test stars: scores of fewer say little.
LEAST_TEST = 2000
#: Losses weighted alike in Phases I and II; the paper gives weights for Phase III alone.
EQUAL = (1 / 3, 1 / 3, 1 / 3)
#: Balancing of the paper's experiments, and of Phase III: weighted, as all imbalanced data (section 3.5).
BALANCING = {"A": "none", "B": "undersample", "C": "class weights"}
#: Architecture of Phase I and the start of Phase II, which the paper does not state. Its Model 6 of Table 4
#: (0.1940) is nearest to depth 2 of Table 5 (0.1907), not to depth 4 (0.0979); the rest is the middle of Table 2.
BASELINE = {
    "spectrum_depth": 2,
    "spectrum_width": 256,
    "photometry_depth": 3,
    "photometry_width": 256,
    "fusion_depth": 3,
    "fusion_width": 512,
}
#: Greatest predicted age that Phase II takes for physical, Gyr: the paper kept a width that gave 14.870 and
#: refused those that gave 68.704 and 267.134 (Table 6).
PHYSICAL_GYR = 15.0
HEADS = {"bounded": (True,), "unbounded": (False,), "both": (False, True)}


@dataclass(frozen=True)
class PhaseConfig:
    """How a phase is run.

    Attributes
    ----------
    phase : {1, 2, 3}
    scale : float
        Stars as a part of the paper's.
    epochs : int
        Passes over the imbalanced stars, at most; undersampled runs get as many steps, so more passes.
    preset : {"ours", "paper"}
        "paper": learning rate 1e-5, ReduceLROnPlateau, early stopping, unbounded heads. "ours": a cosine from
        ``learning_rate``, running average of the weights, bounded heads. Both: AdamW, weight decay
        0.01, the paper's three losses, no other label.
    seeds : int
        Trainings of each kind, from seeds 0, 1, ...
    heads : {"", "bounded", "unbounded", "both"}
        Instead of the preset's.
    models : tuple of int
        Phase I: which of the eight; all by default.
    batch : int
    learning_rate : float
        Of "ours".
    test : int
        Test stars at least.
    data_seed : int
        Of the stars.
    spp_errors : (float, float, float)
        Errors of the pipeline's Teff [K], log g, [Fe/H] [dex] from which labels are made.
    device : str
        A torch device or "auto".
    """

    phase: int
    scale: float = 0.02
    epochs: int = 10
    preset: str = "ours"
    seeds: int = 1
    heads: str = ""
    models: tuple[int, ...] = tuple(MODELS)
    batch: int = 64
    learning_rate: float = 7e-4
    test: int = LEAST_TEST
    data_seed: int = 1
    spp_errors: tuple[float, float, float] = SSPP_ERRORS
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.phase not in (1, 2, 3):
            raise ParameterError(f"The paper has phases 1, 2 and 3; got {self.phase}.", value=self.phase)
        if self.preset not in ("ours", "paper"):
            raise ParameterError(f"The preset is ours or paper; got {self.preset!r}.", value=self.preset)
        if self.heads not in ("", *HEADS):
            raise ParameterError(f"The heads are {', '.join(HEADS)}; got {self.heads!r}.", value=self.heads)
        if self.phase == 2 and len(self.bounded) > 1:
            raise ParameterError(
                "The coordinate ascent takes one kind of heads: bounded or unbounded.", value=self.heads
            )
        if not self.models or set(self.models) - set(MODELS):
            raise ParameterError(
                f"The models are numbers from 1 to {len(MODELS)}; got {self.models}.", value=self.models
            )
        if not 0 < self.scale <= 1 or self.train_stars < 150:
            raise ParameterError(
                f"The scale lies above 0 and up to 1, and leaves at least 150 stars to train on; got {self.scale}.",
                value=self.scale,
            )
        if self.seeds < 1 or self.epochs < 1:
            raise ParameterError("A phase needs at least one seed and one epoch.")

    @property
    def stars(self) -> int:
        """All stars at this scale, before any undersampling."""
        return round(self.scale * (STARS_FULL if self.phase == 3 else STARS_IMBALANCED))

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
        """Kinds of heads to train."""
        return HEADS[self.heads or ("unbounded" if self.preset == "paper" else "bounded")]

    def training(self, **changes: object) -> TrainingConfig:
        """The preset's training with ``changes``; validation is drawn from the stars given to it."""
        data = protocol(self.data_seed, self.spp_errors)
        common = {
            "name": f"phase-{self.phase}",
            "epochs": self.epochs,
            "batch": self.batch,
            "device": self.device,
            "data": data,
            "validation": VALIDATION / (1 - TEST),
            "atmosphere_weight": 0.0,
            "photometry_dropout": 0.0,
        }
        if self.preset == "paper":
            return TrainingConfig.paper(**{**common, **changes})
        return TrainingConfig(**{**common, "learning_rate": self.learning_rate, **changes})


def parse_models(text: str) -> tuple[int, ...]:
    """Numbers of models from ``"1,3,6"``.

    Raises
    ------
    ParameterError
        Unless they are whole numbers.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(
            f"The models are numbers with commas, for example 1,3,6; got {text!r}.", value=text
        ) from None


def undersampled_epochs(config: PhaseConfig, stages: Iterable[int]) -> int:
    """Epochs of undersampled stars that take as many steps as ``config.epochs`` of all; ``stages`` counts each stage."""
    counts = [int(count) for count in stages if count]
    return max(1, round(config.epochs * sum(counts) / (len(counts) * min(counts))))


def phase_1(config: PhaseConfig, undersampled: int) -> list[Trial]:
    """Experiments A, B and C for every model: all that Tables 3 and 4 need.

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
            ModelConfig(name=MODELS[number], bounded=bounded, **BASELINE),
            balancing=balancing,
            epochs=undersampled if experiment == "B" else config.epochs,
            loss_weights=EQUAL,
        )
        for seed in range(config.seeds)
        for number in config.models
        for experiment, balancing in BALANCING.items()
        for bounded in config.bounded
    ]


def phase_2(
    config: PhaseConfig, epochs: int, run: Callable[[Iterable[Trial]], list[Result]]
) -> tuple[list[Result], list[dict[str, object]]]:
    """The coordinate ascent over Table 2 for Model 6 on Experiment B, and Model 5's depths of Table 5.

    One parameter after another takes each of its values while the others keep the best so far.
    The best is the paper's: of the values whose predicted ages stay physical (`PHYSICAL_GYR`),
    the one with the lowest age RMSE; if none does, the one with the least greatest age. Both are
    measured on the validation stars, as means over the seeds.

    Parameters
    ----------
    config : PhaseConfig
    epochs : int
        Of undersampled stars.
    run : callable
        Gives the results of trials in their order.

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
                ModelConfig(name=MODELS[number], bounded=bounded, **shape),
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
    """The paper's criterion: physical first, then the lowest ``age_rmse`` (sections 4.2 and 4.3)."""
    physical = [entry for entry in entries if entry["max_age_gyr"] <= PHYSICAL_GYR]
    if physical:
        return min(physical, key=lambda entry: entry["age_rmse"])
    return min(entries, key=lambda entry: entry["max_age_gyr"])


def phase_3(config: PhaseConfig) -> list[Trial]:
    """Setups A, B and C of the loss weights for the final architecture: all that Table 7 needs."""
    return [
        _trial(
            config,
            {"setup": setup, "model": 6, "seed": seed, "bounded": bounded},
            setup,
            ModelConfig(name=MODELS[6], bounded=bounded, **CHOSEN),
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
