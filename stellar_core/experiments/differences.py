"""The paper's training and ours, setting by setting: one table, made from the configurations themselves.

A setting is listed if the presets differ in it, or if the paper leaves it open. Words and the paper's statements are
data here; every value comes from a configuration. A field that differs and has no words is listed by its own name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from stellar_core.experiments.phases import BASELINE, EQUAL, MIN_TEST, TEST, VALIDATION, PhaseConfig
from stellar_core.models.registry import ModelConfig
from stellar_core.paths import TRAINED_DIR
from stellar_core.training.config import TrainingConfig

Row = dict[str, str]

OPEN = "not stated"
#: Columns of the table.
COLUMNS = ("Setting", "The paper", "Preset paper", "Preset ours", "Shipped paper-setup-a")
#: Fields that identify a run or set its size, as the settings of every result state.
NOT_COMPARED = ("name", "device", "precision", "seed", "start_from", "data.seed", "data.stars", "data.calibration")
NOT_COMPARED += ("data.test", "data.teacher_errors", "setup", "loss_weights", "lines_alone", "spectrum_dropout")


@dataclass(frozen=True)
class Setting:
    """Words for one field.

    Attributes
    ----------
    title : str
    paper : str
        What the paper states, with the section.
    words : mapping
        Words for some values.
    form : str
        Format of the others.
    """

    title: str
    paper: str = OPEN
    words: Mapping[object, str] | None = None
    form: str = "{}"

    def text(self, value: object) -> str:
        """Return ``value`` in words."""
        if self.words is not None and value in self.words:
            return self.words[value]
        if isinstance(value, list | tuple):
            return " to ".join(f"{one:g}" for one in value) if len(value) == 2 else ", ".join(f"{v:g}" for v in value)
        return self.form.format(f"{value:.3g}".replace("e-0", "e-") if isinstance(value, float) else value)


#: Field of `TrainingConfig`, dotted -> its words, in the order of the table.
SETTINGS = {
    "learning_rate": Setting("Learning rate", "1e-5 (section 3.5)"),
    "schedule": Setting(
        "Schedule of the learning rate",
        "ReduceLROnPlateau (section 3.5)",
        {"plateau": "ReduceLROnPlateau on the validation loss", "cosine": "linear rise over a twentieth, then cosine"},
    ),
    "plateau_factor": Setting("Factor of the plateau schedule"),
    "plateau_patience": Setting("Patience of the plateau schedule", form="{} epochs"),
    "batch": Setting("Batch size"),
    "epochs": Setting("Largest number of epochs"),
    "patience": Setting(
        "Early stopping", words={0: "none, the last weights"}, form="after {} epochs, the best weights"
    ),
    "validation": Setting("Share of the training stars for validation"),
    "weight_decay": Setting("Weight decay of AdamW", "1e-2 (section 3.5)"),
    "balancing": Setting(
        "Imbalanced stages",
        "stage loss with class weights (section 3.5)",
        {"none": "no weights", "class weights": "stage loss with class weights"},
    ),
    "atmosphere_weight": Setting(
        "Loss on Teff, log g and [Fe/H]",
        "none: three heads (abstract)",
        {0.0: "none; the fourth head is not trained", 1.0: "weight 1, a fourth head"},
    ),
    "photometry_dropout": Setting(
        "Training stars shown without photometry",
        "none: all stars have both (section 3.1)",
        {0.0: "none"},
        "{} of them",
    ),
    "clip": Setting("Largest gradient of a step", words={0.0: "no limit"}),
    "average": Setting("Running average of the weights", words={0.0: "none"}, form="decay {}"),
    "model.bounded": Setting(
        "Heads of age and lifetime",
        "no bounds: ages up to 2721 Gyr (Table 7)",
        {
            True: "sigmoid, age 1 Myr to 13.8 Gyr, starting at 4.6 Gyr",
            False: "linear layers to log(yr), starting near 0",
        },
    ),
    "model.channels": Setting(
        "Channels of the spectrum",
        "a uniform 6800-point vector (section 3.2.4)",
        {1: "the flux; its median where not covered", 3: "flux, flux over its running mean, coverage"},
    ),
    "model.heads": Setting("Attention heads"),
    "model.patch": Setting("Pixels per token without a CNN"),
    "model.dropout": Setting("Dropout probability"),
    "data.snr": Setting("S/N per pixel", "above 20 (section 3.1)"),
    "data.balanced": Setting("Training stars drawn evenly over the Kiel diagram", "none", {0.0: "none"}),
    "data.dusty": Setting("MOCK stars with additional dust", "none", {0.0: "none"}),
    "data.missing_stretch": Setting("MOCK spectra with an additional gap", "none", {0.0: "none"}),
    "data.pipeline": Setting(
        "Teff, log g, [Fe/H] that give the labels",
        "SSPP (section 3.1)",
        {"independent": "true ones with random errors", "spectroscopic": "measured on the MOCK spectra"},
    ),
    "data.look_up": Setting(
        "Look-up of age and mass from Teff, log g, [Fe/H]",
        '"query the MIST grid" (section 3.2.2)',
        {"nearest": "nearest point of the tracks", "interpolated": "interpolated between isochrones"},
    ),
}


def differences() -> list[Row]:
    """Return the table: a row for each setting that differs or is left open, then what both presets assume."""
    configs = {name: _flat(config.to_dict()) for name, config in configurations().items()}
    fields = [*SETTINGS, *(name for name in configs["Preset paper"] if name not in SETTINGS)]
    rows = []
    for name in fields:
        values = [config.get(name) for config in configs.values()]
        setting = SETTINGS.get(name, Setting(name))
        differs = any(value != values[0] for value in values[1:])
        if name not in NOT_COMPARED and (differs or (name in SETTINGS and setting.paper == OPEN)):
            rows.append(dict(zip(COLUMNS, (setting.title, setting.paper, *map(setting.text, values)))))
    return rows + [
        dict(zip(COLUMNS, (title, paper, both, both, shipped))) for title, paper, both, shipped in _assumed()
    ]


def configurations() -> dict[str, TrainingConfig]:
    """Return the configurations that are compared, by the heading of their column: of Phase III, Setup A."""
    paper, ours = (
        PhaseConfig(3, scale=1.0, preset=preset, epochs=TrainingConfig.paper().epochs) for preset in ("paper", "ours")
    )
    shared = {"balancing": "class weights", "setup": "A"}
    return {
        "Preset paper": _phase_training(paper, shared),
        "Preset ours": _phase_training(ours, shared),
        "Shipped paper-setup-a": TrainingConfig.read(TRAINED_DIR / "paper-setup-a" / "config.json"),
    }


def _phase_training(config: PhaseConfig, shared: Mapping[str, object]) -> TrainingConfig:
    return config.training(**shared, model=config.model(6, bounded=config.bounded[0]))


def _assumed() -> list[tuple[str, str, str, str]]:
    """What both presets of the experiments assume: title, the paper, both, the shipped model."""
    first = "SDSS DR17, 166,625 stars (section 3.3.3)"
    architecture = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in BASELINE.items())
    trained = ModelConfig()
    parts = f"{100 * (1 - VALIDATION - TEST):.0f}, {100 * VALIDATION:.0f} and {100 * TEST:.0f} % of the stars"
    return [
        ("Stars", first, "MOCK stars, or a fetched survey with --store", "MOCK stars"),
        ("Training, validation and test", OPEN, f"{parts}, no star in two; at least {MIN_TEST} MOCK test stars", ""),
        ("Test stars of Experiment B", OPEN, "undersampled like its training stars; scores on all are given too", ""),
        ("Loss weights of Phases I and II", OPEN, f"equal, {EQUAL[0]:.2f} each", ""),
        ("Network of Phase I and start of Phase II", OPEN, architecture, ""),
        ("Steps of Experiment B", OPEN, "as many as of the others, that is, more epochs of fewer stars", ""),
        (
            "Scaling of the 29 features",
            OPEN,
            "mean and standard deviation of the training stars, clipped at 8",
            f"the same; missing photometry is a learned vector of {trained.photometry_width}",
        ),
    ]


def _flat(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found
