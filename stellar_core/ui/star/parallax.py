"""Parallax of a star: entered by the visitor, or looked up in Gaia after the first answer is on screen."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core import lookup
from stellar_core.astrometry import Astrometry, parse_parallax
from stellar_core.errors import ArchiveError, ParameterError, StellarError
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP

if TYPE_CHECKING:
    from stellar_core.gaia import Finding
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source

#: Ways to write "value ± error".
_BETWEEN = re.compile(r"\s*(?:±|\+\s*/?\s*[-−]|,|;)\s*|\s+")
#: Answers of Gaia that a session keeps.
KEPT = 200
ASKING = "Looking the star up in Gaia"


@dataclass(frozen=True)
class Answer:
    """Parallax of a star, or the reason why there is none.

    Attributes
    ----------
    astrometry : Astrometry or None
    reason : str
    again : bool
        True if the archive did not answer and may be asked again.
    """

    astrometry: Astrometry | None = None
    reason: str = ""
    again: bool = False


@dataclass(frozen=True)
class Question:
    """A star that Gaia has not been asked for yet; by its position, or by the ``source_id`` that was entered."""

    source: Source
    source_id: str = ""

    @property
    def key(self) -> str:
        """Unique among stars and identifiers."""
        return f"{self.source.key} {self.source_id}"


def show_parallax_inputs(star: str) -> None:
    """Boxes for a parallax and a source_id, both kept in the address; ``star`` is the text of the search box.

    They belong to one star and are emptied when another is opened.
    """
    state = st.session_state
    if state.setdefault("parallax_star", star) != star:
        state.parallax_star = star
        if not {"parallax", "gaia"} & set(st.query_params):
            forget_parallax()
    with st.popover("Parallax", icon=":material/straighten:"):
        st.text_input(
            "Parallax and its error (mas)",
            key="parallax",
            bind="query-params",
            max_chars=60,
            placeholder="2.51 ± 0.03",
            help=HELP["parallax_entered"],
            on_change=_empty,
            args=("gaia",),
        )
        st.text_input(
            "Gaia DR3 source_id",
            key="gaia",
            bind="query-params",
            max_chars=40,
            placeholder="4583627001381815936",
            help=HELP["source_id"],
            on_change=_empty,
            args=("parallax",),
        )


def forget_parallax() -> None:
    """Empty both boxes, before they are drawn or in a callback."""
    st.session_state.parallax = st.session_state.gaia = ""
    st.session_state.pop("gaia_asked", None)


def _empty(key: str) -> None:
    st.session_state[key] = ""


def parse_entered(text: str) -> Astrometry:
    """Parse a parallax with its error: "2.51 ± 0.03", "2.51 +- 0.03", "2.51,0.03", "2.51 0.03".

    Raises
    ------
    ParameterError
        Unless there are two numbers, the error positive.
    """
    return parse_parallax(_BETWEEN.sub(",", text.strip().removesuffix("mas").strip()))


def parallax_of(source: Source, spectrum: Spectrum, *, entered: bool = False) -> Answer | Question | None:
    """What is known of a star's parallax.

    Parameters
    ----------
    source : Source
    spectrum : Spectrum
    entered : bool
        True for the star of the page, to which the boxes belong.

    Returns
    -------
    Answer, Question or None
        A question if Gaia has to be asked first (`ask_gaia`); None for an uploaded file without a wish.
    """
    state = st.session_state
    if entered and (text := state.get("parallax", "").strip()):
        return _entered(text, spectrum)
    source_id = state.get("gaia", "").strip() if entered else ""
    if not source_id:
        if source.star is None and not (entered and state.get("gaia_asked") == source.key):
            return None
        if spectrum.source == "mock":
            return _answer(lookup.find_parallaxes([spectrum])[0])
        if not has_position(spectrum):
            return Answer(reason="The spectrum has no position, so that it cannot be looked up in Gaia.")
    elif spectrum.source == "mock":
        return Answer(reason="A MOCK star has no source_id of Gaia; enter a parallax instead.")
    question = Question(source, source_id)
    return state.setdefault("gaia_answers", {}).get(question.key, question)


def has_position(spectrum: Spectrum) -> bool:
    """True if the spectrum has right ascension and declination."""
    return spectrum.meta.get("ra") is not None and spectrum.meta.get("dec") is not None


def ask_by_position(source: Source) -> None:
    """Callback: look an uploaded spectrum up."""
    st.session_state.gaia_asked = source.key


def ask_again() -> None:
    """Callback: forget that the archive did not answer."""
    known = st.session_state.get("gaia_answers", {})
    st.session_state.gaia_answers = {key: answer for key, answer in known.items() if not answer.again}


def ask_gaia(questions: Sequence[Question]) -> None:
    """Ask Gaia, keep the answers in this session, and draw the page again; nothing to do without a question."""
    if not questions:
        return
    found = {}
    for question in questions:
        if question.source_id:
            found[question.key] = _by_identifier(question)
    places = [question for question in questions if not question.source_id]
    if places:
        found |= zip((question.key for question in places), _by_position(places), strict=True)
    known = {**st.session_state.get("gaia_answers", {}), **found}
    st.session_state.gaia_answers = dict(list(known.items())[-KEPT:])
    st.rerun()


def located(source: Source, answer: Answer | Question | None) -> Source:
    """The source with its parallax, where there is one."""
    if not isinstance(answer, Answer) or answer.astrometry is None:
        return source
    return replace(source, astrometry=answer.astrometry)


def _entered(text: str, spectrum: Spectrum) -> Answer:
    from stellar_core.inference.parallax_term import has_magnitude

    try:
        astrometry = parse_entered(text)
    except ParameterError as error:
        return Answer(reason=str(error))
    if not has_magnitude(spectrum, astrometry):
        return Answer(
            reason="A parallax needs a magnitude of the star, and the file has none. Enter its Gaia source_id instead."
        )
    return Answer(astrometry)


def _answer(finding: Finding) -> Answer:
    return Answer(finding.astrometry, finding.notes[0] if finding.astrometry is None else "")


def _by_position(questions: Sequence[Question]) -> list[Answer]:
    try:
        found = lookup.find_parallaxes([loaders.spectrum(question.source) for question in questions])
    except StellarError as error:
        reason = lookup.no_answer(error).removesuffix(error.remedy).strip()
        return [Answer(reason=reason, again=True)] * len(questions)
    return [_answer(finding) for finding in found]


def _by_identifier(question: Question) -> Answer:
    from stellar_core.gaia import find_source

    try:
        return Answer(find_source(question.source_id, spectrum=loaders.spectrum(question.source)))
    except StellarError as error:
        return Answer(reason=lookup.no_answer(error), again=isinstance(error, ArchiveError))
