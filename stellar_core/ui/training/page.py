"""The Training page: runs, new run, and comparison of runs."""

from __future__ import annotations

import streamlit as st

from stellar_core.figures.training import compared_figure
from stellar_core.jobs.comparison import compare
from stellar_core.jobs.queue import Queue
from stellar_core.ui.shell import escape, palette, show_plot
from stellar_core.ui.training.run_view import panels, show_job

PARTS = ("Runs", "New run", "Compare")
#: Columns of the comparison: title and format.
COLUMNS = {
    "name": ("Run", None),
    "state": ("State", None),
    "architecture": ("Architecture", None),
    "source": ("Stars from", None),
    "training_stars": ("Stars", "%d"),
    "epochs": ("Epochs", "%d"),
    "balancing": ("Balancing", None),
    "seconds": ("Time (s)", "%.0f"),
    "teff_rmse": ("Teff RMSE (K)", "%.0f"),
    "teff_rmse_constant": ("… constant", "%.0f"),
    "log_age_rmse": ("log age RMSE", "%.3f"),
    "log_age_rmse_constant": ("… constant", "%.3f"),
    "log_age_rmse_exact_posterior": ("… exact posterior", "%.3f"),
    "log_age_r2": ("log age R²", "%.2f"),
    "log_lifetime_rmse": ("log lifetime RMSE", "%.3f"),
    "log_lifetime_rmse_constant": ("… constant ", "%.3f"),
    "stage_macro_f1": ("Stage F1", "%.2f"),
    "coverage_68": ("68 % coverage", "%.2f"),
    "note": ("Note", None),
}
#: Largest number of runs in one figure.
MOST = 5


def choose_part() -> str:
    """Draw the choice of `PARTS`; a run that was just started is selected."""
    for key in ("part", "job"):
        if value := st.session_state.pop(f"{key}_next", None):
            st.session_state[key] = value
    if "part" not in st.session_state:
        st.session_state.part = "Runs" if Queue().jobs() else "New run"
    return st.segmented_control("Part", PARTS, key="part", label_visibility="collapsed") or "Runs"


def show_runs() -> None:
    """List of runs and the selected one, which is kept in the address."""
    jobs = Queue().jobs()
    wanted = st.query_params.get("job")
    if not jobs:
        st.info("There is no run yet. Start one under *New run*.", icon=":material/info:")
        return
    ids = [job.id for job in jobs]
    if wanted and wanted not in ids and st.session_state.get("job") not in ids:
        st.session_state.job_gone = wanted
    states = {job.id: f"{job.number} · {job.name} · {job.status().state}" for job in jobs}
    if st.session_state.get("job") not in ids:
        st.session_state.job = wanted if wanted in ids else ids[0]
    chosen = st.selectbox(
        "Run",
        ids,
        format_func=states.get,
        key="job",
        on_change=lambda: st.session_state.pop("job_gone", None),
        help="Runs are executed one at a time, in order.",
    )
    if gone := st.session_state.get("job_gone"):
        st.warning(f"There is no run {escape(gone[:60])}.", icon=":material/info:")
    st.query_params["job"] = chosen
    show_job(chosen)


def show_comparison() -> None:
    """Table of all runs, and curves of some."""
    jobs = Queue().jobs()
    rows = compare(jobs)
    if not rows:
        st.info("There is no run to compare yet.", icon=":material/info:")
        return
    st.caption("Errors on :orange-badge[MOCK] test stars after calibration; test stars depend on the seed of the run.")
    config = {
        name: st.column_config.NumberColumn(title, format=format_) if format_ else st.column_config.TextColumn(title)
        for name, (title, format_) in COLUMNS.items()
    }
    table = [{name: row.get(name) for name in COLUMNS} for row in rows]
    st.dataframe(table, column_config=config, hide_index=True, placeholder="")
    watched = {f"{job.number} · {job.name}": job.epochs() for job in jobs}
    drawable = [name for name, epochs in watched.items() if epochs]
    if not drawable:
        return
    chosen = st.multiselect("Curves of", drawable, drawable[:2], max_selections=MOST, key="compared_runs")
    st.markdown("**Metrics on independent :orange-badge[MOCK] stars**, before calibration; dashed: constant predictor")
    if chosen:
        figure = compared_figure(
            {name: watched[name] for name in chosen}, revision=" ".join(chosen), palette=palette(), **panels()
        )
        show_plot(figure, "compared", "runs", "Metrics of several runs by epoch")
