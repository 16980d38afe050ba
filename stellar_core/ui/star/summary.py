"""First screen of a star: its name and verdict, the age with its posterior, a sentence, its life, and the numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.figures.distributions import histogram_figure
from stellar_core.figures.life_bar import life_bar_figure
from stellar_core.inference.summary_sentence import stage_name, summary_sentence
from stellar_core.intervals import Interval
from stellar_core.quantities import AGE, FEH, LIFETIME, LOGG, MASS, TEFF
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP, TRAINED_ON_MOCK, model_title
from stellar_core.ui.shell import escape, palette
from stellar_core.ui.star.distance import parallax_remarks

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from stellar_core.inference.reliability import Reliability
    from stellar_core.inference.result import Result
    from stellar_core.sdss.identifiers import StarId
    from stellar_core.spectrum import Spectrum

BADGES = {"mock": ":orange-badge[MOCK]", "sdss": ":blue-badge[SDSS]", "upload": ":gray-badge[your file]"}
#: Icon and colour of each level of the verdict.
CHIPS = {
    "reliable": (":material/verified:", "green"),
    "caution": (":material/warning:", "orange"),
    "refused": (":material/report:", "red"),
}
#: Sizes of the headline and of the numbers beside it; metrics have one size in the theme.
SIZES = """<style>
.st-key-headline [data-testid="stMetricValue"] {font-size: 2.1rem; font-weight: 650; line-height: 1.15;}
.st-key-numbers [data-testid="stMetricValue"] {font-size: 1.02rem; line-height: 1.3;}
.st-key-numbers [data-testid="stMetricLabel"] p {font-size: 0.8rem;}
</style>"""
QUIET = {"displayModeBar": False}


def show_header(spectrum: Spectrum, star: StarId | None, button: Callable[[], None]) -> DeltaGenerator:
    """Bar with name, origin, survey data and actions; ``button`` draws these. Returns the place of the verdict."""
    meta = spectrum.meta
    words = []
    if meta.get("class"):
        words.append(escape(f"{meta['class']} {meta.get('subclass') or ''}".strip()))
    if meta.get("ra") is not None and meta.get("dec") is not None:
        words.append(f"RA {float(meta['ra']):.5f}°, Dec {float(meta['dec']):+.5f}°".replace("-", "−"))
    if star is not None:
        words.append(f"specobjid {star.specobjid}")
        if not star.is_mock:
            words.append(f"[SkyServer]({star.skyserver_url})")
            words.append(f"[SDSS viewer]({star.viewer_url})")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(
            f"{escape(spectrum.name or 'Unnamed spectrum')} {BADGES[spectrum.source]}", anchor=False, width="content"
        )
        verdict = st.empty()
        st.caption(" · ".join(words), width="content")
        button()
    return verdict


def show_verdict(result: Result, reliability: Reliability, place: DeltaGenerator) -> None:
    """Verdict in two words at its ``place`` in the bar, with what it rests on when opened."""
    icon, colour = CHIPS[reliability.level]
    with place.popover(f":{colour}[{icon} **{reliability.title}**]", help="What this verdict rests on"):
        for title, words in (
            ("Star", reliability.star),
            ("Model", f"{model_title(result.model)}. {reliability.model}"),
            ("Information", reliability.information),
        ):
            st.markdown(f"**{title}.** {escape(words)}")
        _quality(result)
        st.caption(f":orange-badge[MOCK] {TRAINED_ON_MOCK}")


def show_refusal(result: Result) -> bool:
    """Reasons not to trust a result; returns True once the visitor wants to see its numbers all the same."""
    remarks = (escape(message) for message in result.verdict.messages)
    st.error(
        "**Do not use an age of this object: the spectrum differs from those the model was trained on.**"
        + "".join(f"\n- {message}" for message in remarks),
        icon=":material/report:",
    )
    return st.toggle("Show anyway", key=f"show_anyway_{result.star}")


def show_answer(result: Result, reliability: Reliability) -> None:
    """Age with its posterior, the sentence, the life of the star, and the other numbers."""
    st.html(SIZES)
    trusted = result.verdict.in_domain
    left, middle, right = st.columns([1.05, 1.2, 1.05], gap="medium")
    with left:
        with st.container(key="headline"):
            st.metric("Age", _shown(AGE.with_errors(AGE.interval(result)), trusted), help=HELP["age"])
        st.markdown(escape(summary_sentence(result, reliability)))
        if remarks := _remarks(result):
            st.caption(escape(" ".join(remarks)))
    with right, st.container(key="numbers"):
        _numbers(result)
    if trusted:
        with middle:  # last, because figures take longer than numbers
            _posterior(result)
            _life(result)


def _remarks(result: Result) -> list[str]:
    """Remarks of the verdict on a trusted result; those on the parallax stand beside the distance."""
    apart = parallax_remarks(result)
    return [one for one in result.verdict.messages if one not in apart] if result.verdict.in_domain else []


def _shown(value: str, trusted: bool) -> str:
    return value if trusted else f":gray[{value}]"


def _posterior(result: Result) -> None:
    figure = histogram_figure(
        AGE.convert(result.draws["log_age"]),
        AGE.quantiles(AGE.interval(result)),
        unit=f"{AGE.label}; shaded: 68 % and 95 %",
        limits=AGE.limits,
        palette=palette(),
        revision=result.star,
        height=140,
    )
    figure.update_xaxes(range=AGE.limits)
    interval = AGE.interval(result)
    alt = f"Posterior of the age: 95 % between {AGE.write(interval['p025'])} and {AGE.write(interval['p975'])} Gyr"
    st.plotly_chart(figure, key="age_posterior", config=QUIET, alt=alt)


def _life(result: Result) -> None:
    """The life bar; without it where the age exceeds the lifetime."""
    if result.log_age.median > result.log_lifetime.median:
        return
    from stellar_core.inference.life_span import LifeSpan

    life = LifeSpan.of(result, loaders.tracks())
    st.plotly_chart(
        life_bar_figure(
            life.fraction,
            LIFETIME.headline(LIFETIME.interval(result)),
            phases=life.phases,
            universe=life.universe,
            palette=palette(),
            revision=result.star,
        ),
        key="life",
        config=QUIET,
        alt=f"Life from birth to death after {LIFETIME.headline(LIFETIME.interval(result))}: "
        f"{100 * life.fraction[2]:.0f} % are over",
    )


def _numbers(result: Result) -> None:
    """Stage, mass, lifetime and atmosphere with their errors."""
    trusted = result.verdict.in_domain
    numbers = [("Stage", stage_name(result.stage))]
    if "mass" in result.draws:
        mass = Interval.from_draws(np.asarray(result.draws["mass"], float)).to_dict()
        numbers.append((MASS.title, MASS.with_errors(mass)))
    numbers += [(one.title, one.with_errors(one.interval(result))) for one in (LIFETIME, TEFF, LOGG, FEH)]
    with st.grid(2, gap="xsmall", min_column_width=150):
        for title, value in numbers:
            st.metric(title, _shown(value, trusted))


def _quality(result: Result) -> None:
    """Quality of the spectrum in one line."""
    quality = result.quality
    facts = []
    if quality.get("snr") is not None:
        facts.append(f"S/N **{float(quality['snr']):.0f}** per pixel")
    if quality.get("redshift") is not None:
        velocity = f"{float(quality['redshift']) * SPEED_OF_LIGHT:+.0f} km/s".replace("-", "−")
        facts.append(f"velocity **{velocity}** ({quality.get('redshift_source', 'source unknown')})")
    if quality.get("coverage") is not None:
        facts.append(f"**{float(quality['coverage']):.0%}** of 3600–10400 Å")
    if quality.get("photometry"):
        source = quality.get("photometry_source")
        facts.append(f"photometry {escape(quality['photometry'])}" + (f" ({escape(source)})" if source else ""))
    st.markdown(f"**Spectrum.** {', '.join(facts)}.")
