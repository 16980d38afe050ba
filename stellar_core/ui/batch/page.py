"""The Batch page: inputs, settings and progress."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core import sandbox
from stellar_core.errors import StellarError
from stellar_core.model_store import DEFAULT_MODEL, list_networks, model_folder, read_model
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP, model_title
from stellar_core.ui.shell import escape, show_error

if TYPE_CHECKING:
    import pyarrow as pa

    from stellar_core.batch.inputs import Inputs
    from stellar_core.batch.worker import ChunkResult, EstimateSettings

PASSES = 50
INTRODUCTION = """
Age, lifetime and stage with error bars for up to **500 stars**, one row per input; a row without a result states the
reason. The command line takes longer lists and can resume:
`python -m stellar_core batch --list ids.csv --out results.parquet`.
"""


@dataclass
class Run:
    """One batch of a session; results are kept when the page reruns.

    Attributes
    ----------
    key : str
        Equal for equal inputs and settings.
    inputs : Inputs
    settings : EstimateSettings
    results : dict of int to ChunkResult
        Finished groups by number.
    stopped : bool
        True if the user stopped it.
    """

    key: str
    inputs: Inputs
    settings: EstimateSettings
    results: dict[int, ChunkResult] = field(default_factory=dict)
    stopped: bool = False

    @property
    def rows(self) -> int:
        """Number of finished rows."""
        return sum(part.rows for part in self.results.values())

    @property
    def transient_error(self) -> str:
        """First error that a new attempt may fix, such as a lost connection; empty without one."""
        return next((part.transient for part in self.results.values() if part.transient), "")

    def table(self) -> pa.Table:
        """Finished rows in order."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pa.concat_tables(pq.read_table(io.BytesIO(self.results[number].data)) for number in sorted(self.results))


def choose() -> Run | None:
    """Draw the inputs and return the batch of this session; None before the first."""
    sandbox.warm()
    st.markdown(INTRODUCTION)
    st.button("Fill in 20 stars :orange-badge[MOCK]", icon=":material/auto_awesome:", on_click=_fill_in)
    with st.form("batch", border=True):
        left, right = st.columns([1.3, 1], gap="large")
        text = left.text_area(
            "Identifiers, one per line",
            key="batch_text",
            height=190,
            help="Any identifier that the Star page accepts.",
            placeholder="3223-54865-170\n4037614591814901760\nspec-0422-51811-0260.fits\n179.73687 -2.06327",
        )
        file = right.file_uploader(
            "or a file (used instead): a list of identifiers, or a zip archive of spectra",
            key="batch_file",
            help="A table (CSV, ECSV, FITS, VOTable, Parquet) needs the columns specObjID, or plate, "
            "MJD and fiberID, or RA and Dec; a text file needs one identifier per line. An archive gives one row per "
            "member.",
        )
        names = sorted(list_networks(), key=lambda name: name != DEFAULT_MODEL)
        model = right.selectbox("Model", names, key="batch_model", format_func=model_title, help=HELP["model"])
        submitted = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:")
    if submitted:
        with st.spinner("Reading the inputs"):
            _begin(text, file, model)
    return st.session_state.get("batch_run")


def _fill_in() -> None:
    from stellar_core.mock.survey import MockSurvey

    st.session_state.batch_text = "\n".join(star.name for star in MockSurvey().star_ids(16000)[:20])


def _begin(text: str, file: io.BytesIO | None, model: str) -> None:
    """Start the requested batch, unless it is the current one."""
    from stellar_core.batch.worker import EstimateSettings

    try:
        data = text.encode("utf-8", "replace") if file is None else file.getvalue()
        settings = EstimateSettings(model, str(read_model(model_folder(model))[1]["sha256"]), PASSES, 0)
        key = f"{hashlib.sha256(data).hexdigest()} {file is None} {settings}"
        present = st.session_state.get("batch_run")
        if present is None or present.key != key:
            inputs = sandbox.read_pasted(text) if file is None else sandbox.read_inputs(file.name, data)
            st.session_state.batch_run = Run(key, inputs, settings)
        st.session_state.batch_run.stopped = False
    except StellarError as error:
        st.session_state.pop("batch_run", None)
        show_error(error)


def process_rows(run: Run) -> None:
    """Process the remaining rows group by group; a rerun of the page continues."""
    from stellar_core.batch.worker import GROUP, ChunkTask, estimate_chunk

    total = len(run.inputs)
    left = [number for number in range(-(-total // GROUP)) if number not in run.results]
    if run.stopped or run.transient_error:
        _offer_continuation(run, total, bool(left))
        return
    if not left:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(run.rows / total, text="Loading the network")
        st.button("Stop", icon=":material/stop:", key="batch_stop", on_click=_stop, args=(run,))
    try:
        network = loaders.estimator(run.settings.model)
        for number in left:
            bar.progress(run.rows / total, text=f"{run.rows} of {total} rows finished")
            rows = range(number * GROUP, min((number + 1) * GROUP, total))
            task = ChunkTask(number, rows.start, run.inputs.chunk(rows), run.settings)
            run.results[number] = estimate_chunk(network, task)
            if run.transient_error:
                break
    except StellarError as error:
        run.stopped = True
        show_error(error)
    st.rerun()


def _stop(run: Run) -> None:
    run.stopped = True


def _offer_continuation(run: Run, total: int, more: bool) -> None:
    """Report why the batch is paused and offer to continue."""
    if run.transient_error:
        st.warning(f"Some rows could not be fetched: {escape(run.transient_error)}", icon=":material/cloud_off:")
    elif more:
        st.info(f"Stopped after {run.rows} of {total} rows.", icon=":material/pause:")
    with st.container(horizontal=True):
        if run.transient_error:
            st.button("Try again", icon=":material/refresh:", on_click=_retry, args=(run,))
        if more:
            st.button("Continue", icon=":material/play_arrow:", on_click=_continue, args=(run,))


def _retry(run: Run) -> None:
    run.results = {number: part for number, part in run.results.items() if not part.transient}
    run.stopped = False


def _continue(run: Run) -> None:
    from dataclasses import replace

    run.results = {number: replace(part, transient="") for number, part in run.results.items()}
    run.stopped = False
