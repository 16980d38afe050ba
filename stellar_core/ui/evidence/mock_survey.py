"""The Mock survey page: MOCK and real spectra and catalogues, from tables stored in ``trained/``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.paths import TRAINED_DIR
from stellar_core.ui.shell import escape, palette, show_error, show_plot

if TYPE_CHECKING:
    from stellar_core.mock.held_out import HeldOut
    from stellar_core.mock.population_comparison import Comparison

TRAINED = TRAINED_DIR
MOCK, REAL = ":orange-badge[MOCK]", ":blue-badge[REAL]"
LIBRARIES = {"MILES": "MILES", "STELIB": "STELIB", "BOSS_TEMPLATE": "BOSS templates", "KURUCZ_STD": "Kurucz models"}


def _stamp(path: Path) -> int:
    """Modification time of a file, ns; 0 if there is none."""
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
    """Card of a part of the mock; empty if there is none."""
    path = TRAINED / name / "card.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _auc(classifier: dict) -> str:
    """Area under the ROC curve with its error."""
    digits = 3 if classifier["auc"] > 0.99 else 2
    error = f" ± {classifier['auc_error']:.{digits}f}" if classifier.get("auc_error") is not None else ""
    return f"{classifier['auc']:.{digits}f}{error}"


def show_headline() -> None:
    """Answer to the title of the page in numbers, and the meaning of its badges."""
    words = []
    residuals = _card("spectral-emulator").get("held_out_line_residual_3850_7350", {})
    if row := residuals.get("without those named as outliers", {}).get("4500-8000 K"):
        words.append(
            f"Emulated spectra at 4500–8000 K match held-out library stars to **{row['rms']:.1%}** of the continuum "
            "(RMS)."
        )
    if classifier := _card("mock-realism").get("classifier"):
        words.append(
            "A classifier can still distinguish them from SDSS spectra: area under the ROC curve "
            f"**{_auc(classifier)}** (0.5: chance, 1: perfect)."
        )
    st.markdown(" ".join(words))
    st.caption(f"All models were trained on MOCK stars only. Simulated data are marked {MOCK}, observed data {REAL}.")


def show_spectra() -> None:
    """Held-out library stars and their emulation, with errors by class, cell, library and range."""
    try:
        held = _held_out(_stamp(TRAINED / "spectral-emulator" / "held_out.safetensors"))
    except StellarError as error:
        show_error(error)
        return
    card = _card("spectral-emulator")
    st.subheader(f"Spectra {MOCK} against {REAL} library stars", anchor=False)
    st.markdown(
        f"The emulator predicts a spectrum from Teff, log g and [Fe/H]. Each of the {len(held.labels)} library spectra "
        "was left out of one fit and then emulated from its labels (cross-validation). Spectra are divided by their "
        "continuum. Error: RMS difference over 3850–7350 Å; signal: RMS of the lines."
    )
    st.table(_class_rows(card))
    if card.get("held_out_note"):
        st.caption(f"{escape(card['held_out_note'])}.")
    _show_star(held)
    left, right = st.columns([1.35, 1], gap="large")
    with left:
        _show_map(held)
    with right:
        st.markdown("**RMS by library and wavelength**, without outliers")
        st.table(_range_rows(card))
        st.caption(
            "Below 3850 Å lines are crowded and the libraries are noisy. MILES ends at 7370 Å; redder wavelengths "
            "rely on STELIB, BOSS templates and models."
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
            "RMS without outliers": f"{clean[name]['rms']:.4f} ({row['stars'] - clean[name]['stars']} excluded)",
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
    """One selected held-out star, and small panels of all."""
    from stellar_core.figures.emulator import held_out_figure, multiples_figure
    from stellar_core.preprocessing.grid import GRID

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
        help="For each type, the star with the median error of the nine nearest library stars; and the three worst.",
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
        f"Line spectrum of {held.name[held.row[chosen]]} and its emulation, RMS {error:.4f}",
    )
    st.caption(f"RMS over 3850–7350 Å: **{error:.4f}**. Drag to zoom, double-click to reset.")
    with st.expander("All stars, 4780–5420 Å", expanded=False):
        titles = [
            f"{held.title[k]}{'' if held.source[row] == 'MILES' else f' ({held.source[row]})'} · "
            f"{held.line_rms[row]:.3f}"
            for k, row in enumerate(held.row)
        ]
        show_plot(
            multiples_figure(titles, GRID, held.observed, held.emulated, palette=palette()),
            "multiples",
            "held-out-stars",
            "All held-out examples and their emulation",
        )


def _show_map(held: HeldOut) -> None:
    from stellar_core.figures.emulator import error_map_figure

    rows = (held.source == "MILES") & ~held.outlier
    st.markdown("**RMS by Teff and log g**, MILES without outliers")
    show_plot(
        error_map_figure(held.labels[rows, 0], held.labels[rows, 1], held.line_rms[rows], palette=palette()),
        "error_map",
        "emulator-errors",
        "Map of the emulator's error by effective temperature and gravity",
    )
    st.caption("Numbers: stars per cell; cells with one star have no colour.")


def _show_outliers(card: dict) -> None:
    outliers = card.get("outliers_left_out", {})
    if not isinstance(outliers, dict) or not outliers:
        return
    with st.expander(f"{len(outliers)} outliers excluded from the fit"):
        rows = [{"spectrum": name, "labels, RMS and reason": text} for name, text in outliers.items()]
        st.dataframe(
            rows, hide_index=True, height=320, column_config={"spectrum": st.column_config.Column(width="small")}
        )


def _show_domain(card: dict) -> None:
    domain = card.get("domain", {})
    low, high = domain.get("teff_K", (3500, 12000))
    st.info(
        f"**Limits of the MOCK survey.** Emulated spectra are valid between {low} and {high} K, near stars of the "
        f"library ({escape(domain.get('rule', ''))}). Not included: {escape(domain.get('outside', ''))}. Results for "
        "such stars are meaningless. The spectra depend on three labels only; other abundances follow [Fe/H] as in "
        "the library.",
        icon=":material/fence:",
    )


def show_catalogue() -> None:
    """Colours and [Fe/H] of MOCK stars and real SDSS stars."""
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
        f"{found.mock_stars} MOCK stars (every sixth plate) and {found.real_stars} stars of SDSS DR17 with [Fe/H] from "
        "the parameter pipeline, with the same limits in all five quantities. PSF colours are not dereddened; colours "
        "and [Fe/H] include their errors."
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
                "KS, two halves of real stars": f"{one.ks_halves:.3f}",
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
        f"The largest difference is in **{QUANTITIES[worst][0]}**: KS distance {found.distances[worst].ks:.2f}, with a "
        f"{'lower' if lower else 'higher'} median in the mock. No quantity agrees within sampling noise (third "
        "column), because the mock is a smooth model of the Galaxy, not a copy of SDSS targeting. Part of the "
        "agreement is by construction: the selection in g−r and the zero points of u, i and z were fitted to these "
        "real stars."
    )
    st.caption("Colour: density of REAL stars (logarithmic). Contours: 20, 50, 80 and 95 % of the MOCK stars.")
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
    """Performance of networks trained on MOCK stars on real ones, and MOCK-real classifiers."""
    from stellar_core.figures.realism import classifier_figure, learning_curve_figure

    card = _card("mock-realism")
    curve, classifier = card.get("growth") or [], card.get("classifier") or {}
    if not curve and not classifier:
        return
    st.subheader(f"Trained on {MOCK}, tested on {REAL} stars", anchor=False)
    if curve:
        st.markdown(
            "Networks trained on different numbers of MOCK stars, applied to real spectra: median difference (bias) "
            "and scatter relative to the labels of the surveys and libraries, which have errors too. Only the SDSS "
            "stars are independent; the emulator was fitted to the others. Where a curve is flat, more MOCK stars do "
            "not help; a better mock would."
        )
        show_plot(
            learning_curve_figure(curve, palette=palette()),
            "learning_curve",
            "learning-curve",
            "Bias and scatter on real stars against the number of MOCK training stars",
        )
    if classifier:
        st.markdown(
            f"**MOCK-real classifiers.** Area under the ROC curve (0.5: chance, 1: perfect) with all features: "
            f"**{_auc(classifier)}**. With one feature each:"
        )
        show_plot(
            classifier_figure(classifier.get("reasons") or [], palette=palette()),
            "classifier",
            "classifier",
            "Area under the ROC curve of classifiers with one feature each",
        )
