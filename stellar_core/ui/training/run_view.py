"""One training run: progress, actions, results, curves, predictions and log."""

from __future__ import annotations

import streamlit as st

from stellar_core import quantities
from stellar_core.errors import StellarError
from stellar_core.figures.training import loss_figure, monitored_figure, sample_figure
from stellar_core.jobs.comparison import QUANTITIES, metrics
from stellar_core.jobs.folder import Job
from stellar_core.jobs.model_registry import adopt, adopted_from, model_name
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.spec import LIMITS
from stellar_core.jobs.status import Status
from stellar_core.paths import REPOSITORY
from stellar_core.training.console import duration
from stellar_core.ui.shell import app_address, escape, on_phone, palette, show_error, show_plot

#: State -> colour of its badge and symbol.
BADGES = {
    "queued": ("gray", "schedule"),
    "starting": ("blue", "hourglass_top"),
    "running": ("blue", "model_training"),
    "cancelled": ("orange", "cancel"),
    "failed": ("red", "error"),
    "done": ("green", "check_circle"),
}


def panels() -> dict[str, int]:
    """Layout of figures with several panels: two per row on a phone."""
    return {"columns": 2, "height": 200} if on_phone() else {}


def show_job(job_id: str) -> None:
    """Draw a job, every second while it is active; this also starts queued jobs."""
    state = _state(job_id)
    moving = state in ("queued", "starting", "running")
    st.fragment(_show, run_every="1s" if moving else None)(job_id, state)


def _state(job_id: str) -> str:
    try:
        return Queue().find(job_id).status().state
    except StellarError:
        return "gone"


def _show(job_id: str, drawn: str) -> None:
    if st.session_state.get("job") != job_id:
        st.rerun()  # another run was selected in a callback
    queue = Queue()
    try:
        queue.start_next()
        job = queue.find(job_id)
        config = job.config
    except StellarError as error:
        show_error(error)
        return
    status = job.status()
    if status.state != drawn:
        st.rerun()
    colour, icon = BADGES[status.state]
    st.subheader(
        f"{escape(config.name)} :{colour}-badge[:material/{icon}: {status.state}] {_origin(job)}", anchor=False
    )
    if config.note:
        st.caption(escape(config.note))
    _show_progress(status)
    _show_actions(queue, job, status)
    _show_result(job, status)
    _show_curves(job)
    with st.expander("Log", expanded=status.state == "failed"):
        st.code("\n".join(job.log(30)) or "Empty.", language=None, wrap_lines=True)
    with st.expander("Settings"):
        st.json(config.to_dict(), expanded=1)


def _origin(job: Job) -> str:
    """Badge of the test stars: MOCK, or the survey."""
    if not job.config.source.store:
        return ":orange-badge[MOCK]"
    kind = str((job.card or {}).get("data_kind", "survey"))
    return f":{'orange' if 'MOCK' in kind else 'green'}-badge[{escape(kind)}]"


def _stars(job: Job) -> str:
    """Stars of the test and of the monitoring in words."""
    if not job.config.source.store:
        return ":orange-badge[MOCK] test stars"
    return "held-out stars of the survey, against their SSPP-derived labels"


def _show_progress(status: Status) -> None:
    """Progress and remaining time, or the reason why the job ended."""
    if status.state in ("cancelled", "failed"):
        show = st.error if status.state == "failed" else st.warning
        show(escape(status.reason), icon=":material/info:")
    if status.active:
        share = min(1.0, status.done / status.total) if status.total else 0.0
        words = [status.phase]
        if status.total:
            words.append(f"{status.done:,} of {status.total:,}")
        if status.phase == "training":
            words[0] = f"training, epoch {status.epoch} of {status.epochs}"
            if status.seconds_left is not None:
                words.append(f"about {duration(status.seconds_left)} left, then calibration and tests")
        st.progress(share, ", ".join(words))
    elif status.state == "queued":
        st.info("Waiting for the previous run to end.", icon=":material/schedule:")
    facts = [f"ran for {duration(status.seconds)}"] if status.seconds else []
    facts += [f"{status.peak_mb:,.0f} MB of memory"] if status.peak_mb else []
    facts += [f"attempt {status.attempts}"] if status.attempts > 1 else []
    if facts:
        st.caption(" · ".join(facts))


