"""Section of the Uncertainty page: isochrone fits of REAL stars with independent ages, from stored figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.evaluation.real_ages.record import ERRORS, ONCE, RECORD, read_record
from stellar_core.figures.palette import DARK
from stellar_core.ui.shell import escape, palette, show_error, show_plot

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Names of the sets of errors on the switch.
SWITCH = {"published": "As published", "sdss": "As in SDSS"}
#: A stage of fewer stars has no row of its own.
FEWEST = 5


@st.cache_data(max_entries=2, show_spinner=False)
def _record(stamp: int) -> dict[str, object]:
    return read_record(RECORD)


def show_real_stars() -> None:
    """Answer in one sentence, the figure with its switch, the table, and the method."""
    st.subheader("Does it work on real stars? :blue-badge[REAL]", anchor=False)
    try:
        found = _record(RECORD.stat().st_mtime_ns if RECORD.exists() else 0)
    except StellarError as error:
        show_error(error)
        return
    st.markdown(_answer(found))
    if words := parallax_words(found):
        st.markdown(words)
    left, right = st.columns([1.25, 1], gap="large")
    with left:
        errors = st.segmented_control(
            "Errors of Teff, log g and [Fe/H]",
            list(ERRORS),
            default="published",
            required=True,
            key="real_errors",
            format_func=SWITCH.get,
        )
        show_plot(
            _figure(found, errors, palette() is DARK),
            "real_ages",
            f"real-ages-{errors}",
            f"Age from the isochrone fit against asteroseismic age of {len(found['stars']['star'])} real stars",
        )
    with right:
        st.markdown(f"**{escape(ERRORS[errors])}**")
        st.table(_rows(found, errors))
        st.caption(
            "RMS and bias: inferred minus asteroseismic log age, dex; one age: RMS of one age for all stars. In 68 %: "
            "stars whose 68 % interval contains the asteroseismic age, with the error of that age included. Filled "
            "symbols: dwarfs; open: subgiants and giants."
        )
        with st.expander("How this was measured"):
            st.markdown(_method(found))


def _answer(found: Mapping) -> str:
    """The result in one sentence, and its limit in another."""
    ages = {errors: found["samples"][ONCE][errors]["age"]["all"] for errors in ERRORS}
    good, poor = ages["published"], ages["sdss"]
    return (
        f"For {good['n']} Kepler stars with asteroseismic ages, the isochrone fit is off by "
        f"**{good['rmse']:.2f} dex** (RMS, a factor of {10 ** good['rmse']:.1f}), and by **{poor['rmse']:.2f} dex** "
        f"with errors as large as those of SDSS; one age for all would be off by {good['rmse_constant']:.2f} dex. The "
        f"68 % interval contains the age of **{good['coverage_68']:.0%}** and **{poor['coverage_68']:.0%}**. This "
        "tests the isochrone fit; the networks need SDSS spectra, which these stars do not have."
    )


def parallax_words(found: Mapping) -> str:
    """What a parallax adds where log g is unknown, for the largest sample, in Markdown; empty without one."""
    samples = list(found["parallaxes"].values())
    if not samples:
        return ""
    best = max(samples, key=lambda sample: sample["with"]["n"])
    used, without = best["with"], best["without"]
    return (
        f"With a parallax and no log g at all, the isochrone fit of {used['n']} stars is off by "
        f"**{used['rmse']:.2f} dex** ({without['rmse']:.2f} without the parallax, {used['rmse_constant']:.2f} for one "
        f"age for all); the 68 % interval contains the age of **{used['coverage_68']:.0%}** ({best['title']})."
    )


@st.cache_data(max_entries=8, show_spinner=False)
def _figure(found: Mapping, errors: str, dark: bool) -> go.Figure:
    from stellar_core.figures.real_ages import ages_figure

    stars = found["stars"]

    def gyr(intervals: Mapping[str, list[float]]) -> np.ndarray:
        return 10.0 ** (np.array([intervals[part] for part in ("p16", "median", "p84")], float).T - 9.0)

    truth, inferred, sample = gyr(stars["true_log_age"]), gyr(stars[errors]), np.array(stars["sample"])
    parts = {}
    for name in dict.fromkeys(stars["sample"]):
        rows = np.flatnonzero(sample == name)
        parts[found["samples"][name]["title"]] = {
            **{key: [stars[key][row] for row in rows] for key in ("star", "stage")},
            "truth": truth[rows],
            "inferred": inferred[rows],
        }
    scatter = found["samples"][ONCE][errors]["age"]["all"]["rmse_constant"]
    return ages_figure(parts, scatter, palette=palette())


def _rows(found: Mapping, errors: str) -> list[dict[str, str]]:
    """All stars with ages, then by stage and by sample."""
    once = found["samples"][ONCE][errors]["age"]
    rows = [
        _row("All, each once" if stage == "all" else f"{stage.capitalize()}s", metrics)
        for stage, metrics in once.items()
        if metrics["n"] >= FEWEST
    ]
    for name, sample in found["samples"].items():
        if name != ONCE and sample.get("headline_ages") and sample[errors]["age"]:
            rows.append(_row(sample["title"], sample[errors]["age"]["all"]))
    return rows


def _row(name: str, metrics: Mapping[str, float]) -> dict[str, str]:
    return {
        "Ages of": name,
        "n": f"{metrics['n']}",
        "RMS": f"{metrics['rmse']:.2f}",
        "one age": f"{metrics['rmse_constant']:.2f}",
        "bias": f"{metrics['bias']:+.2f}".replace("-", "−"),
        "in 68 %": f"{metrics['coverage_68']:.0%}",
    }


def _signed(per_cent: float) -> str:
    """Rounded to one per cent, with a true minus sign."""
    return f"{round(per_cent):+d}".replace("-", "−").replace("+0", "0")


def _method(found: Mapping) -> str:
    once = found["samples"][ONCE]
    teff, logg, feh = found["sdss_errors"]
    lines = [
        "Input: published Teff, log g (from seismology, 10 to 50 times better than in SDSS) and [Fe/H]. *As in SDSS*: "
        f"errors raised to {teff:g} K, {logg:g} dex and {feh:g} dex, and values moved by matching noise.",
        "Asteroseismic ages come from other stellar models. Their own errors are "
        f"{once['published']['age']['all']['truth_error']:.2f} dex (RMS).",
    ]
    legacy = found["samples"].get("kepler_legacy")
    if legacy:
        lines[-1] += (
            " Seven seismic pipelines differ on the LEGACY stars by "
            f"{legacy['published']['age']['all']['pipelines_scatter']:.2f} dex."
        )
    if found["systematics"]:
        lines.append(
            "The tracks are corrected for systematic errors, which were fitted to the temperatures of these stars at "
            "their masses, and to the Sun; the ages of the stars were not used."
        )
    masses = once["published"]["mass"]["all"]
    lines.append(
        f"Masses of the same stars: {_signed(masses['bias'])} % median difference, {masses['scatter']:.0f} % scatter."
    )
    binaries = found["samples"].get("debcat")
    if binaries:
        mass = binaries["published"]["mass"]
        parts = ", ".join(
            f"{mass[stage]['n']} {stage}s {_signed(mass[stage]['bias'])} ± {mass[stage]['scatter']:.0f} %"
            for stage in ("dwarf", "subgiant", "giant")
            if stage in mass
        )
        pairs = found["binaries"]["published"]["all"]
        lines.append(
            f"Masses of eclipsing binaries (DEBCat), fitted against dynamical: {parts}. The ages of the two components "
            f"agree within one sigma in {pairs['within_1_sigma']:.0%} of {pairs['pairs']} pairs."
        )
    references = {sample["reference"] for sample in found["samples"].values() if sample.get("reference")}
    lines.append(f"Sources: {'; '.join(sorted(references))}.")
    lines.append(
        f"Measured {found['date']} with {found['models']}; repeat with "
        "`python -m stellar_core evaluate --suite real-ages`."
    )
    return "\n".join(f"- {line}" for line in lines)
