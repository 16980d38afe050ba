"""Comparison of several estimates of one star, and the tension between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.figures.distributions import estimates_figure
from stellar_core.inference.summary_sentence import age_beyond_lifetime
from stellar_core.inference.tension import Estimate, Tension, tensions
from stellar_core.quantities import AGE, FEH, LIFETIME, LOG_AGE, LOGG, STAGE_TITLES, TEFF, stage_words
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP, ISOCHRONE_FIT, model_title
from stellar_core.ui.shell import escape, palette

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from stellar_core.inference.result import Result
    from stellar_core.ui.loaders import Source

SHOWN = (AGE, LIFETIME, TEFF, LOGG, FEH)
#: Quantities whose tension is reported, by the field of a result.
COMPARED = {quantity.field: quantity for quantity in (LOG_AGE, TEFF, LOGG, FEH)}
#: Tension in sigma below which estimates agree, and above which they disagree.
AGREE, DISAGREE = 1.0, 2.0
DROPOUT, TEMPLATES, PIPELINE = "Dropout spread", "Template fit", "SSPP"


@dataclass(frozen=True)
class OtherEstimates:
    """Estimates for comparison with the chosen network.

    Attributes
    ----------
    results : mapping of str to Result
        Other networks by name.
    isochrones : mapping
        Isochrone fit; empty if no track passes through the atmosphere.
    atmosphere : str
        Name of the network whose Teff, log g and [Fe/H] were fitted.
    """

    results: Mapping[str, Result]
    isochrones: Mapping[str, object]
    atmosphere: str


def load_others(source: Source, result: Result) -> OtherEstimates:
    """Evaluate the other networks, and fit isochrones to Model 6's atmosphere, or to that of the chosen network.

    The neural posterior's atmosphere is derived from isochrones; a fit to it would use them twice.
    """
    results = loaders.other_results(source, result.seed, result.samples, result.model)
    fitted = results.get("paper-setup-a", result)
    return OtherEstimates(results, loaders.isochrone_fit(fitted), fitted.model)


def pipeline_estimate(meta: Mapping[str, object]) -> Estimate | None:
    """Survey pipeline's Teff, log g and [Fe/H] from ``meta`` of a spectrum; None if a value or error is missing."""
    intervals = {}
    for name in ("teff", "logg", "feh"):
        value, error = meta.get(f"sspp_{name}"), meta.get(f"sspp_{name}_err")
        if value is None or error is None or not float(error) > 0:
            return None
        intervals[name] = {
            "p16": float(value) - float(error),
            "median": float(value),
            "p84": float(value) + float(error),
        }
    return Estimate(PIPELINE, intervals, {})


def pipeline_note(meta: Mapping[str, object]) -> str:
    """Survey pipeline's values if an error is missing, because the table needs all of them; else empty."""
    found = (meta.get(f"sspp_{name}") for name in ("teff", "logg", "feh"))
    teff, logg, feh = (math.nan if value is None else float(value) for value in found)
    if math.isnan(teff + logg + feh) or pipeline_estimate(meta) is not None:
        return ""
    return f"SSPP: {teff:.0f} K, log g {logg:.2f}, [Fe/H] {feh:+.2f}; some errors are missing.".replace("-", "−")


def all_estimates(result: Result, others: OtherEstimates, meta: Mapping[str, object]) -> list[Estimate]:
    """The chosen network, the others, dropout alone, the isochrone fit, the fit of template spectra, and the survey
    pipeline if available."""
    networks = (result, *others.results.values())
    found = [Estimate(model_title(one.model), {q.field: q.interval(one) for q in SHOWN}, one.stage) for one in networks]
    for one in networks:
        if not one.from_isochrones and one.network:
            found.append(Estimate(DROPOUT, {name: part.to_dict() for name, part in one.network.items()}, {}))
            break
    if others.isochrones:
        intervals = {name: others.isochrones[name] for name in ("log_age", "log_lifetime")}
        found.append(Estimate(ISOCHRONE_FIT, intervals, others.isochrones["stage"]))
    if result.template_fit:
        found.append(Estimate(TEMPLATES, {name: result.template_fit[name] for name in ("teff", "logg", "feh")}, {}))
    if (survey := pipeline_estimate(meta)) is not None:
        found.append(survey)
    return found


