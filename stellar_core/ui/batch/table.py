"""Results of a batch: counts, table with links to the Star page, and downloads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from stellar_core import __version__, sandbox
from stellar_core.quantities import STAGE_TITLES
from stellar_core.stages import STAGES
from stellar_core.ui.batch.figures import show_figures
from stellar_core.ui.batch.page import Run
from stellar_core.ui.loaders import Source
from stellar_core.ui.shell import escape
from stellar_core.ui.star.recent import keep

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Format -> ending and MIME type of its download.
FORMATS = {
    "CSV": (".csv", "text/csv"),
    "ECSV": (".ecsv", "text/plain"),
    "VOTable": (".vot", "application/x-votable+xml"),
    "FITS": (".fits", "application/fits"),
    "Parquet": (".parquet", "application/vnd.apache.parquet"),
    "JSON": (".json", "application/json"),
}
VERDICTS = {"inside": "reliable", "outside": "NOT RELIABLE", "none": "no result"}
SHOW = {"all": "All", "inside": "Reliable", "outside": "Not reliable", "none": "No result"}


def show_results(run: Run) -> None:
    """Counts, table and downloads."""
    if not run.results:
        return
    table = run.table()
    frame = as_shown(table, run.settings.model)
    states = frame.pop("state")
    counts = {name: len(frame) if name == "all" else int((states == name).sum()) for name in SHOW}
    st.subheader(f"{len(frame)} rows", anchor=False)
    if (table["source"].to_pandas() == "mock").any():
        st.markdown(":orange-badge[MOCK] Stars of the MOCK survey are marked in the column Source; they are not real.")
    names = [name for name, count in counts.items() if count or name == "all"]
    chosen = st.segmented_control(
        "Show",
        names,
        default="all",
        required=True,
        key="batch_show",
        label_visibility="collapsed",
        format_func=lambda name: f"{SHOW[name]} ({counts[name]})",
    )
    number = st.column_config.NumberColumn
    shown = frame if chosen == "all" else frame[states == chosen]
    clicked = show_figures(shown)
    event = st.dataframe(
        shown,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=min(38 * (len(frame) + 1), 560),
        key="batch_table",
        alt=f"Results for {len(frame)} inputs with their verdicts",
        column_config={
            "Star": st.column_config.LinkColumn(display_text=r"star=([^&]*)", help="Opens the Star page in a new tab."),
            "Message": st.column_config.TextColumn(width="large"),
            **{name: number(format="%.2f") for name in ("log g", "[Fe/H]")},
            **{name: number(format="%.1f") for name in ("Age (Gyr)", "Lifetime (Gyr)")},
            "from": number("68 % from", format="%.1f"),
            "to": number("68 % to", format="%.1f"),
            "Probability": number(format="%.0f %%"),
            "Teff (K)": number(format="%d"),
            "S/N": number(format="%.0f"),
        },
    )
    selected = [int(shown.index[row]) for row in event["selection"]["rows"] if row < len(shown)]
    _offer_star(run, shown, selected or clicked)
    _offer_files(run, table)


def _offer_star(run: Run, shown: pd.DataFrame, chosen: list[int]) -> None:
    """Link from the chosen row to the Star page, also for a spectrum of an archive."""
    if not chosen:
        st.caption("Select a row, or a point of a figure, to open its star.")
        return
    label = str(shown.loc[chosen[0], "Input"])
    if isinstance(run.inputs, sandbox.Archive):
        star = keep(Source(label, archive=run.inputs, row=chosen[0]))
    else:
        star = label
    st.page_link(
        "pages/star.py",
        label=f"Open {escape(label)} on the Star page",
        icon=":material/star:",
        query_params={"star": star, "model": run.settings.model},
    )


def as_shown(table: pa.Table, model: str) -> pd.DataFrame:
    """Select the shown columns, convert ages to Gyr, and add ``state``: "inside", "outside" (flagged) or "none"."""
    import numpy as np
    import pandas as pd

    rows = table.to_pandas()
    failed = rows["error"].notna()
    inside = rows["in_domain"].fillna(False).astype(bool)
    linked = rows["source"].isin(["mock", "sdss"]) & (rows["specobjid"].fillna("") != "")
    gyr = {part: 10.0 ** (rows[f"log_age_{part}"] - 9.0) for part in ("median", "p16", "p84")}
    probable = rows[[f"p_{name.replace(' ', '_')}" for name in STAGES]].max(axis=1)
    state = np.where(failed, "none", np.where(inside, "inside", "outside"))
    return pd.DataFrame(
        {
            "state": state,
            "Input": rows["input"],
            "Star": [
                f"/?{urlencode({'star': star, 'model': model})}" if link else None
                for star, link in zip(rows["star"], linked)
            ],
            "Source": rows["source"].map({"mock": "MOCK", "sdss": "SDSS", "upload": "upload"}),
            "Verdict": [VERDICTS[name] for name in state],
            "Age (Gyr)": gyr["median"],
            "from": gyr["p16"],
            "to": gyr["p84"],
            "Stage": rows["stage"].map(STAGE_TITLES),
            "Probability": 100.0 * probable,
            "Lifetime (Gyr)": 10.0 ** (rows["log_lifetime_median"] - 9.0),
            "Teff (K)": rows["teff_median"],
            "log g": rows["logg_median"],
            "[Fe/H]": rows["feh_median"],
            "S/N": rows["snr"],
            "Message": np.where(failed, rows["error"], rows["messages"].fillna("")),
        }
    )


def _offer_files(run: Run, table: pa.Table) -> None:
    from stellar_core.batch.columns import batch_table
    from stellar_core.export import table_bytes

    mock = "mock" in table["source"].to_pylist()
    facts = {
        "version": __version__,
        "model": run.settings.model,
        "sha256": run.settings.sha256,
        "seed": run.settings.seed,
        "mock": mock,
        "rows": table.num_rows,
    }
    stem = "MOCK-results" if mock else "results"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Download all columns and rows", width="content")
        for name, (ending, kind) in FORMATS.items():
            st.download_button(
                name,
                partial(table_bytes, ending, batch_table(lambda: [table], facts)),
                f"{stem}{ending}",
                kind,
                icon=":material/download:",
                on_click="ignore",
                key=f"batch_{name}",
            )
