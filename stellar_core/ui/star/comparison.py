"""Comparison of up to four stars, right below the button that adds one; SDSS stars are listed in the address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core import lookup
from stellar_core.errors import StellarError
from stellar_core.figures.comparison import Curve, comparison_figure
from stellar_core.figures.kiel import kiel_figure
from stellar_core.quantities import AGE, DISTANCE, FEH, LIFETIME, LOGG, TEFF, stage_words
from stellar_core.ui import loaders
from stellar_core.ui.loaders import Source
from stellar_core.ui.shell import escape, palette, show_error, show_plot
from stellar_core.ui.star.distance import wants_parallax
from stellar_core.ui.star.kiel import kiel_star
from stellar_core.ui.star.parallax import Question, located, parallax_of
from stellar_core.ui.star.plots import line_lists
from stellar_core.ui.star.recent import key_of, recent

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum

#: Largest number of stars.
MOST = 4
#: Names accepted from the address; others are ignored, but for files of this session.
_NAME = re.compile(r"\d{4,5}-\d{5}-\d{1,4}")
FULL = f"{MOST} stars are the most; remove one first."


def compared() -> list[str]:
    """Names of the stars to compare, from the address or, after a visit to another page, from the session."""
    if "compare" in st.query_params:
        st.session_state.compared = _names(st.query_params["compare"])
    return st.session_state.get("compared", [])


def reserve_comparison() -> None:
    """Keep a place for the comparison, which is drawn after the star itself, so that the star does not wait for it."""
    st.session_state.comparison_place = st.container()


def show_compare_button(source: Source) -> None:
    """Button that adds the current star to the comparison or removes it."""
    names, name = compared(), key_of(source)
    if name in names:
        st.button(
            "In comparison",
            icon=":material/check:",
            key="compare_star",
            on_click=_remove,
            args=(name,),
            help="Press to remove it from the comparison.",
        )
    else:
        full = len(names) >= MOST
        st.button(
            "Compare",
            icon=":material/compare_arrows:",
            key="compare_star",
            on_click=_add,
            args=(name,),
            disabled=full,
            help=FULL if full else f"Keep this star beside others, {MOST} at most.",
        )


def show_comparison(source: Source | None, seed: int, samples: int, model: str) -> list[Question]:
    """Spectra, Kiel diagram and numbers of the compared stars, and of the current one if there is room.

    In the reserved place if the current star is one of them, else here; their names are always in the reserved place.
    Returns the stars whose parallaxes Gaia has not been asked for yet.
    """
    reserved = st.session_state.pop("comparison_place", None) or st.container()
    names = compared()
    if not names:
        return []
    with reserved:
        sources = {name: one for name in names if (one := _source(name, source)) is not None}
        _show_names(sources, source)
        here = st.container()
    if source is not None and key_of(source) not in sources:
        here = st.container()
        if len(sources) < MOST:
            sources[key_of(source)] = source
    if len(sources) < 2:
        return []
    with here, st.expander(f"Comparison of {len(sources)} stars", expanded=True, icon=":material/compare_arrows:"):
        return _show_sources(list(sources.values()), source, (seed, samples, model))


def _show_names(sources: dict[str, Source], current: Source | None) -> None:
    """The compared stars, each with a button that removes it, and what to do next."""
    with st.container(horizontal=True, vertical_alignment="center", key="compared_stars"):
        st.caption("Comparison", width="content")
        for name, one in sources.items():
            st.button(
                escape(one.label),
                icon=":material/close:",
                key=f"remove_{name}",
                on_click=_remove,
                args=(name,),
                help=f"Remove {escape(one.label)} from the comparison.",
            )
        if len(sources) >= MOST:
            st.caption(FULL, width="content")
        elif current is not None and key_of(current) in sources and len(sources) == 1:
            st.caption("Open another star and press Compare again.", width="content")
        elif current is not None and key_of(current) not in sources:
            st.caption("Press Compare to add this star.", width="content")
        st.button("Clear all", key="clear_all", type="tertiary", on_click=_set, args=([],))


def _show_sources(sources: list[Source], current: Source | None, settings: tuple[int, int, str]) -> list[Question]:
    """Estimate the stars and show them; returns the open questions to Gaia."""
    stars: list[tuple[PreparedSpectrum, Result]] = []
    questions: list[Question] = []
    model = settings[2]
    with st.spinner("Estimating the compared stars"):
        for one in sources:
            try:
                if one is not current and loaders.reads_parallax(model) and wants_parallax():
                    answer = parallax_of(one, loaders.spectrum(one))
                    questions += [answer] if isinstance(answer, Question) else []
                    one = located(one, answer)
                stars.append((loaders.prepared(one, model), loaders.result(one, *settings)))
            except StellarError as error:
                show_error(error)
    if stars:
        _show(stars)
    return questions


def _show(stars: list[tuple[PreparedSpectrum, Result]]) -> None:
    from stellar_core.preprocessing.grid import GRID

    revision = " ".join(result.star for _, result in stars)
    curves = [
        Curve(f"{number} · {result.star}", np.where(prepared.coverage, prepared.flux, np.nan))
        for number, (prepared, result) in enumerate(stars, 1)
    ]
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        show_plot(
            comparison_figure(GRID, curves, lines=line_lists()[0], palette=palette(), revision=revision),
            "compared",
            "compared-spectra",
            "Spectra divided by their medians, with offsets: " + revision,
        )
    with right:
        show_plot(
            kiel_figure(
                None,
                others=[kiel_star(result) for _, result in stars],
                palette=palette(),
                revision=revision,
                height=480,
            ),
            "compared_kiel",
            "compared-kiel",
            "Kiel diagram of " + revision,
        )
    st.table(_table([result for _, result in stars]), border="horizontal")


def _table(results: list[Result]) -> dict[str, list[str]]:
    """One row per star."""
    mock = {True: " :orange-badge[MOCK]", False: ""}
    table = {"Star": [f"{n} · **{escape(r.star)}**{mock[r.source == 'mock']}" for n, r in enumerate(results, 1)]}
    for quantity in (AGE, LIFETIME, TEFF, LOGG, FEH):
        cells = [quantity.interval(result) for result in results]
        table[quantity.label] = [quantity.short(cell) for cell in cells]
        if quantity is AGE and any(result.parallax for result in results):
            table |= _distances(results)
    table["Stage"] = [stage_words(result.stage) for result in results]
    table["S/N"] = [f"{result.quality['snr']:.0f}" for result in results]
    table["Reliable"] = ["yes" if result.verdict.in_domain else ":red-badge[no]" for result in results]
    return table


def _distances(results: list[Result]) -> dict[str, list[str]]:
    """Age without the parallax, and distance; empty where none was used."""
    used = [result.parallax for result in results]
    without = [AGE.short(one["without"]["log_age"]).replace("**", "") if one else "" for one in used]
    distances = [DISTANCE.short(one["distance_pc"]) if one else "" for one in used]
    return {"Without parallax (Gyr)": without, DISTANCE.label: distances}


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    known = (name for name in names if _NAME.fullmatch(name) or recent(name) is not None)
    return list(dict.fromkeys(known))[:MOST]


def _source(name: str, current: Source | None) -> Source | None:
    """The star of a name: the current one, with its parallax, a recent one, or one to look up; None after an error."""
    if current is not None and key_of(current) == name:
        return current
    if (known := recent(name)) is not None:
        return known
    try:
        return Source(name, star=lookup.resolve(name))
    except StellarError as error:
        show_error(error)
        return None


def _set(names: list[str]) -> None:
    """Callback: compare these stars, and list them in the address."""
    st.session_state.compared = list(names)
    listed = ",".join(names)
    if st.query_params.get("compare", "") != listed:
        if listed:
            st.query_params["compare"] = listed
        else:
            del st.query_params["compare"]


def _add(name: str) -> None:
    _set([*compared(), name][:MOST])


def _remove(name: str) -> None:
    _set([one for one in compared() if one != name])
