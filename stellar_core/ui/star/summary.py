"""Summary of a result: the star, the verdict and the headline numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.quantities import AGE, FEH, LIFETIME, LOGG, STAGE_TITLES, TEFF
from stellar_core.ui.glossary import HELP, TRAINED_ON_MOCK
from stellar_core.ui.shell import escape
from stellar_core.ui.star.distance import parallax_remarks

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.sdss.identifiers import StarId
    from stellar_core.spectrum import Spectrum

BADGES = {"mock": ":orange-badge[MOCK]", "sdss": ":blue-badge[SDSS]", "upload": ":gray-badge[your file]"}


def show_header(spectrum: Spectrum, star: StarId | None, button: Callable[[], None]) -> None:
    """Name, origin and survey data of the star; ``button`` draws the actions."""
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
        st.subheader(
            f"{escape(spectrum.name or 'Unnamed spectrum')} {BADGES[spectrum.source]}", anchor=False, width="content"
        )
        st.caption(" · ".join(words), width="content")
        button()


def show_verdict(result: Result) -> None:
    """Verdict on the reliability of the result, before any number."""
    apart = parallax_remarks(result)  # shown with the distance
    words = [escape(message) for message in result.verdict.messages if message not in apart]
    if result.verdict.in_domain:
        with st.container(border=True, gap="xxsmall"):
            st.markdown(":green[:material/verified:] **Similar to the stars the model was trained on.**")
            st.caption(" ".join(words))
            _quality(result)
    else:
        st.error(
            "**Do not use these numbers: the spectrum differs from the stars the model was trained on.**"
            + "".join(f"\n- {message}" for message in words),
            icon=":material/report:",
        )
        _quality(result)


def show_numbers(result: Result) -> None:
    """Age, lifetime, stage and atmosphere with their intervals, one card each."""
    cards = [
        (q.title, q.headline(q.interval(result)), q.ranges(q.interval(result)), HELP[q.key])
        for q in (AGE, LIFETIME, TEFF, LOGG, FEH)
    ]
    ranked = sorted(result.stage.items(), key=lambda item: -item[1])
    likely = [(STAGE_TITLES[name], probability) for name, probability in ranked[:2] if probability >= 0.005]
    words = "  \n".join(f"{_temperatures(title)} **{probability:.0%}**" for title, probability in likely)
    cards.insert(2, ("Stage", likely[0][0].partition(" (")[0], words, HELP["stage"]))
    with st.grid(6, gap="small", min_column_width=155):
        for label, value, words, help_text in cards:
            with st.container(border=True, gap="xxsmall", height="stretch"):
                if result.verdict.in_domain:
                    st.metric(label, value, help=help_text)
                    st.caption(words)
                else:
                    st.metric(label, f":gray[{value}]", help=help_text)
                    st.caption(f":red-badge[not reliable]  \n{words}")
    st.caption(f":orange-badge[MOCK] {TRAINED_ON_MOCK}")


def _temperatures(title: str) -> str:
    """Range of temperatures of a part of the main sequence; other stages keep their title."""
    return title.removeprefix("Main sequence (").removesuffix(")")


def _quality(result: Result) -> None:
    """Quality of the spectrum in one line."""
    quality = result.quality
    facts = []
    if quality.get("snr") is not None:
        facts.append(("S/N", f"{float(quality['snr']):.0f} per pixel", "snr"))
    if quality.get("coverage") is not None:
        facts.append(("Coverage", f"{float(quality['coverage']):.0%}", "coverage"))
    if quality.get("redshift") is not None:
        velocity = f"{float(quality['redshift']) * SPEED_OF_LIGHT:+.0f} km/s".replace("-", "−")
        facts.append(("Velocity", f"{velocity} ({quality.get('redshift_source', 'source unknown')})", "redshift"))
    if quality.get("photometry"):
        source = quality.get("photometry_source")
        facts.append(("Photometry", str(quality["photometry"]) + (f" ({source})" if source else ""), "photometry"))
    with st.container(horizontal=True, gap="medium"):
        for label, value, key in facts:
            st.caption(f"{label} **{escape(value)}**", help=HELP[key], width="content")
