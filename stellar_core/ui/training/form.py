"""Form of a new training run, from a preset or own settings, with the memory and disk space it needs."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from stellar_core import sandbox
from stellar_core.datasets.config import DataConfig
from stellar_core.datasets.labelled_table import RANGES
from stellar_core.errors import StellarError
from stellar_core.jobs.presets import PRESETS, preset
from stellar_core.jobs.queue import THREADS, Queue
from stellar_core.jobs.resources import SMALL_FILES, check_disk, disk_needed, memory_needed, parameter_count
from stellar_core.jobs.spec import LIMITS, JobConfig, StarSource
from stellar_core.models.isochrone_config import NAME as ISOCHRONE
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.models.registry import ARCHITECTURES, ModelConfig
from stellar_core.paths import REPOSITORY
from stellar_core.quantities import FEH, LOGG, SNR, TEFF
from stellar_core.training.config import CHOICES, SETUPS, TrainingConfig
from stellar_core.ui.glossary import model_title
from stellar_core.ui.shell import escape, show_error

OWN = "own"
#: Presets and own settings.
STARTS = {**PRESETS, OWN: "Own settings"}
SOURCES = {"mock": "New MOCK stars", "catalogue": "From a catalogue", "table": "Upload a labelled table"}
LABELS = {"look-up": "looked up, as in the paper", "truth": "true values"}
#: Title, range and step of each slider.
SLIDERS = {
    "teff": (TEFF.label, 3500.0, 10_000.0, 50.0),
    "logg": (LOGG.label, 0.0, 5.5, 0.1),
    "feh": (FEH.label, -3.0, 0.8, 0.1),
    "snr": (SNR.label, 5.0, 80.0, 1.0),
}


def show_form() -> None:
    """Draw all inputs, the resources of the run and the start button."""
    chosen = st.selectbox("Start from", list(STARTS), format_func=STARTS.get, key="new_preset")
    try:
        base = _base(chosen)
    except StellarError as error:
        show_error(error)
        return
    config, table = base, None
    try:
        config, table = _inputs(chosen, base)
    except StellarError as error:
        show_error(error)
        return
    _show_needs(config)
    _show_start(config, table)


def _base(chosen: str) -> JobConfig:
    """Initial values of the inputs."""
    if chosen == OWN:
        small = DataConfig(stars=5000, calibration=500, test=500, seed=2)
        model = ModelConfig(
            spectrum_depth=2, spectrum_width=128, heads=4, photometry_width=128, fusion_depth=2, fusion_width=256
        )
        return JobConfig("My run", TrainingConfig(name="own", epochs=4, data=small, model=model), threads=THREADS)
    return preset(chosen)


def _inputs(chosen: str, base: JobConfig) -> tuple[JobConfig, bytes | None]:
    """Draw the inputs; keys contain the preset, so that each preset starts with its own values."""
    training, key = base.training, lambda name: f"new_{chosen}_{name}"
    left, right = st.columns(2, gap="large")
    with left:
        name = st.text_input("Name", base.name, max_chars=LIMITS["name"][1], key=key("name"))
        source, table = _source_inputs(base, key)
        held_out = "held-out stars of the survey" if source.store else "separate :orange-badge[MOCK] stars"
        st.markdown(f"**Number of stars**; calibration and test use {held_out}.")
        row = st.columns(3)
        stars = row[0].number_input("Training stars", *LIMITS["rows"], training.data.stars, step=100, key=key("stars"))
        held = row[1].number_input(
            "Calibration stars", *LIMITS["calibration"], training.data.calibration, step=100, key=key("held")
        )
        test = row[2].number_input("Test stars", *LIMITS["test"], training.data.test, step=100, key=key("test"))
        row = st.columns(3)
        epochs = row[0].number_input("Epochs", *LIMITS["epochs"], training.epochs, key=key("epochs"))
        batch = row[1].number_input("Batch size", *LIMITS["batch"], training.batch, step=8, key=key("batch"))
        seed = row[2].number_input("Seed", 0, 2**31 - 1, training.seed, key=key("seed"))
    with right:
        model = training.model if training.start_from else _model_inputs(training.model, key)
        if training.start_from:
            st.info(
                f"Architecture and initial weights: **{escape(model_title(training.start_from))}**.",
                icon=":material/school:",
            )
        weights, atmosphere = _weight_inputs(training, key)
        row = st.columns(3)
        balancing = row[0].selectbox(
            "Balancing", CHOICES["balancing"], CHOICES["balancing"].index(training.balancing), key=key("balance")
        )
        rate = row[1].number_input(
            "Learning rate", 1e-6, 0.1, training.learning_rate, step=1e-4, format="%.1e", key=key("rate")
        )
        validation = row[2].number_input(
            "Validation fraction", 0.0, 0.5, training.validation, step=0.05, key=key("validation")
        )
    data = replace(training.data, stars=stars, calibration=held, test=test)
    training = replace(
        training,
        model=model,
        epochs=epochs,
        batch=batch,
        seed=seed,
        balancing=balancing,
        learning_rate=rate,
        validation=validation,
        loss_weights=weights,
        atmosphere_weight=atmosphere,
        data=data,
    )
    return JobConfig(name, training, source, threads=THREADS), table


def _source_inputs(base: JobConfig, key) -> tuple[StarSource, bytes | None]:
    """Draw the inputs of the training stars."""
    kind = st.radio("Training stars from", list(SOURCES), format_func=SOURCES.get, horizontal=True, key=key("source"))
    table, store, labels = None, "", "look-up"
    if kind == "mock":
        labels = st.radio(
            "Labels for age, lifetime and stage",
            list(LABELS),
            list(LABELS).index(base.source.labels),
            format_func=LABELS.get,
            horizontal=True,
            key=key("labels"),
            help="The look-up uses the nearest track point of the measured atmosphere, as in the paper. True values "
            "are known for :orange-badge[MOCK] stars only.",
        )
    elif kind == "table":
        sandbox.warm()
        st.caption(
            "CSV with the columns star (plate-MJD-fiber or specobjid), teff, logg and feh; labels log_age, "
            "log_lifetime and stage are optional. Plates 16000 to 16383 are :orange-badge[MOCK]; other stars are "
            "downloaded from the archive."
        )
        uploaded = st.file_uploader("Labelled table, up to 20 MB", type="csv", key=key("table"))
        if uploaded is not None:
            table = uploaded.getvalue()
            st.caption(f"{_stars(table):,} stars in {escape(uploaded.name)}.")
    elif kind == "catalogue":
        stores = _stores()
        store = st.selectbox("Catalogue", list(stores), format_func=stores.get, key=key("store"))
        if store:
            st.caption(
                "One spectrum of each star, spread over the plates. A tenth of the stars each is held out for "
                "calibration and for the test; both are against labels from SSPP's parameters."
            )
        elif len(stores) == 1:
            st.caption("A survey that you fetch on page *Data* is listed here.")
    ranges = {}
    if st.toggle("Limit the range", key=key("some"), help="Ranges of the measured parameters."):
        columns = st.columns(2)
        for number, (name, (title, low, high, step)) in enumerate(SLIDERS.items()):
            limits = columns[number % 2].slider(
                title, low, high, (low, high), step=step, format=f"%.{0 if step >= 1 else 1}f", key=key(name)
            )
            if limits != (low, high):
                ranges[name] = (
                    RANGES[name][0] if limits[0] == low else limits[0],
                    RANGES[name][1] if limits[1] == high else limits[1],
                )
    return StarSource(kind, ranges, store, labels), table


def _stores() -> dict[str, str]:
    """Catalogues by the folder of their store, empty for the MOCK survey: those of page Data, and of this folder."""
    from stellar_core.catalogue.surveys import surveys

    found = {"" if survey.store is None else str(survey.store): survey.title for survey in surveys()}
    others = (path.parent for path in sorted(REPOSITORY.glob("*/store/store.json")))
    return found | {str(path): path.parent.name for path in others if str(path) not in found}


@st.cache_data(max_entries=16, show_spinner="Reading the table")
def _stars(table: bytes) -> int:
    """Number of stars in a labelled table; raises `StellarError`."""
    return len(sandbox.read_star_table(table))


def _model_inputs(model: ModelConfig | IsochroneConfig, key) -> ModelConfig | IsochroneConfig:
    """Draw the inputs of architecture and sizes."""
    names = [*ARCHITECTURES, ISOCHRONE]

    def title(name: str) -> str:
        return "9 · Neural posterior over MIST stars" if name == ISOCHRONE else f"{ARCHITECTURES[name].number} · {name}"

    name = st.selectbox("Architecture", names, names.index(model.name), format_func=title, key=key("model"))
    if name != ISOCHRONE:
        st.caption(ARCHITECTURES[name].description)
    begin = model if name == model.name else IsochroneConfig(depth=2, width=96) if name == ISOCHRONE else None
    if begin is None:
        begin = replace(model, name=name) if isinstance(model, ModelConfig) else ModelConfig(name=name)
    if name == ISOCHRONE:
        sizes = ("depth", "width", "heads", "embedding_depth", "embedding_width")
    else:
        sizes = tuple(
            size for size in ARCHITECTURES[name].settings if size not in ("dropout", "bounded", "patch", "channels")
        )
    columns, values = st.columns(2), {}
    for number, size in enumerate(sizes):
        low, high = LIMITS.get(size.rpartition("_")[2], (1, 32))
        step = 8 if size.endswith("width") else 1
        values[size] = columns[number % 2].number_input(
            size.replace("_", " ").capitalize(), low, high, getattr(begin, size), step=step, key=key(f"{name}_{size}")
        )
    return replace(begin, **values)


def _weight_inputs(training: TrainingConfig, key) -> tuple[tuple[float, float, float], float]:
    """Draw the inputs of the loss weights."""
    if isinstance(training.model, IsochroneConfig) and training.start_from:
        return training.task_weights, training.atmosphere_weight
    st.markdown("**Weights of the losses**")
    columns = st.columns(4)
    help_text = "The paper's " + "; ".join(
        f"Setup {name}: {', '.join(map(str, values))}" for name, values in SETUPS.items()
    )
    names = ("Age", "Lifetime", "Stage")
    weights = tuple(
        columns[number].number_input(
            name, 0.0, 10.0, training.task_weights[number], step=0.05, key=key(f"weight{number}"), help=help_text
        )
        for number, name in enumerate(names)
    )
    return weights, columns[3].number_input(
        "Atmosphere", 0.0, 10.0, training.atmosphere_weight, step=0.1, key=key("atmosphere")
    )


def _show_needs(config: JobConfig) -> None:
    """Memory, disk space and number of weights of the run."""
    weights, data = _weights(config.training.model), config.training.data
    on_disk = bool(config.source.store)
    with st.container(horizontal=True, gap="large"):
        memory = memory_needed(config.training, weights, on_disk=on_disk)
        st.metric("Memory", f"{memory / 1e9:.1f} GB", width="content")
        disk = disk_needed(weights, data.stars if on_disk else 0)
        st.metric("Disk", f"{disk / 1e9:.1f} GB" if on_disk else f"{disk / 1e6:.0f} MB", width="content")
        st.metric("Weights", f"{weights:,}", width="content")


@st.cache_data(max_entries=64, show_spinner=False)
def _weights(model: ModelConfig | IsochroneConfig) -> int:
    """Number of weights of a network."""
    return parameter_count(model)


def _show_start(config: JobConfig, table: bytes | None) -> None:
    """Button that adds the job to the queue and shows it."""
    missing = config.source.kind == "table" and table is None
    help_text = "Upload the table first." if missing else None
    if not st.button(
        "Start", type="primary", icon=":material/play_arrow:", key="start", disabled=missing, help=help_text
    ):
        return
    try:
        queue = Queue()
        queue.folder.mkdir(parents=True, exist_ok=True)
        check_disk(queue.folder, 10 * SMALL_FILES)
        job = queue.submit(config, table)
        queue.start_next()
    except (StellarError, OSError) as error:
        show_error(error)
        return
    st.session_state.update(part_next="Runs", job_next=job.id)
    st.rerun()
