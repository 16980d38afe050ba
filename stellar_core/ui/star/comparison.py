"""Up to four stars side by side, kept in the address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core import lookup
from stellar_core.errors import StellarError
from stellar_core.figures.comparison import Curve, comparison_figure
from stellar_core.figures.kiel import kiel_figure
from stellar_core.quantities import AGE, FEH, LIFETIME, LOGG, TEFF
from stellar_core.ui import loaders
from stellar_core.ui.loaders import Source
from stellar_core.ui.shell import complain, palette, plain, show_plot
from stellar_core.ui.star.plots import kiel_star, line_lists

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum

#: Stars beside each other.
MOST = 4
#: What the address may hold; anything else there is passed over.
_NAME = re.compile(r"\d{4,5}-\d{5}-\d{1,4}")


def kept() -> list[str]:
    """Names of the stars kept, from the address or, after another page, from the session; writes both."""
    if "compare" in st.query_params:
        st.session_state.kept = _names(st.query_params["compare"])
    names = st.session_state.get("kept", [])
    _keep(names)
    return names


def show_keep(source: Source) -> None:
    """The button that keeps the star in sight."""
    names = kept()
    if source.star is None:
        return
    name = source.star.name
    if name in names:
        st.button(
            "Kept for comparison",
            icon=":material/check:",
            key="keep",
            on_click=_drop,
            args=(name,),
            help="Press to drop it.",
        )
    else:
        full = len(names) >= MOST
        st.button(
            "Keep for comparison",
            icon=":material/compare_arrows:",
            key="keep",
            on_click=_add,
            args=(name,),
            disabled=full,
            help=f"At most {MOST} stars; drop one first." if full else f"Up to {MOST} stars side by side, below.",
        )


def show_comparison(source: Source | None, seed: int, samples: int, model: str) -> None:
    """Spectra, Kiel diagram and numbers of the stars kept, and of the star in sight where there is room."""
    names = kept()
    if not names:
        return
    st.subheader("Side by side", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Kept", width="content")
        for name in names:
            st.button(
                name, icon=":material/close:", key=f"drop_{name}", on_click=_drop, args=(name,), help="Drop this star."
            )
        st.button("Drop all", key="drop_all", type="tertiary", on_click=_keep, args=([],))
    sources = [Source(name, star=star) for name, star in _stars(names)]
    if source is not None and source.star is not None and source.star.name not in names:
        sources.append(source)
    stars: list[tuple[Source, PreparedSpectrum, Result]] = []
    with st.spinner("Estimating the stars beside each other"):
        for one in sources[:MOST]:
            try:
                stars.append((one, loaders.prepared(one, model), loaders.result(one, seed, samples, model)))
            except StellarError as error:
                complain(error)
    if stars:
        _show(stars)


def _show(stars: list[tuple[Source, PreparedSpectrum, Result]]) -> None:
    from stellar_core.preprocessing.spectra import GRID

    revision = " ".join(result.star for _, _, result in stars)
    curves = [
        Curve(f"{number} · {result.star}", np.where(prepared.coverage, prepared.flux, np.nan))
        for number, (_, prepared, result) in enumerate(stars, 1)
    ]
    left, right = st.columns([1.7, 1], gap="medium")
    with left:
        show_plot(
            comparison_figure(GRID, curves, lines=line_lists()[0], palette=palette(), revision=revision),
            "compared",
            "compared-spectra",
            "Spectra divided by their medians, one above the other: " + revision,
        )
    with right:
        show_plot(
            kiel_figure(
                None,
                others=[kiel_star(result) for _, _, result in stars],
                palette=palette(),
                revision=revision,
                height=480,
            ),
            "compared_kiel",
            "compared-kiel",
            "Kiel diagram with these stars: " + revision,
        )
    st.table(_table([result for _, _, result in stars]), border="horizontal")


def _table(results: list[Result]) -> dict[str, list[str]]:
    """One row for each star."""
    mock = {True: " :orange-badge[MOCK]", False: ""}
    table = {"Star": [f"{n} · **{plain(r.star)}**{mock[r.source == 'mock']}" for n, r in enumerate(results, 1)]}
    for quantity in (AGE, LIFETIME, TEFF, LOGG, FEH):
        cells = [quantity.interval(result) for result in results]
        table[f"{quantity.title} ({quantity.unit})"] = [quantity.short(cell) for cell in cells]
    table["Stage"] = [f"{result.most_likely_stage} {result.stage[result.most_likely_stage]:.0%}" for result in results]
    table["S/N"] = [f"{result.quality['snr']:.0f}" for result in results]
    table["To be trusted"] = ["yes" if result.verdict.in_domain else ":red-badge[no]" for result in results]
    return table


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    return list(dict.fromkeys(name for name in names if _NAME.fullmatch(name)))[:MOST]


def _stars(names: list[str]):
    for name in names:
        try:
            yield name, lookup.resolve(name)
        except StellarError as error:
            complain(error)


def _keep(names: list[str]) -> None:
    st.session_state.kept = list(names)
    if names:
        if st.query_params.get("compare") != ",".join(names):
            st.query_params["compare"] = ",".join(names)
    elif "compare" in st.query_params:
        del st.query_params["compare"]


def _add(name: str) -> None:
    _keep([*st.session_state.get("kept", []), name][:MOST])


def _drop(name: str) -> None:
    _keep([one for one in st.session_state.get("kept", []) if one != name])
