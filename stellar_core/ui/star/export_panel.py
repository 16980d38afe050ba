"""What a visitor takes along: files, a figure for print, a link, the same answer in Python, tables for other programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import numpy as np
import streamlit as st

from stellar_core import samp
from stellar_core.errors import StellarError
from stellar_core.exports import to_csv, to_json
from stellar_core.quantities import AGE
from stellar_core.ui import loaders
from stellar_core.ui.shell import complain
from stellar_core.ui.star.plots import BEHIND, flux_title, kiel_star, kiel_tracks, line_lists, nearest_feh

if TYPE_CHECKING:
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source
    from stellar_core.ui.star.estimates import Others


def show_take_away(
    result: Result, source: Source, spectrum: Spectrum, prepared: PreparedSpectrum, others: Others | None
) -> None:
    """Downloads, the permalink, the code and, where a hub runs, what can be sent to it."""
    st.subheader("Take along", anchor=False)
    with st.container(horizontal=True):
        with st.popover("Download", icon=":material/download:"):
            _downloads(result, spectrum, prepared, others)
        _link(source, result)
        with st.popover("Show the code", icon=":material/code:"):
            st.code(python_lines(result, source, others), language="python")
        if at_this_machine() and loaders.samp_hub():
            with st.popover("Send by SAMP", icon=":material/send:"):
                _send(result, spectrum, others)


@st.fragment
def _link(source: Source, result: Result) -> None:
    """The permalink, made anew when it is opened: switches of the figures do not run the whole page."""
    with st.popover("Link", icon=":material/link:", key="link_open", on_change="rerun"):
        if source.star is None:
            st.write("An uploaded spectrum stays in this session and has no link. Download the result instead.")
        else:
            st.write("This link brings back the same view and the same numbers.")
            st.code(permalink(source.star.specobjid, result), language=None, wrap_lines=True)


def at_this_machine() -> bool:
    """Whether the visitor sits where the server, and so the hub, runs; Streamlit names no address then."""
    return st.context.ip_address is None


def _downloads(result: Result, spectrum: Spectrum, prepared: PreparedSpectrum, others: Others | None) -> None:
    """One button for each file; all but the first two are made when asked for."""
    from stellar_core import tables

    isochrones = dict(others.isochrones) if others and others.isochrones else {}
    more: dict[str, object] = {"isochrones": isochrones} if isochrones else {}
    more |= {f"beside_{name}": one.to_dict() for name, one in (others.results if others else {}).items()}
    stem = f"{'MOCK-' if result.source == 'mock' else ''}{(result.star or 'star').replace(' ', '_')}"

    def table():
        return tables.result_table(result, isochrones or None)

    def everything():
        passes = tables.passes_table(result)
        return tables.fits(table(), tables.draws_table(result), *([] if passes is None else [passes]))

    files: list[tuple[str, str, str, str | Callable[[], bytes]]] = [
        ("JSON", f"{stem}.json", "application/json", to_json(result, **more)),
        ("CSV", f"{stem}.csv", "text/csv", to_csv(result, **more)),
        ("ECSV", f"{stem}.ecsv", "text/csv", lambda: tables.ecsv(table())),
        ("VOTable", f"{stem}.vot", "application/x-votable+xml", lambda: tables.votable(table())),
        ("FITS, with the draws", f"{stem}.fits", "application/fits", everything),
        (
            "Draws, Parquet",
            f"{stem}-draws.parquet",
            "application/octet-stream",
            lambda: tables.parquet(tables.draws_table(result)),
        ),
    ]
    for kind in ("pdf", "svg", "png"):
        files.append(
            (
                f"Figure for print, {kind.upper()}",
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


def _send(result: Result, spectrum: Spectrum, others: Others | None) -> None:
    """Buttons that pass tables to the programs at the hub."""
    from stellar_core import tables

    isochrones = others.isochrones if others and others.isochrones else None
    mock = "MOCK " if result.source == "mock" else ""
    for label, name, make in (
        ("The spectrum", f"{mock}{result.star} spectrum", lambda: tables.spectrum_table(spectrum)),
        ("The result", f"{mock}{result.star} result", lambda: tables.result_table(result, isochrones)),
        ("The draws", f"{mock}{result.star} draws", lambda: tables.draws_table(result)),
    ):
        if st.button(label, key=f"samp_{label}", width="stretch"):
            try:
                st.toast("Sent to " + ", ".join(samp.send_table(tables.votable(make()), name)), icon=":material/check:")
            except StellarError as error:
                complain(error)


def permalink(star: str, result: Result) -> str:
    """Address of this page with the star and all that shapes what is seen: seed, passes, model, switches, stars kept."""
    state, address = st.session_state, urlsplit(st.context.url or "")
    query: dict[str, object] = {"star": star, "seed": result.seed, "samples": result.samples, "model": result.model}
    if state.get("behind", BEHIND[0]) != BEHIND[0]:
        query["behind"] = state.behind
    if state.get("drives"):
        query["drives"] = "true"
    if state.get("kept"):
        query["compare"] = ",".join(state.kept)
    text = urlencode(query, safe=",")
    return f"{address.scheme}://{address.netloc}/?{text}" if address.netloc else f"/?{text}"


def python_lines(result: Result, source: Source, others: Others | None) -> str:
    """Python that gives the same answers without the app."""
    if source.star is not None:
        head = ["from stellar_core import Estimator, lookup"]
        reading = f"spectrum = lookup.load(lookup.resolve({source.star.specobjid!r}))"
    else:
        given = {"wavelength_unit": source.wavelength_unit, "medium": source.medium}
        options = "".join(f", {name}={value!r}" for name, value in given.items() if value is not None)
        head = ["from stellar_core import Estimator, read_spectrum"]
        reading = f"spectrum = read_spectrum({source.label!r}{options})"
    asked = f"spectrum, samples={result.samples}, seed={result.seed}"
    lines = [reading, f"result = Estimator.load({result.model!r}).estimate({asked})"]
    for number, name in enumerate(others.results if others else (), 1):
        lines.append(f"other{number} = Estimator.load({name!r}).estimate({asked})")
        if name == others.atmosphere and others.isochrones:
            head.append("from stellar_core.inference.isochrone_check import second_opinion")
            lines.append(f"isochrones = second_opinion(other{number})")
    if others and others.isochrones and others.atmosphere == result.model:
        head.append("from stellar_core.inference.isochrone_check import second_opinion")
        lines.append("isochrones = second_opinion(result)")
    return "\n".join([*head, "", *lines])
