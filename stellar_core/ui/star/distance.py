"""Distance of a star: what it does to the age, the parallax behind it, and the switch between both answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.inference.parallax_term import LIKELY, remarks_on_parallax
from stellar_core.quantities import AGE, DISTANCE, EXTINCTION, STAGE_TITLES, Quantity
from stellar_core.ui.glossary import HELP
from stellar_core.ui.shell import escape
from stellar_core.ui.star.parallax import ASKING, Answer, Question, ask_again, ask_by_position, has_position

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source

#: Answers of the switch, by their name in the address; the first is not written there.
ANSWERS = {"with": "With the parallax", "without": "Without"}


def wants_parallax() -> bool:
    """True unless the visitor or the address asks for the answer without the parallax."""
    asked = st.query_params.get("answer")
    if asked in ANSWERS:
        st.session_state.answer_kept = asked
    _write_address()
    return _kept() != "without"


def show_distance(result: Result) -> None:
    """Both ages in one sentence, the switch, and distance and extinction with their intervals.

    ``result`` is the answer with the parallax.
    """
    found = result.parallax
    with st.container(gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(effect_on_age(result), width="content")
            st.session_state.answer = _kept()
            st.segmented_control(
                "Answer",
                list(ANSWERS),
                required=True,
                key="answer",
                format_func=ANSWERS.get,
                label_visibility="collapsed",
                on_change=_keep,
            )
        origin = f"{found['origin']} {found['source_id']}".strip()
        facts = [
            ("Parallax", f"{found['parallax_mas']:.3f} ± {found['parallax_err_mas']:.3f} mas", f" ({origin})"),
            ("Distance", *_median_and_range(DISTANCE, found["distance_pc"])),
            ("Extinction A_V", *_median_and_range(EXTINCTION, found["av_mag"])),
        ]
        words = [f"{escape(label)} **{escape(value)}**{escape(more)}" for label, value, more in facts]
        shown = " ".join([" · ".join(words).replace("-", "−") + ".", *map(escape, parallax_remarks(result))])
        st.caption(shown, help=" ".join(HELP[name] for name in ("parallax", "distance", "extinction")))


def effect_on_age(result: Result) -> str:
    """Both ages, and both stages where they differ, in Markdown."""
    without = result.parallax["without"]
    before, after = (AGE.with_errors(one) for one in (without["log_age"], AGE.interval(result)))
    if result.parallax["wrong_parallax"] > LIKELY:
        words = f"The parallax is not believed. Without it the age is {before}, with Gaia's brightness **{after}**."
        if before == after:
            words = f"The parallax is not believed; the age stays **{after}**."
    elif before == after:
        words = f"The distance leaves the age at **{after}**."
    else:
        words = f"The distance moves the age from {before.removesuffix(' Gyr')} to **{after}**."
    stage = max(without["stage"], key=without["stage"].__getitem__)
    if stage != result.most_likely_stage:
        names = (STAGE_TITLES[name] for name in (stage, result.most_likely_stage))
        words += " The most probable stage changes from {} to **{}**.".format(*names)
    return words


def parallax_remarks(result: Result) -> tuple[str, ...]:
    """Sentences of the verdict that are about the parallax."""
    if result.parallax is None:
        return ()
    from stellar_core.astrometry import Astrometry

    found = result.parallax
    astrometry = Astrometry(
        found["parallax_mas"],
        found["parallax_err_mas"],
        ruwe=found["ruwe"],
        non_single_star=found["non_single_star"],
        notes=tuple(found["notes"]),
    )
    return remarks_on_parallax(astrometry, found)


def show_no_distance(source: Source, spectrum: Spectrum, answer: Answer | Question | None) -> None:
    """The reason why there is no distance, and what can be done."""
    if isinstance(answer, Question):
        st.caption(f":material/hourglass_top: {ASKING}")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if isinstance(answer, Answer):
            st.caption(f":material/info: {escape(answer.reason)}", width="content")
            if answer.again:
                st.button("Ask Gaia again", key="gaia_again", type="tertiary", on_click=ask_again)
            return
        what = "its Gaia source_id" if spectrum.photometry is None else "one, or its Gaia source_id,"
        st.caption(f"No distance was used. A parallax narrows the age: enter {what} under *Parallax*.", width="content")
        if has_position(spectrum):
            st.button(
                "Look it up in Gaia",
                icon=":material/travel_explore:",
                key="gaia_position",
                type="tertiary",
                on_click=ask_by_position,
                args=(source,),
                help="Sends the position of the file to the archive of Gaia.",
            )


def _median_and_range(quantity: Quantity, interval: Mapping[str, float]) -> tuple[str, str]:
    low, high = (quantity.write(interval[part]) for part in ("p16", "p84"))
    return quantity.headline(interval), f" (68 %: {low} – {high})"


def _kept() -> str:
    """Choice of the session, which outlives visits to other pages."""
    return st.session_state.get("answer_kept", "with")


def _keep() -> None:
    st.session_state.answer_kept = st.session_state.answer
    _write_address()


def _write_address() -> None:
    if _kept() == "with":
        st.query_params.pop("answer", None)
    elif st.query_params.get("answer") != _kept():
        st.query_params["answer"] = _kept()
