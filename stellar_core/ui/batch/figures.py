"""Figures of a batch, whose points select a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.ui.shell import PLOT_CONFIG, on_phone, palette

if TYPE_CHECKING:
    import pandas as pd

    from stellar_core.figures.batch_results import ResultPoints


def show_figures(frame: pd.DataFrame) -> list[int]:
    """Draw the rows of `stellar_core.ui.batch.table.as_shown` that have a result; return the clicked row, if any."""
    from stellar_core.figures.batch_results import age_against_snr, kiel_of_results

    points = _points(frame)
    if not points.row.size:
        return []
    clicked: list[int] = []
    left, right = st.columns(2, gap="large")
    for column, key, title, draw in (
        (left, "batch_kiel", "Kiel diagram, coloured by age", kiel_of_results),
        (right, "batch_age", "Age and its 68 % interval against S/N", age_against_snr),
    ):
        with column:
            st.markdown(f"**{title}**")
            figure = draw(points, palette=palette())
            config = PLOT_CONFIG
            if on_phone():
                figure.update_layout(dragmode=False)
                config = {"displayModeBar": False}
            event = st.plotly_chart(
                figure,
                key=key,
                on_select="rerun",
                selection_mode="points",
                config=config,
                alt=f"{title}: {points.row.size} stars",
            )
            clicked += [int(np.ravel(one["customdata"])[0]) for one in event["selection"]["points"]]
    if not points.trusted.all():
        st.caption("Circles without a filling: not reliable.")
    return clicked[:1]


def _points(frame: pd.DataFrame) -> ResultPoints:
    from stellar_core.figures.batch_results import ResultPoints

    known = frame[frame["Age (Gyr)"].notna()]
    return ResultPoints(
        row=known.index.to_numpy(int),
        name=known["Input"].tolist(),
        teff=known["Teff (K)"].to_numpy(float),
        logg=known["log g"].to_numpy(float),
        snr=known["S/N"].to_numpy(float),
        age=known[["from", "Age (Gyr)", "to"]].to_numpy(float),
        trusted=(known["Verdict"] == "reliable").to_numpy(bool),
    )
