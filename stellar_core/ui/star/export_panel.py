"""Export of a result: files, a link, Python code, and tables for other programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import streamlit as st

from stellar_core import samp
from stellar_core.errors import StellarError
from stellar_core.ui import loaders
from stellar_core.ui.shell import app_address, show_error
from stellar_core.ui.star.downloads import ResultFiles, show_downloads
from stellar_core.ui.star.kiel import BEHIND

#: Origin of a parallax that the visitor typed.
ENTERED = "entered"

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source
    from stellar_core.ui.star.estimates import OtherEstimates


def show_export(
    result: Result, source: Source, spectrum: Spectrum, prepared: PreparedSpectrum, others: OtherEstimates | None
) -> None:
    """Downloads, permalink, code and, if a SAMP hub runs, tables to send to it."""
    st.subheader("Export and share", anchor=False)
    files = ResultFiles(result, source, spectrum, prepared, others)
    with st.container(horizontal=True):
        with st.popover("Download", icon=":material/download:"):
            show_downloads(files)
        with st.popover("Show the code", icon=":material/code:"):
            st.code(python_lines(result, source, others), language="python")
        if at_this_machine() and loaders.samp_hub():
            with st.popover("Send by SAMP", icon=":material/send:"):
                _send(files)
        _link(source, result)  # a fragment takes the rest of the row


@st.fragment
def _link(source: Source, result: Result) -> None:
    """Permalink, updated when opened, because switches of the figures do not rerun the page."""
    with st.popover("Link", icon=":material/link:", key="link_open", on_change="rerun"):
        if source.star is None:
            st.write("Uploaded spectra are kept in this session only and have no link. Download the result instead.")
        else:
            st.write("This link restores the same view and the same numbers.")
            st.code(permalink(source.star.specobjid, result), language=None, wrap_lines=True)


def at_this_machine() -> bool:
    """True if the browser runs on the same machine as the server and the hub; Streamlit reports no address then."""
    return st.context.ip_address is None


def _send(files: ResultFiles) -> None:
    """Buttons that send tables to the programs connected to the hub."""
    from stellar_core.export import table_bytes
    from stellar_core.inference.result_tables import spectrum_table

    mock = "MOCK " if files.result.source == "mock" else ""
    for label, make in (
        ("Spectrum", lambda: spectrum_table(files.spectrum)),
        ("Result", lambda: files.table("result")),
        ("Draws", lambda: files.table("draws")),
    ):
        if st.button(label, key=f"samp_{label}", width="stretch"):
            try:
                asked = samp.send_table(table_bytes(".vot", make()), f"{mock}{files.result.star} {label.lower()}")
                st.toast("Sent to " + ", ".join(asked), icon=":material/check:")
            except StellarError as error:
                show_error(error)


def permalink(star: str, result: Result) -> str:
    """Address of this page with the star, seed, passes, model, switches and compared stars."""
    state = st.session_state
    query: dict[str, object] = {"star": star, "seed": result.seed, "samples": result.samples, "model": result.model}
    if state.get("behind", BEHIND[0]) != BEHIND[0]:
        query["behind"] = state.behind
    if state.get("drives"):
        query["drives"] = "true"
    query |= _parallax_in_link(result)
    if state.get("compared"):
        query["compare"] = ",".join(state.compared)
    return f"{app_address()}/?{urlencode(query, safe=',')}"


def _parallax_in_link(result: Result) -> dict[str, object]:
    """An entered parallax or source_id; where no parallax was used, none will be."""
    if not loaders.reads_parallax(result.model):
        return {}
    used = result.parallax
    if used is None:
        return {"answer": "without"}
    if used["origin"] == ENTERED:
        return {"parallax": f"{used['parallax_mas']!r},{used['parallax_err_mas']!r}"}
    return {"gaia": used["source_id"]} if st.session_state.get("gaia", "").strip() else {}


def _parallax_lines(used: Mapping[str, object]) -> tuple[list[str], str]:
    """Imports, and the line that adds the parallax to the spectrum."""
    if used["origin"] == ENTERED:
        value = f"{used['parallax_mas']!r}, {used['parallax_err_mas']!r}"
        head = ["from dataclasses import replace", "from stellar_core.astrometry import Astrometry"]
        return head, f"spectrum = replace(spectrum, astrometry=Astrometry({value}))"
    if used["source_id"]:
        head = ["from dataclasses import replace", "from stellar_core.gaia import find_source"]
        return head, f"spectrum = replace(spectrum, astrometry=find_source({used['source_id']!r}))"
    return ["from stellar_core import lookup"], "spectrum = lookup.add_parallaxes([spectrum])[0]"


def python_lines(result: Result, source: Source, others: OtherEstimates | None) -> str:
    """Python code that reproduces the results without the app."""
    if source.star is not None:
        head = ["from stellar_core import Estimator, lookup"]
        reading = f"spectrum = lookup.load(lookup.resolve({source.star.specobjid!r}))"
    else:
        given = {"wavelength_unit": source.wavelength_unit, "medium": source.medium}
        options = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
        head = ["from stellar_core import Estimator, read_spectrum"]
        reading = f"spectrum = read_spectrum({source.label!r}{options})"
    readings = [reading]
    if result.parallax is not None:
        more, adding = _parallax_lines(result.parallax)
        head += [line for line in more if line.rpartition(" ")[2] not in head[0]]
        readings.append(adding)
    asked = f"spectrum, samples={result.samples}, seed={result.seed}"
    lines = [*readings, f"result = Estimator.load({result.model!r}).estimate({asked})"]
    for number, name in enumerate(others.results if others else (), 1):
        lines.append(f"other{number} = Estimator.load({name!r}).estimate({asked})")
        if name == others.atmosphere and others.isochrones:
            head.append("from stellar_core.inference.isochrone_check import check_against_isochrones")
            lines.append(f"isochrones = check_against_isochrones(other{number})")
    if others and others.isochrones and others.atmosphere == result.model:
        head.append("from stellar_core.inference.isochrone_check import check_against_isochrones")
        lines.append("isochrones = check_against_isochrones(result)")
    return "\n".join([*head, "", *lines])
