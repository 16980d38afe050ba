"""The Experiments page, from the stored results of ``python -m stellar_core phase``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.experiments.differences import differences
from stellar_core.experiments.paper_checks import checks
from stellar_core.experiments.tables import stars_in_words
from stellar_core.experiments.verdict import RULE
from stellar_core.export import frame_to_csv
from stellar_core.figures.palette import DARK
from stellar_core.paths import TRAINED_DIR
from stellar_core.ui.shell import escape, on_phone, palette, show_plot

if TYPE_CHECKING:
    import plotly.graph_objects as go

EXPERIMENTS = TRAINED_DIR / "experiments"
SURVEY = "-survey"
PHASES = {1: "Phase I: eight architectures", 2: "Phase II: coordinate ascent", 3: "Phase III: loss weights"}
_KINDS = {"": "MOCK stars", SURVEY: "Fetched survey"}
#: Verdict -> its badge.
MARKS = {"confirmed": ":green-badge[confirmed]", "not confirmed": ":red-badge[not confirmed]"}
LOSSES = ("total", "age", "lifetime", "stage")
#: Number of runs plotted by default.
SHOWN = 6
#: Labels that distinguish runs, as shown.
NAMED = {
    "setup": "Setup {}",
    "experiment": "Experiment {}",
    "model": "Model {}",
    "spectrum_depth": "depth {}",
    "spectrum_width": "width {}",
    "photometry_depth": "MLP depth {}",
    "photometry_width": "MLP width {}",
    "fusion_depth": "fusion depth {}",
    "fusion_width": "fusion width {}",
    "bounded": "bounded {}",
    "seed": "seed {}",
}


@st.cache_data(max_entries=6, show_spinner=False)
def _read(path: str, stamp: int) -> dict[str, object]:
    return json.loads(Path(path).read_text())


def choose_phase() -> dict[str, object] | None:
    """Stored results of the chosen phase; None if there are none."""
    stored = {kind: _stored(kind) for kind in ("", SURVEY)}
    every = [results for phases in stored.values() for results in phases.values()]
    st.markdown(
        f"{_answer(*every)}The paper compares eight networks on labels looked up from SDSS parameters. Its experiments "
        "are repeated here on :orange-badge[MOCK] stars, or on a fetched survey, beside a constant predictor and the "
        "exact posterior."
    )
    kind = ""
    if stored[SURVEY]:
        kind = st.segmented_control(
            "Stars", list(stored), default="", format_func=_KINDS.get, key="experiment_stars", required=True
        )
    phases = stored[kind]
    found = list(phases)
    if not found:
        st.info("No results yet. Run `python -m stellar_core phase 1 --publish`.", icon=":material/science:")
        return None
    kept = st.query_params.get("phase")
    start = found.index(int(kept)) if kept and kept.isdigit() and int(kept) in found else 0
    number = st.segmented_control(
        "Phase", found, default=found[start], format_func=PHASES.get, key="phase", required=True
    )
    st.query_params["phase"] = str(number)
    results = phases[number]
    settings = results["settings"]
    if results.get("edition"):
        st.warning(f"{escape(results['edition'])}.", icon=":material/history:")
    st.caption(
        f"{escape(stars_in_words(results))}: {settings['train_stars']:,} for training and validation, "
        f"{settings['test_stars']:,} for tests; at most {settings['epochs']} epochs, {settings['seeds']} "
        f"seed{'s' if settings['seeds'] > 1 else ''}, preset “{settings['preset']}”."
    )
    return results


def _stored(kind: str) -> dict[int, dict[str, object]]:
    """Stored results by phase, of MOCK stars or of a survey."""
    paths = {number: EXPERIMENTS / f"phase{number}{kind}.json" for number in PHASES}
    return {number: _read(str(path), path.stat().st_mtime_ns) for number, path in paths.items() if path.exists()}


def _answer(*phases: dict[str, object]) -> str:
    """How many claims are confirmed, as a sentence."""
    verdicts = [found["verdict"] for results in phases for found in results["findings"]]
    if not verdicts:
        return ""
    told = [f"{verdicts.count(word)} {word}" for word in (*MARKS, "inconclusive") if verdicts.count(word)]
    return f"**Of {len(verdicts)} claims of the paper, {', '.join(told)}.** "


def show_findings(results: dict[str, object]) -> None:
    """Verdict on each of the paper's claims in this phase, the rule, and the paper's own figures."""
    st.subheader("Claims of the paper", anchor=False)
    reasons = [found["reason"].split("; ") if found["reason"] else [] for found in results["findings"]]
    common = [reason for reason in reasons[0] if all(reason in others for others in reasons)] if reasons else []
    told = f" Nothing follows from any of these runs: {escape('; '.join(common))}." if common else ""
    st.markdown(f"*Ours* is the share of the constant predictor's error that a network removes.{told}")
    for found in results["findings"]:
        verdict = MARKS.get(found["verdict"]) or f":gray-badge[{escape(found['verdict'])}]"
        paper, ours = escape(found["paper"]), escape(found["ours"])
        own = [reason for reason in found["reason"].split("; ") if reason and reason not in common]
        why = f" Nothing follows: {escape('; '.join(own))}." if own else ""
        st.markdown(f"{verdict} **{escape(found['claim'])}**  \nPaper: {paper} Ours: {ours}{why}")
    with st.expander("The rule"):
        st.markdown(escape(RULE))
        st.markdown("\n".join(f"- {escape(note)}" for note in results["notes"]))
    with st.expander("What the paper's own figures say"):
        for found in checks():
            st.markdown(f"**{escape(found['title'])}.** {escape(found['text'])}")


def show_differences() -> None:
    """The paper's training and ours, setting by setting."""
    import pandas as pd

    st.subheader("The paper's training and ours", anchor=False)
    frame = pd.DataFrame(differences())
    st.markdown(
        f"The presets *paper* and *ours* differ in {int((frame['Preset paper'] != frame['Preset ours']).sum())} "
        "settings; the others listed are left open by the paper, or differ in the model that is shipped."
    )
    st.dataframe(frame, hide_index=True, key="differences", row_height=30)