def _show_actions(queue: Queue, job: Job, status: Status) -> None:
    """Buttons for the actions that this state allows."""
    with st.container(horizontal=True):
        if status.state in ("queued", "starting", "running"):
            waiting = status.active and job.cancel_file.exists()
            st.button(
                "Stopping after this batch" if waiting else "Cancel",
                icon=":material/stop:",
                key="cancel",
                disabled=waiting,
                on_click=_do,
                args=(queue.cancel, job),
            )
        if status.state in ("cancelled", "failed"):
            st.button(
                "Resume",
                icon=":material/play_arrow:",
                key="resume",
                type="primary",
                on_click=_do,
                args=(queue.resume, job),
                help="Continue from the last checkpoint.",
            )
        if status.state in ("cancelled", "failed", "done"):
            st.button(
                "Retry",
                icon=":material/replay:",
                key="retry",
                on_click=_retry,
                args=(queue, job),
                help="Start a new run with the same settings.",
            )
        with st.popover("Name and note", icon=":material/edit:"):
            st.text_input("Name", job.config.name, max_chars=LIMITS["name"][1], key=f"name_{job.id}")
            st.text_area("Note", job.config.note, max_chars=LIMITS["note"][1], key=f"note_{job.id}")
            st.button("Save", key="save", on_click=_do, args=(_rename, job))
        if not status.active:
            with st.popover("Delete", icon=":material/delete:"):
                st.write("Deletes the run with its log and checkpoints. A model added from it is kept.")
                st.button("Delete this run", key="delete", on_click=_delete, args=(queue, job))
        with st.popover("Link", icon=":material/link:"):
            st.code(f"{app_address()}/training?job={job.id}", language=None)
    if error := st.session_state.pop("job_error", None):
        show_error(error)


def _do(action, job: Job) -> None:
    """Callback: carry out an action; the next run of the page shows its error."""
    try:
        action(job)
        Queue().start_next()
    except (StellarError, OSError) as error:
        st.session_state.job_error = error


def _rename(job: Job) -> None:
    state = st.session_state
    Queue().change(job, name=state[f"name_{job.id}"], note=state[f"note_{job.id}"])


def _adopt(job: Job) -> None:
    adopt(job, st.session_state[f"adopt_{job.id}"])


def _retry(queue: Queue, job: Job) -> None:
    def again(job: Job) -> None:
        st.session_state.job = queue.retry(job).id

    _do(again, job)


def _delete(queue: Queue, job: Job) -> None:
    def remove(job: Job) -> None:
        queue.delete(job)
        st.session_state.pop("job", None)

    _do(remove, job)


def _show_result(job: Job, status: Status) -> None:
    """Errors of the finished model on its test stars, and the button that adds it to the app."""
    card = job.card if status.state == "done" else None
    if card is None:
        return
    view, found = metrics(card)
    rows = []
    for name, unit in QUANTITIES.items():
        if figures := found.get(name):
            best, constant = figures["rmse"], figures["rmse_constant"]
            rows.append(
                {
                    "": quantities.QUANTITIES[name].title,
                    "RMSE": f"{best:.3g} {unit}",
                    "constant predictor": f"{constant:.3g} {unit}",
                    "R²": f"{figures['r2']:.2f}",
                }
            )
    if stage := found.get("stage"):
        rows.append(
            {
                "": "stage",
                "RMSE": f"F1 {stage['macro_f1']:.2f}",
                "constant predictor": f"F1 {stage['macro_f1_constant']:.2f}",
                "R²": "",
            }
        )
    if rows:
        known = card.get("exact_posterior_from_pipeline_parameters_mock_test", {})
        exact = known.get("log_age")
        st.markdown(f"**Errors on {found.get('n', 0):,} {_stars(job)}** ({view}), after calibration")
        st.table(rows)
        if exact is not None:
            st.caption(
                f"For comparison, exact posterior from pipeline parameters for {known['stars']} of these stars: RMSE "
                f"of log age {exact['rmse']:.3f} dex (constant predictor: {exact['rmse_constant']:.3f} dex)."
            )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the model", model_name(job.name), key=f"adopt_{job.id}", width=260)
        st.button(
            "Add to the app",
            icon=":material/download_done:",
            key="adopt",
            type="primary",
            on_click=_do,
            args=(_adopt, job),
            help="Adds it to the models on all pages; no model is replaced.",
        )
        for model in adopted_from(job):
            st.page_link(
                REPOSITORY / "pages" / "star.py",
                label=f"Use {model} on a star",
                icon=":material/star:",
                query_params={"model": model},
            )


def _show_curves(job: Job) -> None:
    """Losses, metrics on the monitored stars, and their last predictions."""
    curve, history, epochs, sample = job.curve(), job.history(), job.epochs(), job.sample()
    if curve or history:
        names = list((curve[-1] if curve else {"losses": history[-1]["train"]})["losses"])[::-1]
        part = st.segmented_control("Loss", names, default=names[0], key="loss") or names[0]
        figure = loss_figure(curve, history, part, revision=f"{job.id} {part}", palette=palette())
        show_plot(figure, "losses", f"{job.id}-loss", "Loss by epoch")
    if epochs:
        stars = (
            "calibration stars of the survey" if job.config.source.store else "independent :orange-badge[MOCK] stars"
        )
        st.markdown(f"**Metrics on {epochs[-1]['n']} {stars}**, before calibration; dashed: constant predictor")
        show_plot(
            monitored_figure(epochs, revision=job.id, palette=palette(), **panels()),
            "monitored",
            f"{job.id}-metrics",
            "Metrics by epoch",
        )
    if sample:
        st.markdown(f"**Predictions for these stars** after epoch {sample['epoch']}")
        show_plot(
            sample_figure(sample, revision=job.id, palette=palette(), **panels()),
            "sample",
            f"{job.id}-sample",
            "Predicted against true",
        )
