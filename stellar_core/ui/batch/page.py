"""The page on many stars: what is asked, and the rows as they are answered."""

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
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import escape, show_error

if TYPE_CHECKING:
    import pyarrow as pa

    from stellar_core.batch.inputs import Inputs
    from stellar_core.batch.worker import ChunkResult, EstimateSettings

PASSES = 50
INTRODUCTION = """
One row for each input: its age, lifetime and stage with error bars, or the sentence why there are none. Up to **500 rows**;
more on the command line, which goes on after any interruption: `python -m stellar_core batch --list ids.csv --out answers.parquet`.
"""


@dataclass
class Run:
    """One batch of a session; the rows answered stay when a widget is touched.

    Attributes
    ----------
    key : str
        The same for the same inputs and settings.
    inputs : Inputs
    settings : EstimateSettings
    answered : dict of int to ChunkResult
        By number of the group.
    halted : bool
        Whether the visitor stopped it.
    """

    key: str
    inputs: Inputs
    settings: EstimateSettings
    answered: dict[int, ChunkResult] = field(default_factory=dict)
    halted: bool = False

    @property
    def rows(self) -> int:
        """Rows answered so far."""
        return sum(part.rows for part in self.answered.values())

    @property
    def passing(self) -> str:
        """What failed for a reason that may pass; empty if nothing did."""
        return next((part.transient for part in self.answered.values() if part.transient), "")

    def table(self) -> pa.Table:
        """The rows answered so far, in their order."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        return pa.concat_tables(
            pq.read_table(io.BytesIO(self.answered[number].data)) for number in sorted(self.answered)
        )


def choose() -> Run | None:
    """Draw the inputs; the batch of this session, None before there is one."""
    sandbox.warm()
    st.markdown(INTRODUCTION)
    st.button("Fill in 20 stars :orange-badge[MOCK]", icon=":material/auto_awesome:", on_click=_fill_in)
    with st.form("batch", border=True):
        left, right = st.columns([1.3, 1], gap="large")
        text = left.text_area(
            "Identifiers, one a line",
            key="batch_text",
            height=190,
            help="Anything that the star page understands, except files.",
            placeholder="4565636362342690816\n266-51602-31\nspec-0266-51602-0031.fits\n147.32107 -0.00657",
        )
        file = right.file_uploader(
            "or a file, which then comes first: a list of them, or a zip archive of spectra",
            key="batch_file",
            help="Up to 30 MB. A table (CSV, ECSV, FITS, VOTable, Parquet) needs specObjID, or plate, MJD and fiberID, or RA and Dec; a "
            "text one identifier a line. An archive is unpacked in memory only; each member gives a row.",
        )
        names = sorted(list_networks(), key=lambda name: name != DEFAULT_MODEL)
        model = right.selectbox("Model", names, key="batch_model", help=HELP["model"])
        asked = st.form_submit_button("Answer", type="primary", icon=":material/play_arrow:")
    if asked:
        with st.spinner("Reading what was given"):
            _begin(text, file, model)
    return st.session_state.get("batch_run")


def _fill_in() -> None:
    from stellar_core.mock.survey import MockSurvey

    st.session_state.batch_text = "\n".join(star.name for star in MockSurvey().star_ids(16000)[:20])


def _begin(text: str, file: io.BytesIO | None, model: str) -> None:
    """Make the batch that was asked for, unless it is the one at hand."""
    from stellar_core.batch.worker import EstimateSettings

    try:
        data = text.encode("utf-8", "replace") if file is None else file.getvalue()
        settings = EstimateSettings(model, str(read_model(model_folder(model))[1]["sha256"]), PASSES, 0)
        key = f"{hashlib.sha256(data).hexdigest()} {file is None} {settings}"
        present = st.session_state.get("batch_run")
        if present is None or present.key != key:
            inputs = sandbox.read_pasted(text) if file is None else sandbox.read_inputs(file.name, data)
            st.session_state.batch_run = Run(key, inputs, settings)
        st.session_state.batch_run.halted = False
    except StellarError as error:
        st.session_state.pop("batch_run", None)
        show_error(error)


def answer_rows(run: Run) -> None:
    """Answer the rows that are left, a group at a time; a rerun goes on where the last one ended."""
    from stellar_core.batch.worker import GROUP, ChunkTask, estimate_chunk

    total = len(run.inputs)
    left = [number for number in range(-(-total // GROUP)) if number not in run.answered]
    if run.halted or run.passing:
        _offer_more(run, total, bool(left))
        return
    if not left:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(run.rows / total, text="Loading the network")
        st.button("Stop", icon=":material/stop:", key="batch_stop", on_click=_halt, args=(run,))
    try:
        network = loaders.estimator(run.settings.model)
        for number in left:
            bar.progress(run.rows / total, text=f"{run.rows} of {total} rows answered")
            rows = range(number * GROUP, min((number + 1) * GROUP, total))
            task = ChunkTask(number, rows.start, run.inputs.chunk(rows), run.settings)
            run.answered[number] = estimate_chunk(network, task)
            if run.passing:
                break
    except StellarError as error:
        run.halted = True
        show_error(error)
    st.rerun()


def _halt(run: Run) -> None:
    run.halted = True


def _offer_more(run: Run, total: int, more: bool) -> None:
    """Say why the batch stands still, and offer to go on."""
    if run.passing:
        st.warning(f"Some rows wait for what may pass: {escape(run.passing)}", icon=":material/cloud_off:")
    elif more:
        st.info(f"Stopped after {run.rows} of {total} rows.", icon=":material/pause:")
    with st.container(horizontal=True):
        if run.passing:
            st.button("Try them again", icon=":material/refresh:", on_click=_again, args=(run,))
        if more:
            st.button("Go on", icon=":material/play_arrow:", on_click=_go_on, args=(run,))


def _again(run: Run) -> None:
    run.answered = {number: part for number, part in run.answered.items() if not part.transient}
    run.halted = False


def _go_on(run: Run) -> None:
    from dataclasses import replace

    run.answered = {number: replace(part, transient="") for number, part in run.answered.items()}
    run.halted = False
