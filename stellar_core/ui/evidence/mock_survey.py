"""How good the MOCK survey is, from the tables stored beside its parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.ui.shell import ROOT, show_error, palette, escape, show_plot

if TYPE_CHECKING:
    from stellar_core.mock.population_comparison import Comparison
    from stellar_core.mock.held_out import HeldOut

TRAINED = ROOT / "trained"
MOCK, REAL = ":orange-badge[MOCK]", ":blue-badge[REAL]"
LIBRARIES = {"MILES": "MILES", "STELIB": "STELIB", "BOSS_TEMPLATE": "BOSS templates", "KURUCZ_STD": "Kurucz models"}


def _stamp(path: Path) -> int:
    """When a file was last written, ns; 0 where there is none."""
    return path.stat().st_mtime_ns if path.exists() else 0


@st.cache_resource(max_entries=2, show_spinner=False)
def _held_out(stamp: int) -> HeldOut:
    from stellar_core.mock.held_out import read_held_out

    return read_held_out(TRAINED / "spectral-emulator")


@st.cache_resource(max_entries=2, show_spinner=False)
def _comparison(stamp: int) -> Comparison:
    from stellar_core.mock.population_comparison import read_comparison

    return read_comparison(TRAINED / "mock-population")


def _card(name: str) -> dict:
    """The card of a part; empty where there is none."""
    path = TRAINED / name / "card.json"
    return json.loads(path.read_text()) if path.exists() else {}


def show_spectra() -> None:
    """Held-out library stars beside their emulation, and the errors per class, cell, library and range."""
    try:
        held = _held_out(_stamp(TRAINED / "spectral-emulator" / "held_out.safetensors"))
    except StellarError as error:
        show_error(error)
        return
    card = _card("spectral-emulator")
    st.subheader(f"Spectra {MOCK} against {REAL} library stars", anchor=False)
    st.markdown(
        f"The emulator turns Teff, log g and [Fe/H] into a spectrum. Each of the {len(held.labels)} library spectra was left "
        "out of a fit once and then emulated from its labels alone. Spectra are divided by their continuum; the error is the "
        "RMS of the difference over 3850–7350 Å, the signal that of the lines themselves."
    )
    st.table(_class_rows(card))
    if card.get("held_out_note"):
        st.caption(f"{escape(card['held_out_note'])}.")
    _show_star(held)
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        _show_map(held)
    with right:
        st.markdown("**RMS by library and wavelength**, outliers left out")
        st.table(_range_rows(card))
        st.caption(
            "Below 3850 Å lines crowd and the libraries themselves are noisy; MILES ends at 7370 Å, what lies beyond rests on "
            "STELIB, the BOSS templates and models."
        )
    _show_outliers(card)
    _show_domain(card)


def _class_rows(card: dict) -> list[dict[str, str]]:
    tables = card.get("held_out_line_residual_3850_7350", {})
    whole, clean = (tables.get(name, {}) for name in ("all held-out stars", "without those named as outliers"))
    return [
        {
            "MILES stars": name.replace("-", "–"),
            "number": f"{row['stars']}",
            "RMS, all": f"{row['rms']:.4f}",
            "RMS without outliers": f"{clean[name]['rms']:.4f} ({row['stars'] - clean[name]['stars']} left out)",
            "median star": f"{clean[name]['median_rms']:.4f}",
            "signal": f"{clean[name].get('signal', float('nan')):.3f}",
        }
        for name, row in whole.items()
        if name in clean
    ]


def _range_rows(card: dict) -> list[dict[str, str]]:
    rows = card.get("held_out_by_library_and_range", {})
    spans = list(dict.fromkeys(key for row in rows.values() for key in row if key.endswith(" A")))
    return [
        {"Å": span.removesuffix(" A").replace("-", "–")}
        | {LIBRARIES.get(name, name): f"{row[span]:.4f}" if span in row else "" for name, row in rows.items()}
        for span in spans
    ]


def _show_star(held: HeldOut) -> None:
    """One held-out star to choose, and all of them small."""
    from stellar_core.figures.emulator import held_out_figure, multiples_figure
    from stellar_core.preprocessing.spectra import GRID

    def name(index: int) -> str:
        row = held.row[index]
        teff, logg, feh = held.labels[row]
        words = f"{held.title[index]}: {held.name[row]} ({LIBRARIES.get(held.source[row], held.source[row])}), "
        return words + f"{teff:.0f} K, log g {logg:.2f}, [Fe/H] {feh:+.2f}".replace("-", "−")

    start = next((k for k, title in enumerate(held.title) if "Sun" in title), 0)
    chosen = st.selectbox(
        "Held-out star",
        range(len(held.title)),
        index=start,
        format_func=name,
        key="held_out_star",
        help="Of the nine library stars nearest to each type the one whose error is the median, and the three worst.",
    )
    error = held.line_rms[held.row[chosen]]
    show_plot(
        held_out_figure(
            GRID,
            held.observed[chosen],
            held.emulated[chosen],
            palette=palette(),
            revision=str(held.name[held.row[chosen]]),
        ),
        "held_out",
        f"held-out-{held.name[held.row[chosen]]}",
        f"Line spectrum of {held.name[held.row[chosen]]} beside its emulation, RMS {error:.4f}",
    )
    st.caption(f"RMS over 3850–7350 Å: **{error:.4f}**. Drag to zoom, double-click to see all again.")
    with st.expander("All of them, 4780–5420 Å", expanded=False):
        titles = [
            f"{held.title[k]}{'' if held.source[row] == 'MILES' else f' ({held.source[row]})'} · {held.line_rms[row]:.3f}"
            for k, row in enumerate(held.row)
        ]
        show_plot(
            multiples_figure(titles, GRID, held.observed, held.emulated, palette=palette()),
            "multiples",
            "held-out-stars",
            "Small panels of all held-out examples beside their emulation",
        )


def _show_map(held: HeldOut) -> None:
    from stellar_core.figures.emulator import error_map_figure

    rows = (held.source == "MILES") & ~held.outlier
    st.markdown("**RMS by Teff and log g**, MILES without outliers")
    show_plot(
        error_map_figure(held.labels[rows, 0], held.labels[rows, 1], held.line_rms[rows], palette=palette()),
        "error_map",
        "emulator-errors",
        "Map of the emulator's error over effective temperature and gravity",
    )
    st.caption("Numbers count stars; cells of one star have no colour.")


def _show_outliers(card: dict) -> None:
    said = card.get("outliers_left_out", {})
    if not isinstance(said, dict) or not said:
        return
    with st.expander(
        f"{len(said)} spectra are unlike stars of their labels and were left out of the fit; why, as far as they show"
    ):
        rows = [{"spectrum": name, "labels, RMS and what it shows": text} for name, text in said.items()]
        st.dataframe(
            rows, hide_index=True, height=320, column_config={"spectrum": st.column_config.Column(width="small")}
        )


def _show_domain(card: dict) -> None:
    domain = card.get("domain", {})
    low, high = domain.get("teff_K", (3500, 12000))
    st.info(
        f"**What the MOCK survey does not know.** Emulated spectra hold between {low} and {high} K, near stars of the library "
        f"({escape(domain.get('rule', ''))}). Outside lie {escape(domain.get('outside', ''))}: no MOCK star is one, and what a "
        "network says of such a star is worth nothing. The spectra have three labels; other abundances follow [Fe/H] as they "
        "do in the library's stars.",
        icon=":material/fence:",
    )


def show_catalogue() -> None:
    """Colours and [Fe/H] of the MOCK catalogue beside those of real SDSS stars."""
    from stellar_core.figures.population import density_figure, histograms_figure
    from stellar_core.mock.population_comparison import PAIRS, QUANTITIES, edges

    st.subheader(f"Catalogue {MOCK} against {REAL} SDSS stars", anchor=False)
    try:
        found = _comparison(_stamp(TRAINED / "mock-population" / "comparison.safetensors"))
    except StellarError as error:
        show_error(error)
        return
    title = {name: f"{words} ({unit})" for name, (words, unit, *_) in QUANTITIES.items()}
    st.markdown(
        f"{found.mock_stars} MOCK stars (each sixth plate) and {found.real_stars} stars of SDSS DR17 with an [Fe/H] of the "
        "parameter pipeline, by the same limits in all five quantities. PSF colours with their errors, not dereddened; [Fe/H] "
        "as a pipeline reports it, with its error."
    )
    show_plot(
        histograms_figure(
            list(title.values()),
            [edges(name) for name in title],
            [found.histograms[name][0] for name in title],
            [found.histograms[name][1] for name in title],
            palette=palette(),
        ),
        "histograms",
        "mock-and-real-histograms",
        "Histograms of colours and [Fe/H], real and MOCK stars",
    )
    st.table(
        [
            {
                "": QUANTITIES[name][0],
                "KS distance": f"{one.ks:.3f}",
                "two halves of the real stars": f"{one.ks_halves:.3f}",
                "mean shift": f"{one.wasserstein:.3f} {QUANTITIES[name][1]}",
                "median, REAL": f"{one.real_median:+.3f}".replace("-", "−"),
                "median, MOCK": f"{one.mock_median:+.3f}".replace("-", "−"),
            }
            for name, one in found.distances.items()
        ]
    )
    worst = max(found.distances, key=lambda name: found.distances[name].ks)
    lower = found.distances[worst].mock_median < found.distances[worst].real_median
    st.markdown(
        "**How to read this.** Part of the agreement is by construction: the survey's choice of stars in g−r, and the zero points "
        "of u, i and z, were learned from these same real stars. No quantity agrees within chance (third column). The least alike is "
        f"**{QUANTITIES[worst][0]}**, with a KS distance of {found.distances[worst].ks:.2f} and a median that is "
        f"{'lower' if lower else 'higher'} in the mock: it is a smooth model of the Galaxy, not a copy of SDSS's targeting."
    )
    st.caption(
        "Colour: REAL stars, the stronger the denser (logarithmic). Lines: 20, 50, 80 and 95 % of the MOCK stars."
    )
    for column, (x, y) in zip(st.columns(len(PAIRS), gap="small"), PAIRS):
        with column:
            show_plot(
                density_figure(
                    (title[x], title[y]), (edges(x), edges(y)), *found.densities[x, y], palette=palette(), height=300
                ),
                f"density_{x}_{y}",
                f"mock-and-real-{x}-{y}",
                f"{title[y]} against {title[x]}, real and MOCK stars",
            )


def show_realism() -> None:
    """What networks trained on MOCK stars do on real ones, and how a classifier tells the two apart."""
    from stellar_core.figures.realism import classifier_figure, growth_figure

    card = _card("mock-realism")
    growth, judged = card.get("growth") or [], card.get("classifier") or {}
    if not growth and not judged:
        return
    st.subheader(f"What is learned on {MOCK} stars, tried on {REAL} ones", anchor=False)
    if growth:
        st.markdown(
            "One network per number of MOCK training stars, applied to real spectra: median difference (bias) and scatter to "
            "the labels of their surveys and libraries, which have errors of their own. Only the SDSS stars are wholly new: the "
            "emulator was fitted to the others. Where a line has become flat, more mock does not help any more and only a "
            "better mock would."
        )
        show_plot(
            growth_figure(growth, palette=palette()),
            "growth",
            "growth",
            "Bias and scatter on real stars against the number of MOCK training stars",
        )
    if judged:
        error = f" ± {judged['auc_error']:.2f}" if judged.get("auc_error") is not None else ""
        st.markdown(
            f"**Can a classifier tell them apart?** Given MOCK and REAL spectra of like stars, its area under the curve is "
            f"**{judged['auc']:.2f}{error}** (0.5 is chance, 1 always right). By one thing alone it reaches:"
        )
        show_plot(
            classifier_figure(judged.get("reasons") or [], palette=palette()),
            "classifier",
            "classifier",
            "Area under the curve of classifiers that see one thing only",
        )