def show_estimates(
    result: Result, others: OtherEstimates, meta: Mapping[str, object], place: DeltaGenerator | None = None
) -> None:
    """Figure, tensions in words, and a table with one row per estimate; ``meta`` is that of the spectrum.

    Figure and words are drawn at ``place``, where there is one, above each other.
    """
    estimates = all_estimates(result, others, meta)
    with place or st.container():
        st.subheader("Comparison of estimates", anchor=False, help=HELP["estimates"])
        left, right = (st, st) if place else st.columns([1, 1.35], gap="large", vertical_alignment="center")
        rows = [(one.name, AGE.quantiles(one.intervals["log_age"])) for one in estimates if "log_age" in one.intervals]
        left.plotly_chart(
            estimates_figure(rows, unit=AGE.label, limits=AGE.limits, palette=palette()),
            key="estimates",
            config={"displayModeBar": False},
            alt="Ages: "
            + "; ".join(
                f"{name} {values[2]:.1f} Gyr, 68 % {values[1]:.1f} to {values[3]:.1f}" for name, values in rows
            ),
        )
        right.markdown("\n".join(f"- {sentence}" for sentence in _sentences(estimates)))
    st.table({name: list(column) for name, column in _table(estimates).items()}, border="horizontal")
    fitted = f"the Teff, log g and [Fe/H] from {model_title(others.atmosphere)}"
    note = f"{ISOCHRONE_FIT}: uses {fitted}." if others.isochrones else f"{ISOCHRONE_FIT}: no track at {fitted}."
    parallax = f"Of these, only the {model_title(result.model).lower()} uses the parallax." if result.parallax else ""
    notes = note, parallax, _dropout_note(result, others), pipeline_note(meta)
    st.caption(escape(" ".join(filter(None, notes))))


def _table(estimates: Sequence[Estimate]) -> dict[str, list[str]]:
    table = {"Estimate": [f"**{estimate.name}**" for estimate in estimates]}
    for quantity in SHOWN:
        cells = [estimate.intervals.get(quantity.field) for estimate in estimates]
        table[quantity.label] = [quantity.short(cell) if cell else "" for cell in cells]
    table["Stage"] = [stage_words(estimate.stage) for estimate in estimates]
    return table


def _sentences(estimates: Sequence[Estimate]) -> list[str]:
    """One sentence per contradiction and per pair; the dropout spread is not an independent estimate."""
    by_name = {estimate.name: estimate for estimate in estimates if estimate.name != DROPOUT}
    contradictions = [describe_contradiction(estimate) for estimate in by_name.values()]
    pairs: dict[tuple[str, str], list[Tension]] = {}
    for tension in tensions(list(by_name.values())):
        pairs.setdefault((tension.first, tension.second), []).append(tension)
    sentences = [describe_tension(by_name[first], by_name[second], found) for (first, second), found in pairs.items()]
    return [sentence for sentence in (*contradictions, *sentences) if sentence]


def describe_contradiction(estimate: Estimate) -> str:
    """Say in Markdown that an estimate's age exceeds its lifetime; empty if it does not."""
    if not {"log_age", "log_lifetime"} <= set(estimate.intervals):
        return ""
    words = age_beyond_lifetime(estimate.intervals["log_age"], estimate.intervals["log_lifetime"])
    return f"**{escape(f'{estimate.name}: {words}.')}**" if words else ""


def describe_tension(one: Estimate, other: Estimate, found: Sequence[Tension]) -> str:
    """Describe in Markdown how two estimates differ; empty if they give no age and agree in the rest.

    Parameters
    ----------
    one, other : Estimate
    found : sequence of Tension
        Between the two.
    """
    names = f"{one.name} and {other.name}"
    words = []
    for tension in found:
        quantity, sigma = COMPARED[tension.quantity], tension.in_sigma
        is_age = tension.quantity == "log_age"
        size = f"{quantity.write(abs(tension.difference)).lstrip('+')} {quantity.error_unit}, {sigma:.1f}σ"
        if is_age and sigma < AGREE:
            words.append(escape(f"{names} agree on the age ({size})."))
        elif sigma >= AGREE:
            subject, topic = "They" if words else names, "the age" if is_age else quantity.title
            verb = "are in mild tension on" if sigma < DISAGREE else "disagree on"
            sentence = escape(f"{subject} {verb} {topic} ({size}).")
            words.append(f"**{sentence}**" if is_age else sentence)
    if one.most_likely_stage and other.most_likely_stage and one.most_likely_stage != other.most_likely_stage:
        stages = (STAGE_TITLES[estimate.most_likely_stage] for estimate in (one, other))
        words.append(f"Their most probable stages differ: {' and '.join(stages)}.")
    return " ".join(words)


def _dropout_note(result: Result, others: OtherEstimates) -> str:
    """Coverage of the uncalibrated dropout interval, from the card of the network that has it."""
    for one in (result, *others.results.values()):
        if not one.from_isochrones and one.network:
            view = "spectrum and photometry" if one.quality.get("photometry") == "used" else "spectrum alone"
            tests = loaders.estimator(one.model).card.get("metrics_mock_test", {})
            share = tests.get(view, {}).get("log_age", {}).get("coverage_plain_mc_dropout", {}).get("68")
            if share is not None:
                return (
                    f"{DROPOUT}: scatter of the passes of {model_title(one.model)} before recalibration; its 68 % "
                    f"interval of log age contains the true value of {share:.1%} of MOCK test stars."
                )
    return ""
