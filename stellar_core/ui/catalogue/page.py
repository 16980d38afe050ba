"""The Catalogue page: choice of the catalogue, filters, colour, and the diagram with its selection box."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from stellar_core.catalogue.selection import Selection
from stellar_core.catalogue.surveys import Survey, surveys
from stellar_core.catalogue.table import Catalogue
from stellar_core.errors import StellarError
from stellar_core.figures.catalogue import LOGG_RANGE, TEFF_RANGE, Density
from stellar_core.quantities import AGE, FEH, LIFETIME, LOG_AGE, LOG_LIFETIME, LOGG, MASS, SNR, STAGE_TITLES, TEFF
from stellar_core.stages import STAGES
from stellar_core.ui.catalogue.saved import show_saved
from stellar_core.ui.shell import escape, on_phone, palette, show_error

#: Titles of columns; others are shown by their name.
TITLES = {
    "": "Number of stars",
    "age_gyr": AGE.label,
    "age_gyr_p16": "Age, 16th percentile (Gyr)",
    "age_gyr_p84": "Age, 84th percentile (Gyr)",
    "lifetime_gyr": LIFETIME.label,
    "lifetime_gyr_p16": "Lifetime, 16th percentile (Gyr)",
    "lifetime_gyr_p84": "Lifetime, 84th percentile (Gyr)",
    "mass_mean": MASS.label,
    "mass_std": "Error of mass (Msun)",
    "stage": "Stage",
    "stage_probability": "Probability of the stage",
    "teff": TEFF.label,
    "logg": LOGG.label,
    "feh": FEH.label,
    "snMedian": SNR.label,
    "g_r": "g − r, dereddened (mag)",
    "r0": "r, dereddened (mag)",
    "ra": "RA (deg)",
    "dec": "Dec (deg)",
    "log_age_mean": f"{LOG_AGE.label}, mean",
    "log_age_std": "Error of log age (dex)",
    "log_lifetime_mean": f"{LOG_LIFETIME.label}, mean",
    "log_lifetime_std": "Error of log lifetime (dex)",
}
#: Columns with a filter by default; others can be added.
FILTERS = ("teff", "logg", "feh", "snMedian", "age_gyr")
#: Number of steps of a slider.
STEPS = 200
#: Finished share from which the time left is estimated.
LEAST_DONE = 0.02
#: Ranges of the diagram in words.
DRAWN = f"{TEFF_RANGE[0]:.0f}–{TEFF_RANGE[1]:.0f} K or log g {LOGG_RANGE[0]:g}–{LOGG_RANGE[1]:g}"


@dataclass(frozen=True)
class Opened:
    """An open catalogue: its description, its table, and the modification time of its file, ns."""

    survey: Survey
    table: Catalogue
    stamp: int

    @property
    def badge(self) -> str:
        """MOCK or SDSS, as a badge in Markdown."""
        return ":orange-badge[MOCK]" if self.survey.mock else ":blue-badge[SDSS]"


@st.cache_resource(max_entries=3, show_spinner="Reading the catalogue")
def _open(path: str, stamp: int) -> Catalogue:
    return Catalogue.open(Path(path))


@st.cache_data(max_entries=128, show_spinner=False)
def _density(path: str, stamp: int, selection: Selection, _table: Catalogue) -> Density:
    from stellar_core.figures.catalogue import diagram_density

    column = selection.colour
    arrays = _table.arrays(
        tuple(dict.fromkeys(("teff", "logg", *([column] if column else [])))), selection.filters, selection.stages
    )
    return diagram_density(arrays["teff"], arrays["logg"], arrays[column] if column else None, column == "stage")


def title_of(column: str) -> str:
    """Title of a column."""
    return TITLES.get(column, column)


def open_catalogue() -> Opened | None:
    """Open the chosen catalogue; if it does not exist, offer to build it and return None."""
    found = {survey.key: survey for survey in surveys()}
    asked = st.query_params.get("survey", "") or _kept().survey
    key = asked if asked in found else "mock"
    if len(found) > 1:
        key = st.segmented_control(
            "Catalogue",
            list(found),
            default=key,
            required=True,
            key="catalogue_survey",
            format_func=lambda name: found[name].title,
        )
    survey = found[key]
    if survey.mock:
        words = (
            f"All {_number_of_mock_stars():,} stars of the :orange-badge[MOCK] survey, as many as the paper's sample "
            "has, with Teff, log g and [Fe/H] from its simulated pipeline"
        )
    else:
        words = "Stars of :blue-badge[SDSS] DR17 that pass the paper's cuts, with Teff, log g and [Fe/H] from SSPP"
    st.markdown(
        f"{words}. Ages, lifetimes and stages are isochrone fits to these parameters (errors 75 K, 0.20 dex and 0.10 "
        "dex), not estimates of a network."
    )
    if survey.path.exists():
        try:
            stamp = survey.path.stat().st_mtime_ns
            return Opened(survey, _open(str(survey.path), stamp), stamp)
        except (StellarError, FileNotFoundError) as error:
            show_error(error)
    _offer(survey)
    return None


@st.fragment(run_every="1s")
def _offer(survey: Survey) -> None:
    """Offer to build a missing catalogue, or show the progress."""
    from stellar_core.background import start, state
    from stellar_core.catalogue.builder import finished_share
    from stellar_core.training.console import duration

    status = survey.path.with_name(f"{survey.path.name}.status.json")
    now = state(status)
    if now.running:
        done = finished_share(now.message, now.share) if survey.store is None else now.share
        left = (
            f"about {duration(now.elapsed * (1.0 - done) / done)} left" if done > LEAST_DONE else "estimating the time"
        )
        st.progress(min(done, 1.0), text=f"Building the catalogue: {done:.0%}, {left}. You can leave this page.")
        return
    if survey.path.exists():
        st.rerun()
    if now.failed:
        st.error(escape(now.message), icon=":material/error:")
    stars = f"of all {_number_of_mock_stars():,} MOCK stars" if survey.store is None else "of the downloaded stars"
    st.info(
        f"The catalogue {stars} has not been built yet. It needs about a minute on a computer that is not busy, and "
        "25 MB. It works offline; the time left is shown.",
        icon=":material/inventory_2:",
    )
    if st.button("Build the catalogue", type="primary", icon=":material/play_arrow:"):
        source = [] if survey.store is None else ["--store", str(survey.store)]
        start(status, ["catalogue", "--out", str(survey.path), *source])
        st.rerun(scope="fragment")


def _number_of_mock_stars() -> int:
    from stellar_core.mock.plates import N_STARS

    return N_STARS


def _kept() -> Selection:
    """Last selection of this session."""
    return st.session_state.get("catalogue_kept", Selection())


def apply(selection: Selection) -> None:
    """Set the widgets to a selection; call before they are drawn, or as a callback."""
    st.session_state.catalogue_colour = selection.colour
    st.session_state.catalogue_stages = list(selection.stages)
    st.session_state.catalogue_more = [name for name, _, _ in selection.ranges if name not in FILTERS]
    for name in [key for key in st.session_state if str(key).startswith("catalogue_filter_")]:
        del st.session_state[name]
    for name, low, high in selection.ranges:
        st.session_state[f"catalogue_filter_{name}"] = (low, high)
    st.session_state.catalogue_box = selection.box


def choose(opened: Opened) -> Selection:
    """Draw filters and colour, which are kept in the address."""
    table = opened.table
    columns = tuple(dict.fromkeys(("stage", *table.numbers)))
    if "catalogue_colour" not in st.session_state:
        named = Selection.from_query(st.query_params.to_dict(), columns)
        apply(named if named != Selection(survey=named.survey) else _kept())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        known = [name for name in TITLES if not name or name in columns]
        colours = [*known, *(name for name in columns if name not in TITLES)]
        colour = st.selectbox("Colour", colours, key="catalogue_colour", format_func=title_of, width=300)
        with st.popover("Filters", icon=":material/filter_alt:"):
            stages = st.pills(
                "Stage",
                STAGES,
                selection_mode="multi",
                key="catalogue_stages",
                format_func=STAGE_TITLES.get,
                help="All if none is chosen.",
            )
            others = [name for name in table.numbers if name not in FILTERS]
            more = st.multiselect("More columns", others, key="catalogue_more", format_func=title_of)
            ranges = [found for name in (*FILTERS, *more) if (found := _slider(table, name)) is not None]
        found = Selection(
            opened.survey.key, colour, tuple(ranges), tuple(stages), st.session_state.get("catalogue_box")
        )
        show_saved(found, columns, apply)
    _remember(found)
    return found


def _slider(table: Catalogue, name: str) -> tuple[str, float, float] | None:
    """Draw a filter; None if it includes all stars."""
    low, high = table.limits(name)
    if not low < high:
        return None
    step = 10.0 ** math.floor(math.log10((high - low) / STEPS))
    low, high = round(step * math.floor(low / step), 9), round(step * math.ceil(high / step), 9)
    key = f"catalogue_filter_{name}"
    if key in st.session_state:
        least, greatest = st.session_state[key]
        st.session_state[key] = (min(max(least, low), high), max(min(greatest, high), low))
    else:
        st.session_state[key] = (low, high)
    least, greatest = st.slider(title_of(name), low, high, step=step, key=key)
    return None if (least, greatest) == (low, high) else (name, least, greatest)


def _remember(selection: Selection) -> None:
    """Save the selection in the session and in the address."""
    st.session_state.catalogue_kept = selection
    st.query_params.from_dict(
        replace(selection, survey="" if selection.survey == "mock" else selection.survey).to_query()
    )


def show_diagram(opened: Opened, selection: Selection) -> Selection:
    """Kiel diagram; a box drawn on it becomes part of the selection."""
    from stellar_core.figures.catalogue import diagram_figure

    total = opened.table.count(selection.filters, selection.stages)
    density = _density(str(opened.survey.path), opened.stamp, replace(selection, box=None), opened.table)
    title = title_of(selection.colour)
    short = "stars" if not selection.colour else title
    figure = diagram_figure(density, short, stages=selection.colour == "stage", box=selection.box, palette=palette())
    event = st.plotly_chart(
        figure,
        key="catalogue_diagram",
        on_select="rerun",
        selection_mode="box",
        config={"displaylogo": False, **({"displayModeBar": False} if on_phone() else {})},
        alt=f"Kiel diagram of {density.stars} stars, coloured by {title}",
    )
    drawn = _box(event)
    if drawn is not None and drawn != selection.box:
        st.session_state.catalogue_box = drawn
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        words = "Draw a box to list its stars." if selection.box is None else "Draw another box, or"
        kind = f"{'MOCK ' if opened.survey.mock else ''}{'star' if total == 1 else 'stars'}"
        st.caption(f"{_drawn(density.stars, total, kind, selection.colour)} {words}", width="content")
        if selection.box is not None:
            st.button("Clear the box", icon=":material/close:", type="tertiary", on_click=_clear_box)
    return selection


def _drawn(drawn: int, total: int, kind: str, colour: str) -> str:
    """How many of the selected stars the diagram shows, and why not all."""
    if drawn == total:
        return f"{total:,} {kind}."
    reason = f"have no {title_of(colour)} or lie outside" if colour else "lie outside"
    return f"{drawn:,} of {total:,} {kind} are drawn; the other {total - drawn:,} {reason} {DRAWN}."


def _clear_box() -> None:
    st.session_state.catalogue_box = None


def _box(event: object) -> tuple[float, float, float, float] | None:
    """Last box of a selection event: Teff from, to, log g from, to; None without one."""
    boxes = event["selection"]["box"] if event else []
    if not boxes:
        return None
    (teff_low, teff_high), (logg_low, logg_high) = sorted(boxes[-1]["x"]), sorted(boxes[-1]["y"])
    return round(teff_low, 1), round(teff_high, 1), round(logg_low, 3), round(logg_high, 3)