def show_tables(results: dict[str, object]) -> None:
    """One table, with a figure if the paper prints its numbers, and a download."""
    import pandas as pd

    from stellar_core.figures.paper_comparison import comparison_with_paper_figure, pairs

    st.subheader("Tables", anchor=False)
    title = st.selectbox("Table", list(results["tables"]), key=f"table_{results['phase']}")
    rows = results["tables"][title]
    if pairs(rows):
        show_plot(
            comparison_with_paper_figure(rows, across=not on_phone(), palette=palette()),
            "paper_comparison",
            f"phase{results['phase']}",
            f"{title}: the paper's results and ours on {stars_in_words(results)}",
        )
    frame = pd.DataFrame(rows).dropna(axis=1, how="all")
    st.dataframe(frame, hide_index=True, key="experiment_table", row_height=30)
    st.caption("(paper): the paper's value; (spread): standard deviation over seeds.")
    st.download_button(
        "Download the table (CSV)",
        frame_to_csv(frame),
        file_name=f"phase{results['phase']}-{'survey' if results.get('survey') else 'mock'}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _titles(results: dict[str, object]) -> dict[str, dict[str, object]]:
    """Runs by a title of the labels that distinguish them."""
    labels = [trial["labels"] for trial in results["trials"]]
    distinct = [name for name in NAMED if len({str(label.get(name)) for label in labels}) > 1]
    found = {}
    for trial in results["trials"]:
        own = trial["labels"]
        title = ", ".join(NAMED[name].format(own[name]) for name in distinct if name in own)
        title = title.replace("bounded True", "bounded").replace("bounded False", "unbounded")
        found[title if title and title not in found else trial["name"]] = trial
    return found


def show_curves(results: dict[str, object]) -> None:
    """Loss by epoch of selected runs."""
    from stellar_core.figures.experiments import learning_figure

    st.subheader("Learning curves", anchor=False)
    trials = _titles(results)
    chosen = st.multiselect("Runs", list(trials), default=list(trials)[:SHOWN], key=f"runs_{results['phase']}")
    loss = st.segmented_control("Loss", LOSSES, default="total", key="loss", required=True)
    if chosen:
        figure = learning_figure({name: trials[name]["curves"] for name in chosen}, loss, palette=palette())
        what = f"{loss} loss by epoch of {len(chosen)} runs on {stars_in_words(results)}"
        show_plot(figure, "learning", f"learning-{loss}", what)
        st.caption("Lines: validation; faint lines: training.")


def show_errors(results: dict[str, object]) -> None:
    """Distribution of age errors of selected runs (the paper's Fig. 3)."""
    from stellar_core.evaluation.scores import ERROR_EDGES
    from stellar_core.figures.experiments import errors_figure

    st.subheader("Errors of log age", anchor=False)
    trials = _titles(results)
    chosen = st.multiselect("Runs", list(trials), default=list(trials)[:SHOWN], key=f"errors_{results['phase']}")
    counts = {name: trials[name]["test"]["natural"]["age_errors"] for name in chosen}
    if st.toggle("Show floor and constant predictor", value=True, key="baselines"):
        baselines = results["yardsticks"]["natural"]
        counts |= {key: baselines[key]["age_errors"] for key in ("floor", "constant") if key in baselines}
    show_plot(
        errors_figure(counts, ERROR_EDGES, palette=palette()),
        "errors",
        "age-errors",
        f"Distributions of predicted minus labelled log age of test stars: {stars_in_words(results)}",
    )
    st.caption(
        f"Test stars in their natural proportions, {escape(stars_in_words(results))}; the outermost bins contain all "
        "errors beyond 2 dex."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _architecture(name: str, dark: bool) -> go.Figure:
    from stellar_core.figures.architecture import architecture_figure
    from stellar_core.models.layout import layout
    from stellar_core.models.registry import ModelConfig

    return architecture_figure(layout(ModelConfig(name=name)), palette(), name)


def show_architecture() -> None:
    """Block diagram of a network of Table 1."""
    from stellar_core.models.registry import ARCHITECTURES

    st.subheader("The eight architectures", anchor=False)
    names = {entry.number: name for name, entry in ARCHITECTURES.items()}
    number = st.selectbox(
        "Model of Table 1", list(names), index=5, format_func=lambda k: f"{k}. {names[k]}", key="model"
    )
    show_plot(
        _architecture(names[number], palette() is DARK),
        "architecture",
        f"model-{number}",
        f"Block diagram of model {number}, {names[number]}",
    )
