"""Several answers about one star side by side, and where they disagree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.figures.distributions import opinions_figure
from stellar_core.inference.tension import Gap, Opinion, gaps
from stellar_core.quantities import AGE, FEH, LIFETIME, LOG_AGE, LOGG, TEFF
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import palette, plain

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.ui.loaders import Source

#: Names of the shipped networks in words.
TITLES = {"isochrone": "Model 9", "paper-setup-a": "Model 6"}
SHOWN = (AGE, LIFETIME, TEFF, LOGG, FEH)
#: Field of a result -> how gaps in it are written.
COMPARED = {quantity.field: quantity for quantity in (LOG_AGE, TEFF, LOGG, FEH)}
#: Gaps in units of the errors below which answers agree, and above which they disagree.
AGREE, DISAGREE = 1.0, 2.0
DROPOUT, ISOCHRONES, PIPELINE = "Dropout alone", "Isochrones", "SSPP"


@dataclass(frozen=True)
class Others:
    """What is asked besides the chosen network.

    Attributes
    ----------
    results : mapping of str to Result
        Other networks by name.
    isochrones : mapping
        The exact posterior on the isochrones; empty where they have no such star.
    atmosphere : str
        Name of the network whose Teff, log g and [Fe/H] the isochrones were given.
    """

    results: Mapping[str, Result]
    isochrones: Mapping[str, object]
    atmosphere: str


def ask_others(source: Source, result: Result) -> Others:
    """The other networks, and the isochrones at the atmosphere of Model 6, or of the chosen network where it is missing.

    Model 9's own atmosphere is a posterior over isochrones already: with it they would be asked twice.
    """
    results = loaders.beside(source, result.seed, result.samples, result.model)
    given = results.get("paper-setup-a", result)
    return Others(results, loaders.second_opinion(given), given.model)


def title(model: str) -> str:
    """A network's name in words."""
    return TITLES.get(model, model)


def pipeline(meta: Mapping[str, object]) -> Opinion | None:
    """The survey pipeline's own Teff, log g and [Fe/H] from ``meta`` of a spectrum; None where one or its error is missing."""
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
    return Opinion(PIPELINE, intervals, {})


def pipeline_note(meta: Mapping[str, object]) -> str:
    """The survey pipeline's values where errors lack, so that no row can hold them; empty elsewhere."""
    found = (meta.get(f"sspp_{name}") for name in ("teff", "logg", "feh"))
    teff, logg, feh = (math.nan if value is None else float(value) for value in found)
    if math.isnan(teff + logg + feh) or pipeline(meta) is not None:
        return ""
    return f"SSPP gives {teff:.0f} K, log g {logg:.2f} and [Fe/H] {feh:+.2f}, without all of their errors.".replace(
        "-", "\u2212"
    )


def opinions_of(result: Result, others: Others, meta: Mapping[str, object]) -> list[Opinion]:
    """The chosen network, the others, what dropout alone says, the isochrones, and the survey pipeline where it has a say."""
    found = []
    for one in (result, *others.results.values()):
        found.append(Opinion(title(one.model), {q.field: q.interval(one) for q in SHOWN}, one.stage))
    for one in (result, *others.results.values()):
        if not one.from_isochrones and one.network:
            found.append(Opinion(DROPOUT, {name: part.to_dict() for name, part in one.network.items()}, {}))
            break
    if others.isochrones:
        stage = others.isochrones["stage"]
        found.append(
            Opinion(ISOCHRONES, {name: others.isochrones[name] for name in ("log_age", "log_lifetime")}, stage)
        )
    if (survey := pipeline(meta)) is not None:
        found.append(survey)
    return found


