"""What a visitor takes along: files, a link, and the same answer in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Mapping
from urllib.parse import urlencode, urlsplit

import streamlit as st

from stellar_core.exports import to_csv, to_json

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.ui.loaders import Source


def show_take_away(result: Result, source: Source, opinion: Mapping[str, object]) -> None:
    """Downloads, the permalink and the code, in one row."""
    more = {"isochrone": opinion} if opinion else {}
    stem = (result.star or "star").replace(" ", "_")
    if result.source == "mock":
        stem = f"MOCK-{stem}"
    with st.container(horizontal=True):
        st.download_button(
            "JSON", to_json(result, **more), f"{stem}.json", "application/json", icon=":material/download:", on_click="ignore"
        )
        st.download_button("CSV", to_csv(result, **more), f"{stem}.csv", "text/csv", icon=":material/download:", on_click="ignore")
        with st.popover("Link", icon=":material/link:"):
            if source.star is None:
                st.write("An uploaded spectrum stays in this session and has no link. Download the result instead.")
            else:
                st.write("This link brings back the same star and the same numbers.")
                st.code(permalink(source.star.specobjid, result.seed, result.samples, result.model), language=None, wrap_lines=True)
        with st.popover("Show the code", icon=":material/code:"):
            st.code(python_lines(result, source), language="python")


def permalink(star: str, seed: int, samples: int, model: str) -> str:
    """Address of this page with the star, the seed, the number of passes and the model."""
    address = urlsplit(st.context.url or "")
    query = urlencode({"star": star, "seed": seed, "samples": samples, "model": model})
    return f"{address.scheme}://{address.netloc}/?{query}" if address.netloc else f"/?{query}"


def python_lines(result: Result, source: Source) -> str:
    """Python that gives the same answer without the app."""
    call = f"Estimator.load({result.model!r}).estimate(spectrum, samples={result.samples}, seed={result.seed})"
    if source.star is not None:
        return (
            "from stellar_core import Estimator, lookup\n"
            f"spectrum = lookup.load(lookup.resolve({source.star.specobjid!r}))\n"
            f"result = {call}"
        )
    options = "".join(
        f", {name}={value!r}"
        for name, value in (("wavelength_unit", source.wavelength_unit), ("medium", source.medium))
        if value is not None
    )
    return (
        "from stellar_core import Estimator, read_spectrum\n"
        f"spectrum = read_spectrum({source.label!r}{options})\n"
        f"result = {call}"
    )
