"""The page on a catalogue: the chosen stars as a table, their distributions, and SQL over all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.catalogue.selection import Selection
from stellar_core.export import frame_to_csv
from stellar_core.errors import StellarError
from stellar_core.figures.palette import DARK
from stellar_core.ui.catalogue.page import Opened, apply, title_of
from stellar_core.ui.shell import show_error, on_phone, palette, show_plot

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from stellar_core.catalogue.table import Catalogue

#: Columns of the table of chosen stars.
SHOWN = [
    "star",
    "snMedian",
    "teff",
    "logg",
    "feh",
    "log_age_mean",
    "log_age_p16",
    "log_age_p84",
    "log_lifetime_mean",
    "mass_mean",
    "stage",
    "stage_probability",
    "r0",
    "g_r",
    "ra",
    "dec",
]
EXAMPLE = "SELECT stage, count(*) AS stars, avg(log_age_mean) AS log_age, avg(log_age_std) AS error\nFROM stars GROUP BY stage ORDER BY stars DESC"
MOST = 500

#: From a box of a figure, x and y from and to, to limits by column.
Limits = Callable[[tuple[float, float], tuple[float, float]], dict[str, tuple[float, float]]]


def show_stars(opened: Opened, selection: Selection) -> None:
    """The chosen stars as a table; a chosen row opens on the star page."""
    table, kind = opened.table, "MOCK star" if opened.survey.mock else "star"
    total, rows = table.count(selection.chosen, selection.stages), table.rows(selection.chosen, selection.stages, MOST)
    most = f", the {MOST} of highest S/N" if total > MOST else ""
    st.subheader(f"{total:,} {'star' if total == 1 else 'stars'} {opened.badge}{most}", anchor=False)
    if not total:
        st.caption("No star passes these filters and lies in the box.")
        return
    rows.insert(
        0, "star", rows.plate.astype(str) + "-" + rows.mjd.astype(str) + "-" + rows.fiberID.astype(str).str.zfill(4)
    )
    numbers = [name for name in SHOWN[1:] if name not in ("stage", "teff")]
    event = st.dataframe(
        rows[SHOWN],
        key="chosen_stars",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=320,
        alt=f"{len(rows)} chosen stars",
        column_config={
            **{name: st.column_config.NumberColumn(title_of(name), format="%.2f") for name in numbers},
            "teff": st.column_config.NumberColumn("Teff (K)", format="%d"),
            "star": kind,
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = [
            str(rows["star"].iloc[row]) for row in (event["selection"]["rows"] if event else []) if row < len(rows)
        ]
        for name in chosen:
            st.page_link(
                "pages/star.py",
                label=f"Open {name} on the star page",
                icon=":material/star:",
                query_params={"star": name},
            )
        if not chosen:
            st.caption("Tick a row to open its star.", width="content")
        stem = "mock-stars" if opened.survey.mock else "stars"
        st.download_button(
            "These rows as CSV",
            lambda: frame_to_csv(rows),
            file_name=f"{stem}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


@st.cache_data(max_entries=32, show_spinner=False)
def _distributions(
    path: str, stamp: int, selection: Selection, column: str, dark: bool, _table: Catalogue
) -> list[go.Figure]:
    """Histogram and sky; none where no star is chosen."""
    from stellar_core.figures.catalogue import histogram_figure, sky_figure

    arrays = _table.arrays(tuple(dict.fromkeys((column, "ra", "dec"))), selection.chosen, selection.stages)
    if not arrays["ra"].size:
        return []
    return [
        histogram_figure(arrays[column], title_of(column), palette=palette()),
        sky_figure(arrays["ra"], arrays["dec"], palette=palette()),
    ]


def show_distributions(opened: Opened, selection: Selection) -> None:
    """Histogram of the colouring's column, and the sky, of the chosen stars; a box on either becomes a filter."""
    column = selection.colour if selection.colour not in ("", "stage") else "log_age_mean"
    found = _distributions(str(opened.survey.path), opened.stamp, selection, column, palette() is DARK, opened.table)
    if not found:
        return
    from stellar_core.figures.catalogue import sky_limits

    label, kind = title_of(column), "MOCK stars" if opened.survey.mock else "stars"
    histogram, sky = st.columns(2, gap="large")
    with histogram:
        _show_brushed(found[0], f"{label} of the chosen {kind}", selection, {column: label}, lambda x, y: {column: x})
        if not on_phone():
            st.caption("A box drawn here or on the sky becomes a filter.")
    with sky:
        _show_brushed(found[1], f"The chosen {kind} on the sky", selection, {"ra": "RA", "dec": "Dec"}, sky_limits)
        st.caption("Equatorial, Mollweide's equal-area projection, right ascension to the left.")


def _show_brushed(figure: go.Figure, name: str, selection: Selection, columns: dict[str, str], limits: Limits) -> None:
    """A figure on which a box limits ``columns`` (titles by name), and the way back."""
    st.markdown(f"**{name}**")
    # Another key after each box: the figure comes back narrowed, without the box that did it.
    key = f"brush-{st.session_state.get('catalogue_brushes', 0)}-{'-'.join(columns)}"
    show_plot(figure, key, "-".join(columns), name, lambda: _brush(key, selection, limits))
    if any(column in selection.filters for column in columns):
        st.button(
            f"Drop the limits of {' and '.join(columns.values())}",
            key=f"{key}-drop",
            icon=":material/close:",
            type="tertiary",
            on_click=apply,
            args=(selection.without(columns),),
        )


def _brush(key: str, selection: Selection, limits: Limits) -> None:
    """Put the box that was drawn last into the filters; a callback."""
    event = st.session_state.get(key)
    boxes = event["selection"]["box"] if event else []
    if boxes:
        drawn = limits(tuple(sorted(boxes[-1]["x"])), tuple(sorted(boxes[-1]["y"])))
        apply(
            selection.narrowed(
                {name: (float(f"{low:.5g}"), float(f"{high:.5g}")) for name, (low, high) in drawn.items()}
            )
        )
        st.session_state.catalogue_brushes = st.session_state.get("catalogue_brushes", 0) + 1


def show_sql(opened: Opened) -> None:
    """A box for one SELECT, its answer and its download."""
    with st.expander("Ask with SQL", icon=":material/database:"):
        text = st.text_area("SELECT of the table stars (DuckDB), read only", EXAMPLE, key="sql", height=110)
        st.caption("Columns: " + ", ".join(f"`{name}`" for name in opened.table.columns))
        if st.button("Run", icon=":material/play_arrow:"):
            from stellar_core.catalogue.query import ask

            st.session_state.pop("sql_answer", None)
            try:
                with st.spinner("Asking"):
                    st.session_state.sql_answer = ask(opened.survey.path, text)
            except StellarError as error:
                show_error(error)
        found = st.session_state.get("sql_answer")
        if found is not None:
            st.dataframe(found, hide_index=True, alt="Answer to the SQL")
            stem = "answer-mock" if opened.survey.mock else "answer"
            st.download_button(
                f"{len(found)} rows as CSV",
                lambda: frame_to_csv(found),
                file_name=f"{stem}.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