def show_opinions(result: Result, others: Others, meta: Mapping[str, object]) -> None:
    """One row for each answer, and in words how they agree; ``meta`` is that of the spectrum."""
    opinions = opinions_of(result, others, meta)
    st.subheader("Answers side by side", anchor=False, help=HELP["opinions"])
    left, right = st.columns([1, 1.35], gap="large", vertical_alignment="center")
    with left:
        rows = [(one.name, AGE.quantiles(one.intervals["log_age"])) for one in opinions if "log_age" in one.intervals]
        st.plotly_chart(
            opinions_figure(
                rows, unit="Age (Gyr)", limits=AGE.limits, trusted=result.verdict.in_domain, palette=palette()
            ),
            key="opinions",
            config={"displayModeBar": False},
            alt="Ages by each answer: "
            + "; ".join(
                f"{name} {values[2]:.1f} Gyr, 68 % {values[1]:.1f} to {values[3]:.1f}" for name, values in rows
            ),
        )
    with right:
        st.markdown("\n".join(f"- {sentence}" for sentence in _sentences(opinions)))
    st.table({name: list(column) for name, column in _table(opinions).items()}, border="horizontal")
    given = f"the Teff, log g and [Fe/H] of {title(others.atmosphere)}"
    note = f"The isochrones were given {given}." if others.isochrones else f"The isochrones have no star of {given}."
    st.caption(plain(" ".join(filter(None, (note, _dropout_note(result, others), pipeline_note(meta))))))


def _table(opinions: Sequence[Opinion]) -> dict[str, list[str]]:
    table = {" ": [f"**{opinion.name}**" for opinion in opinions]}
    for quantity in SHOWN:
        cells = [opinion.intervals.get(quantity.field) for opinion in opinions]
        table[f"{quantity.title} ({quantity.unit})"] = [quantity.short(cell) if cell else "" for cell in cells]
    table["Stage"] = [f"{o.most_likely_stage} {o.stage[o.most_likely_stage]:.0%}" if o.stage else "" for o in opinions]
    return table


def _sentences(opinions: Sequence[Opinion]) -> list[str]:
    """One sentence for each pair; dropout alone is no answer of its own."""
    asked = {opinion.name: opinion for opinion in opinions if opinion.name != DROPOUT}
    pairs: dict[tuple[str, str], list[Gap]] = {}
    for gap in gaps(list(asked.values())):
        pairs.setdefault((gap.first, gap.second), []).append(gap)
    said = [disagreement(asked[first], asked[second], found) for (first, second), found in pairs.items()]
    return [sentence for sentence in said if sentence]


def disagreement(one: Opinion, other: Opinion, found: Sequence[Gap]) -> str:
    """How two answers differ, in words; empty where they give no age and agree in the rest.

    Parameters
    ----------
    one, other : Opinion
    found : sequence of Gap
        Between the two.
    """
    names = f"{plain(one.name)} and {plain(other.name)}"
    words = []
    for gap in found:
        quantity = COMPARED[gap.quantity]
        apart = f"{quantity.write(abs(gap.difference)).lstrip('+')} {quantity.unit.replace('log yr', 'dex')}, {gap.in_errors:.1f} of their errors"
        if gap.quantity == "log_age":
            verb = "agree" if gap.in_errors < AGREE else "lean apart" if gap.in_errors < DISAGREE else "disagree"
            said = f"{names} {verb} on the age: {apart}."
            words.append(said if verb == "agree" else f"**{said}**")
        elif gap.in_errors >= AGREE:
            verb = "lean apart" if gap.in_errors < DISAGREE else "disagree"
            words.append(f"{'They' if words else names} {verb} on {quantity.title}: {apart}.")
    if one.most_likely_stage and other.most_likely_stage and one.most_likely_stage != other.most_likely_stage:
        words.append(f"They name different stages: {one.most_likely_stage} and {other.most_likely_stage}.")
    return " ".join(words).replace("[", "\\[").replace("]", "\\]")


def _dropout_note(result: Result, others: Others) -> str:
    """How often the truth lay in what dropout alone claims, from the card of the network that has it."""
    for one in (result, *others.results.values()):
        if not one.from_isochrones and one.network:
            view = "spectrum and photometry" if one.quality.get("photometry") == "used" else "spectrum alone"
            tests = loaders.estimator(one.model).card.get("metrics_mock_test", {})
            share = tests.get(view, {}).get("log_age", {}).get("coverage_plain_mc_dropout", {}).get("68")
            if share is not None:
                return (
                    f"Dropout alone is how {title(one.model)} wavers before calibration: its 68 % interval of log age "
                    f"held the truth of {share:.1%} of MOCK test stars, and it is not compared."
                )
    return ""
