"""One job as it goes: how far, its curves, its predictions, its log, and what can be done with it."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.figures.training import loss_figure, sample_figure, watched_figure
from stellar_core.jobs.comparison import QUANTITIES, metrics
from stellar_core.jobs.folder import Job
from stellar_core.jobs.model_registry import adopt, adopted_from, model_name
from stellar_core.jobs.queue import Queue
from stellar_core.jobs.spec import LIMITS
from stellar_core.jobs.status import Status
from stellar_core.training.console import duration
from stellar_core.ui.shell import ROOT, show_error, on_phone, palette, escape, show_plot

#: State -> colour of its badge and symbol.
BADGES = {
    "queued": ("gray", "schedule"),
    "starting": ("blue", "hourglass_top"),
    "running": ("blue", "model_training"),
    "cancelled": ("orange", "cancel"),
    "failed": ("red", "error"),
    "done": ("green", "check_circle"),
}


#: Quantities as people write them.
NAMES = {"log_age": "log age", "log_lifetime": "log lifetime", "teff": "Teff", "logg": "log g", "feh": "[Fe/H]"}


def panels() -> dict[str, int]:
    """How the figures of several panels are laid out: two in a row on a phone."""
    return {"columns": 2, "height": 200} if on_phone() else {}


def show_job(job_id: str) -> None:
    """The job, redrawn every second for as long as it is under way; the queue is looked after meanwhile."""
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
        st.rerun()  # another one was chosen in a callback of this part
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
        f"{escape(config.name)} :{colour}-badge[:material/{icon}: {status.state}] :orange-badge[MOCK]", anchor=False
    )
    if config.note:
        st.caption(escape(config.note))
    _show_progress(status)
    _show_actions(queue, job, status)
    _show_result(job, status)
    _show_curves(job)
    with st.expander("Log", expanded=status.state == "failed"):
        st.code("\n".join(job.log(30)) or "Nothing yet.", language=None, wrap_lines=True)
    with st.expander("Settings"):
        st.json(config.to_dict(), expanded=1)


def _show_progress(status: Status) -> None:
    """How far it is and how long it takes yet, or why it ended."""
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
        st.info("Waits until the run before it has ended.", icon=":material/schedule:")
    facts = [f"worked {duration(status.seconds)}"] if status.seconds else []
    facts += [f"{status.peak_mb:,.0f} MB of memory"] if status.peak_mb else []
    facts += [f"attempt {status.attempts}"] if status.attempts > 1 else []
    if facts:
        st.caption(" · ".join(facts))


def _show_actions(queue: Queue, job: Job, status: Status) -> None:
    """Buttons for what this state allows."""
    with st.container(horizontal=True):
        if status.state in ("queued", "starting", "running"):
            waiting = status.active and job.cancel_file.exists()
            st.button(
                "Ending after this batch" if waiting else "Cancel",
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
                help="Goes on from the last checkpoint.",
            )
        if status.state in ("cancelled", "failed", "done"):
            st.button(
                "Retry",
                icon=":material/replay:",
                key="retry",
                on_click=_retry,
                args=(queue, job),
                help="A new run with the same settings, from nothing.",
            )
        with st.popover("Name and note", icon=":material/edit:"):
            st.text_input("Name", job.config.name, max_chars=LIMITS["name"][1], key=f"name_{job.id}")
            st.text_area("Note", job.config.note, max_chars=LIMITS["note"][1], key=f"note_{job.id}")
            st.button("Save", key="save", on_click=_do, args=(_rename, job))
        if not status.active:
            with st.popover("Delete", icon=":material/delete:"):
                st.write("The run, its log and its checkpoints go; a model adopted from it stays.")
                st.button("Delete it", key="delete", on_click=_delete, args=(queue, job))
        with st.popover("Link", icon=":material/link:"):
            address = urlsplit(st.context.url or "")
            base = f"{address.scheme}://{address.netloc}" if address.netloc else ""
            st.code(f"{base}/training?job={job.id}", language=None)
    if error := st.session_state.pop("job_error", None):
        show_error(error)


def _do(action, job: Job) -> None:
    """Carry out an action in a callback; its error is shown by the next run."""
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
    """What the finished model is worth on MOCK test stars, and its way into the app."""
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
                    "": NAMES[name],
                    "RMSE": f"{best:.3g} {unit}",
                    "always the mean": f"{constant:.3g} {unit}",
                    "R²": f"{figures['r2']:.2f}",
                }
            )
    if stage := found.get("stage"):
        rows.append(
            {
                "": "stage",
                "RMSE": f"F1 {stage['macro_f1']:.2f}",
                "always the mean": f"F1 {stage['macro_f1_constant']:.2f}",
                "R²": "",
            }
        )
    if rows:
        known = card.get("exact_posterior_from_pipeline_parameters_mock_test", {})
        exact = known.get("log_age")
        st.markdown(
            f"**On {found.get('n', 0):,} :orange-badge[MOCK] test stars** ({view}), calibrated, against the truth"
        )
        st.table(rows)
        if exact is not None:
            st.caption(
                f"The exact posterior from pipeline parameters, of {known['stars']} of these stars: log age RMSE {exact['rmse']:.3f} dex "
                f"(always the mean {exact['rmse_constant']:.3f})."
            )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the model", model_name(job.name), key=f"adopt_{job.id}", width=260)
        st.button(
            "Adopt",
            icon=":material/download_done:",
            key="adopt",
            type="primary",
            on_click=_do,
            args=(_adopt, job),
            help="It joins the app's models; none is ever replaced.",
        )
        for model in adopted_from(job):
            st.page_link(
                ROOT / "pages" / "star.py",
                label=f"Ask {model} about a star",
                icon=":material/star:",
                query_params={"model": model},
            )


def _show_curves(job: Job) -> None:
    """Losses, figures on the watched stars, and their last predictions."""
    curve, history, epochs, sample = job.curve(), job.history(), job.epochs(), job.sample()
    if curve or history:
        names = list((curve[-1] if curve else {"losses": history[-1]["train"]})["losses"])[::-1]
        part = st.segmented_control("Loss", names, default=names[0], key="loss") or names[0]
        figure = loss_figure(curve, history, part, revision=f"{job.id} {part}", palette=palette())
        show_plot(figure, "losses", f"{job.id}-loss", "Loss by epochs")
    if epochs:
        st.markdown(
            f"**On {epochs[-1]['n']} :orange-badge[MOCK] stars that nothing is fitted to**, before calibration; dashed: always the mean"
        )
        show_plot(
            watched_figure(epochs, revision=job.id, palette=palette(), **panels()),
            "watched",
            f"{job.id}-figures",
            "Figures by epochs",
        )
    if sample:
        st.markdown(f"**Predictions after epoch {sample['epoch']}** for these stars")
        show_plot(
            sample_figure(sample, revision=job.id, palette=palette(), **panels()),
            "sample",
            f"{job.id}-sample",
            "Predicted against true",
        )
