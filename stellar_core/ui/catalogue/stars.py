"""Selected stars of a catalogue: table, distributions, and SQL queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.catalogue.selection import Selection
from stellar_core.errors import StellarError
from stellar_core.export import frame_to_csv
from stellar_core.figures.palette import DARK
from stellar_core.quantities import AGE, LIFETIME, STAGE_TITLES
from stellar_core.ui.catalogue.page import Opened, apply, title_of
from stellar_core.ui.shell import on_phone, palette, show_error, show_plot

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from stellar_core.catalogue.table import Catalogue

#: Columns of the table of selected stars.
SHOWN = [
    "star",
    "snMedian",
    "teff",
    "logg",
    "feh",
    "age_gyr",
    "age_gyr_p16",
    "age_gyr_p84",
    "lifetime_gyr",
    "mass_mean",
    "stage",
    "stage_probability",
    "r0",
    "g_r",
    "ra",
    "dec",
]
#: Titles of columns beside the one that they belong to.
SHORT = {"age_gyr": AGE.label, "age_gyr_p16": "68 % from", "age_gyr_p84": "68 % to", "lifetime_gyr": LIFETIME.label}
EXAMPLE = (
    "SELECT stage, count(*) AS stars, median(age_gyr) AS age_gyr, avg(log_age_std) AS error_dex\n"
    "FROM stars GROUP BY stage ORDER BY stars DESC"
)
MOST = 500

#: Converts a box of a figure (x from and to, y from and to) to limits by column.
Limits = Callable[[tuple[float, float], tuple[float, float]], dict[str, tuple[float, float]]]


def show_stars(opened: Opened, selection: Selection) -> None:
    """Table of the selected stars, with links to the Star page."""
    table, kind = opened.table, "MOCK star" if opened.survey.mock else "star"
    total, rows = table.count(selection.chosen, selection.stages), table.rows(selection.chosen, selection.stages, MOST)
    most = f", the {MOST} of highest S/N" if total > MOST else ""
    st.subheader(f"{total:,} {'star' if total == 1 else 'stars'} {opened.badge}{most}", anchor=False)
    if not total:
        st.caption("No star passes the filters and lies in the box.")
        return
    rows.insert(
        0, "star", rows.plate.astype(str) + "-" + rows.mjd.astype(str) + "-" + rows.fiberID.astype(str).str.zfill(4)
    )
    numbers = [name for name in SHOWN[1:] if name not in ("stage", "teff")]
    event = st.dataframe(
        rows[SHOWN].assign(stage=rows["stage"].map(STAGE_TITLES)),
        key="chosen_stars",
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        height=320,
        alt=f"{len(rows)} selected stars",
        column_config={
            **{name: st.column_config.NumberColumn(title_of(name), format="%.2f") for name in numbers},
            **{name: st.column_config.NumberColumn(SHORT[name], format="%.1f") for name in numbers if "gyr" in name},
            "teff": st.column_config.NumberColumn("Teff (K)", format="%d"),
            "stage": title_of("stage"),
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
                label=f"Open {name} on the Star page",
                icon=":material/star:",
                query_params={"star": name},
            )
        if not chosen:
            st.caption("Select a row to open its star.", width="content")
        stem = "mock-stars" if opened.survey.mock else "stars"
        st.download_button(
            "Download these rows (CSV)",
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
    """Histogram and map of the sky; empty without stars."""
    from stellar_core.figures.catalogue import histogram_figure, sky_figure

    arrays = _table.arrays(tuple(dict.fromkeys((column, "ra", "dec"))), selection.chosen, selection.stages)
    if not arrays["ra"].size:
        return []
    return [
        histogram_figure(arrays[column], title_of(column), palette=palette()),
        sky_figure(arrays["ra"], arrays["dec"], palette=palette()),
    ]


def show_distributions(opened: Opened, selection: Selection) -> None:
    """Histogram and map of the sky of the selected stars; a box on either becomes a filter."""
    column = selection.colour if selection.colour not in ("", "stage") else "age_gyr"
    found = _distributions(str(opened.survey.path), opened.stamp, selection, column, palette() is DARK, opened.table)
    if not found:
        return
    from stellar_core.figures.catalogue import sky_limits

    label, kind = title_of(column), "MOCK stars" if opened.survey.mock else "stars"
    histogram, sky = st.columns(2, gap="large")
    with histogram:
        _show_brushed(found[0], f"{label} of the selected {kind}", selection, {column: label}, lambda x, y: {column: x})
        if not on_phone():
            st.caption("Draw a box here or on the map to add a filter.")
    with sky:
        _show_brushed(found[1], f"Selected {kind} on the sky", selection, {"ra": "RA", "dec": "Dec"}, sky_limits)
        st.caption("Equatorial coordinates, Mollweide projection; right ascension increases to the left.")


def _show_brushed(figure: go.Figure, name: str, selection: Selection, columns: dict[str, str], limits: Limits) -> None:
    """Figure on which a box limits ``columns`` (titles by name), and a button to clear the limits."""
    st.markdown(f"**{name}**")
    # A new key after each box redraws the figure without the box.
    key = f"brush-{st.session_state.get('catalogue_brushes', 0)}-{'-'.join(columns)}"
    show_plot(figure, key, "-".join(columns), name, lambda: _brush(key, selection, limits))
    if any(column in selection.filters for column in columns):
        st.button(
            f"Clear the limits of {' and '.join(columns.values())}",
            key=f"{key}-clear",
            icon=":material/close:",
            type="tertiary",
            on_click=apply,
            args=(selection.without(columns),),
        )


def _brush(key: str, selection: Selection, limits: Limits) -> None:
    """Callback: add the last box to the filters."""
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
    """Input for one SELECT statement, its result and its download."""
    with st.expander("SQL query", icon=":material/database:"):
        text = st.text_area("SELECT from the table stars (DuckDB, read only)", EXAMPLE, key="sql", height=110)
        st.caption("Columns: " + ", ".join(f"`{name}`" for name in opened.table.columns))
        if st.button("Run", icon=":material/play_arrow:"):
            from stellar_core.catalogue.query import run_query

            st.session_state.pop("sql_result", None)
            try:
                with st.spinner("Running the query"):
                    st.session_state.sql_result = run_query(opened.survey.path, text)
            except StellarError as error:
                show_error(error)
        found = st.session_state.get("sql_result")
        if found is not None:
            st.dataframe(found, hide_index=True, alt="Result of the query")
            stem = "query-mock" if opened.survey.mock else "query"
            st.download_button(
                f"Download {len(found)} rows (CSV)",
                lambda: frame_to_csv(found),
                file_name=f"{stem}.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
