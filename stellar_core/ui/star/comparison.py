"""Comparison of up to four stars, listed in the address of the page."""

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

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum

#: Largest number of stars.
MOST = 4
#: Names accepted from the address; others are ignored.
_NAME = re.compile(r"\d{4,5}-\d{5}-\d{1,4}")


def compared() -> list[str]:
    """Names of the stars to compare, from the address or, after a visit to another page, from the session."""
    if "compare" in st.query_params:
        st.session_state.compared = _names(st.query_params["compare"])
    names = st.session_state.get("compared", [])
    _set(names)
    return names


def show_compare_button(source: Source) -> None:
    """Button that adds the current star to the comparison or removes it."""
    names = compared()
    if source.star is None:
        return
    name = source.star.name
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
            help=f"At most {MOST} stars; remove one first." if full else f"Compare up to {MOST} stars below.",
        )


def show_comparison(source: Source | None, seed: int, samples: int, model: str) -> list[Question]:
    """Spectra, Kiel diagram and numbers of the compared stars, and of the current one if there is room.

    Returns the stars whose parallaxes Gaia has not been asked for yet.
    """
    names = compared()
    if not names:
        return []
    st.subheader("Comparison of stars", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Stars", width="content")
        for name in names:
            st.button(
                name,
                icon=":material/close:",
                key=f"remove_{name}",
                on_click=_remove,
                args=(name,),
                help="Remove this star.",
            )
        st.button("Clear all", key="clear_all", type="tertiary", on_click=_set, args=([],))
    current = source.star.name if source is not None and source.star is not None else ""
    sources = [source if name == current else Source(name, star=star) for name, star in _stars(names)]
    if current and current not in names:
        sources.append(source)
    stars: list[tuple[PreparedSpectrum, Result]] = []
    questions: list[Question] = []
    with st.spinner("Estimating the compared stars"):
        for one in sources[:MOST]:
            try:
                if one is not source and loaders.reads_parallax(model) and wants_parallax():
                    answer = parallax_of(one, loaders.spectrum(one))
                    questions += [answer] if isinstance(answer, Question) else []
                    one = located(one, answer)
                stars.append((loaders.prepared(one, model), loaders.result(one, seed, samples, model)))
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
    return list(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))[:MOST]


def _stars(names: list[str]):
    for name in names:
        try:
            yield name, lookup.resolve(name)
        except StellarError as error:
            show_error(error)


def _set(names: list[str]) -> None:
    st.session_state.compared = list(names)
    if names:
        if st.query_params.get("compare") != ",".join(names):
            st.query_params["compare"] = ",".join(names)
    elif "compare" in st.query_params:
        del st.query_params["compare"]


def _add(name: str) -> None:
    _set([*st.session_state.get("compared", []), name][:MOST])


def _remove(name: str) -> None:
    _set([one for one in st.session_state.get("compared", []) if one != name])
