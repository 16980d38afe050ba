"""Export of a result: files, a figure for print, a link, Python code, and tables for other programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import numpy as np
import streamlit as st

from stellar_core import samp
from stellar_core.errors import StellarError
from stellar_core.quantities import AGE
from stellar_core.ui import loaders
from stellar_core.ui.shell import app_address, show_error
from stellar_core.ui.star.kiel import BEHIND, kiel_star, kiel_tracks, nearest_feh
from stellar_core.ui.star.plots import flux_title, line_lists

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
    with st.container(horizontal=True):
        with st.popover("Download", icon=":material/download:"):
            _downloads(result, spectrum, prepared, others)
        with st.popover("Show the code", icon=":material/code:"):
            st.code(python_lines(result, source, others), language="python")
        if at_this_machine() and loaders.samp_hub():
            with st.popover("Send by SAMP", icon=":material/send:"):
                _send(result, spectrum, others)
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


def _downloads(result: Result, spectrum: Spectrum, prepared: PreparedSpectrum, others: OtherEstimates | None) -> None:
    """One button per file; all but the first two are written on demand."""
    from stellar_core.export import table_bytes
    from stellar_core.inference import result_tables

    isochrones = dict(others.isochrones) if others and others.isochrones else {}
    more: dict[str, object] = {"isochrones": isochrones} if isochrones else {}
    more |= {f"beside_{name}": one.to_dict() for name, one in (others.results if others else {}).items()}
    stem = f"{'MOCK-' if result.source == 'mock' else ''}{(result.star or 'star').replace(' ', '_')}"

    def table():
        return result_tables.result_table(result, isochrones or None)

    def everything():
        passes = result_tables.passes_table(result)
        return table_bytes(".fits", table(), result_tables.draws_table(result), *([] if passes is None else [passes]))

    files: list[tuple[str, str, str, str | Callable[[], bytes]]] = [
        ("JSON", f"{stem}.json", "application/json", result_tables.result_json(result, **more)),
        ("CSV", f"{stem}.csv", "text/csv", result_tables.result_csv(result, **more)),
        ("ECSV", f"{stem}.ecsv", "text/csv", lambda: table_bytes(".ecsv", table())),
        ("VOTable", f"{stem}.vot", "application/x-votable+xml", lambda: table_bytes(".vot", table())),
        ("FITS with draws", f"{stem}.fits", "application/fits", everything),
        (
            "Draws (Parquet)",
            f"{stem}-draws.parquet",
            "application/octet-stream",
            lambda: table_bytes(".parquet", result_tables.draws_table(result)),
        ),
    ]
    for kind in ("pdf", "svg", "png"):
        files.append(
            (
                f"Figure ({kind.upper()})",
                f"{stem}.{kind}",
                "application/octet-stream",
                lambda kind=kind: _figure(kind, result, spectrum, prepared),
            )
        )
    for label, name, mime, data in files:
        st.download_button(label, data, name, mime, icon=":material/download:", on_click="ignore", width="stretch")


def _figure(kind: str, result: Result, spectrum: Spectrum, prepared: PreparedSpectrum) -> bytes:
    from stellar_core.figures.publication import printed_star

    return printed_star(
        kind,
        f"MOCK {result.star}" if result.source == "mock" else result.star,
        spectrum.wavelength / (1.0 + prepared.redshift),
        np.where(spectrum.good, spectrum.flux, np.nan),
        kiel_star(result),
        kiel_tracks(nearest_feh(result)),
        AGE.convert(result.draws["log_age"]),
        AGE.quantiles(result.log_age.to_dict())[1:4],
        lines=line_lists()[0],
        y_title=flux_title(spectrum),
        trusted=result.verdict.in_domain,
    )


def _send(result: Result, spectrum: Spectrum, others: OtherEstimates | None) -> None:
    """Buttons that send tables to the programs connected to the hub."""
    from stellar_core.export import table_bytes
    from stellar_core.inference import result_tables

    isochrones = others.isochrones if others and others.isochrones else None
    mock = "MOCK " if result.source == "mock" else ""
    for label, name, make in (
        ("Spectrum", f"{mock}{result.star} spectrum", lambda: result_tables.spectrum_table(spectrum)),
        ("Result", f"{mock}{result.star} result", lambda: result_tables.result_table(result, isochrones)),
        ("Draws", f"{mock}{result.star} draws", lambda: result_tables.draws_table(result)),
    ):
        if st.button(label, key=f"samp_{label}", width="stretch"):
            try:
                asked = samp.send_table(table_bytes(".vot", make()), name)
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
