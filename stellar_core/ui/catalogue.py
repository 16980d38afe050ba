"""The page on all stars of the catalogue."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from stellar_core.catalogue.making import default_path
from stellar_core.catalogue.table import Catalogue, Ranges
from stellar_core.errors import StellarError
from stellar_core.stages import STAGES
from stellar_core.ui.shell import complain, palette, show_plot

#: Colourings of the diagram: title -> column.
COLOURS = {
    "Number of stars": "",
    "log age (yr), posterior mean": "log_age_mean",
    "log age, standard deviation (dex)": "log_age_std",
    "log lifetime (yr)": "log_lifetime_mean",
    "Mass (Msun)": "mass_mean",
    "[Fe/H] (dex)": "feh",
    "S/N per pixel": "snMedian",
    "g − r, dereddened (mag)": "g_r",
    "Probability of the stage": "stage_probability",
}
#: Sliders: column -> title and step.
FILTERS = {"teff": ("Teff (K)", 10.0), "logg": ("log g (dex)", 0.05), "feh": ("[Fe/H] (dex)", 0.05), "snMedian": ("S/N", 1.0),
           "log_age_mean": ("log age (yr)", 0.01)}  # fmt: skip
#: Columns of the table of chosen stars.
SHOWN = ["star", "snMedian", "teff", "logg", "feh", "log_age_mean", "log_age_p16", "log_age_p84", "log_lifetime_mean",
         "mass_mean", "stage", "stage_probability", "r0", "g_r", "ra", "dec"]  # fmt: skip
EXAMPLE = "SELECT stage, count(*) AS stars, avg(log_age_mean) AS log_age, avg(log_age_std) AS error\nFROM stars GROUP BY stage ORDER BY stars DESC"
MOST = 500


@st.cache_resource(max_entries=2, show_spinner="Reading the catalogue")
def _open(path: str, stamp: int) -> Catalogue:
    return Catalogue.open(Path(path))


def open_catalogue() -> Catalogue | None:
    """The catalogue, or None with the offer to make it."""
    path = default_path()
    if path.exists():
        try:
            return _open(str(path), path.stat().st_mtime_ns)
        except StellarError as error:
            complain(error)
    _offer()
    return None


@st.fragment(run_every="1s")
def _offer() -> None:
    from stellar_core.catalogue.worker import start, state
    from stellar_core.mock.plates import N_STARS

    path, now = default_path(), state(default_path())
    if now.running:
        st.progress(min(now.share, 1.0), text=f"Making the MOCK catalogue: {now.what}. You may leave this page.")
        return
    if path.exists():
        st.rerun()
    if now.failed:
        st.error(now.what, icon=":material/error:")
    st.info(
        f"The catalogue of all {N_STARS:,} MOCK stars is not on this machine yet. It is made here, without network, in one to "
        "three minutes, and takes 25 MB.",
        icon=":material/inventory_2:",
    )
    if st.button("Make the catalogue", type="primary", icon=":material/play_arrow:"):
        start(path, N_STARS)
        st.rerun(scope="fragment")


def choose(catalogue: Catalogue) -> tuple[Ranges, tuple[str, ...], str]:
    """Filters and colouring: ranges by column, stages, title of the colouring."""
    ranges: dict[str, tuple[float, float]] = {}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.selectbox("Colour", list(COLOURS), key="colour", bind="query-params", width=320)
        with st.popover("Filters", icon=":material/filter_alt:"):
            stages = tuple(st.pills("Stage", STAGES, selection_mode="multi", key="stages", help="None means all."))
            for name, (label, step) in FILTERS.items():
                low, high = catalogue.limits(name)
                low, high = step * (low // step), step * (high // step + 1)
                chosen = st.slider(label, low, high, (low, high), step=step, key=f"filter_{name}")
                if chosen != (low, high):
                    ranges[name] = chosen
    return ranges, stages, title


def show_diagram(catalogue: Catalogue, ranges: Ranges, stages: tuple[str, ...], title: str) -> Ranges:
    """The stage diagram; returns the filters with the box that was drawn on it."""
    from stellar_core.figures.catalogue import diagram_figure

    column = COLOURS[title]
    arrays = catalogue.arrays(("teff", "logg", *([column] if column else [])), ranges, stages)
    figure = diagram_figure(
        arrays["teff"], arrays["logg"], arrays.get(column) if column else None, title.split(",")[0], palette=palette()
    )
    event = st.plotly_chart(
        figure, key="diagram", on_select="rerun", selection_mode="box", config={"displaylogo": False},
        alt=f"Stage diagram of {arrays['teff'].size} MOCK stars, effective temperature against gravity, coloured by {title}",
    )  # fmt: skip
    boxes = event["selection"]["box"] if event else []
    if not boxes:
        st.caption(f"{arrays['teff'].size:,} MOCK stars. Draw a box to list its stars; double-click to drop it.")
        return ranges
    box = {"teff": sorted(boxes[-1]["x"]), "logg": sorted(boxes[-1]["y"])}
    both = dict(ranges)
    for name, (low, high) in box.items():
        least, greatest = both.get(name, (low, high))
        both[name] = (max(low, least), min(high, greatest))
    return both


def show_stars(catalogue: Catalogue, ranges: Ranges, stages: tuple[str, ...]) -> None:
    """The chosen stars as a table; a chosen row opens on the star page."""
    total, rows = catalogue.count(ranges, stages), catalogue.rows(ranges, stages, MOST)
    st.subheader(f"{total:,} stars" + (f", the {MOST} of highest S/N" if total > MOST else ""), anchor=False)
    if not total:
        return
    rows.insert(0, "star", rows.plate.astype(str) + "-" + rows.mjd.astype(str) + "-" + rows.fiberID.astype(str).str.zfill(4))
    event = st.dataframe(
        rows[SHOWN], key="chosen_stars", hide_index=True, on_select="rerun", selection_mode="single-row", height=320,
        column_config={name: st.column_config.NumberColumn(format="%.2f") for name in SHOWN[1:] if name not in ("stage", "teff")}
        | {"teff": st.column_config.NumberColumn("Teff (K)", format="%d"), "star": "MOCK star"},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        for row in event["selection"]["rows"] if event else []:
            name = str(rows["star"].iloc[row])
            st.page_link(
                "pages/star.py", label=f"Open {name} on the star page", icon=":material/star:", query_params={"star": name}
            )
        st.download_button(
            "These rows as CSV", rows.to_csv(index=False), file_name="mock-stars.csv", mime="text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def show_distributions(catalogue: Catalogue, ranges: Ranges, stages: tuple[str, ...], title: str) -> None:
    """Histogram of the colouring's column, and the sky, of the chosen stars."""
    from stellar_core.figures.catalogue import histogram_figure, sky_figure

    column = COLOURS[title] or "log_age_mean"
    arrays = catalogue.arrays(tuple(dict.fromkeys((column, "ra", "dec"))), ranges, stages)
    if not arrays["ra"].size:
        return
    label = title if COLOURS[title] else "log age (yr), posterior mean"
    left, right = st.columns(2, gap="large")
    with left:
        show_plot(histogram_figure(arrays[column], label, palette=palette()), "histogram", "mock-histogram",
                  f"Histogram of {label} of the chosen MOCK stars")  # fmt: skip
    with right:
        show_plot(sky_figure(arrays["ra"], arrays["dec"], palette=palette()), "sky", "mock-sky",
                  "Chosen MOCK stars on the sky, Mollweide projection")  # fmt: skip
        st.caption("Equatorial, Mollweide's equal-area projection, right ascension to the left.")


def show_sql(catalogue: Catalogue) -> None:
    """A box for one SELECT, its answer and its download."""
    with st.expander("Ask with SQL", icon=":material/database:"):
        text = st.text_area("SELECT of the table stars (DuckDB), read only", EXAMPLE, key="sql", height=110)
        st.caption("Columns: " + ", ".join(f"`{name}`" for name in catalogue.columns))
        if st.button("Run", icon=":material/play_arrow:"):
            try:
                found = catalogue.sql(text)
            except StellarError as error:
                complain(error)
                return
            st.dataframe(found, hide_index=True)
            st.download_button("Answer as CSV", found.to_csv(index=False), file_name="answer-mock.csv", mime="text/csv",
                               icon=":material/download:", on_click="ignore")  # fmt: skip
