"""Input of the Star page: search box, upload, settings and examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core import lookup, sandbox
from stellar_core.errors import StellarError
from stellar_core.model_store import DEFAULT_MODEL, list_networks
from stellar_core.ui import loaders
from stellar_core.ui.glossary import HELP
from stellar_core.ui.loaders import Source
from stellar_core.ui.shell import escape, select_model, show_error
from stellar_core.ui.star.parallax import forget_parallax, show_parallax_inputs

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from stellar_core.sdss.star_id import PlateFiber, StarId

#: First bytes of every FITS file; other files are read as tables, and the user chooses their units.
FITS = b"SIMPLE"
#: Units of the wavelength column of an uploaded table.
ASK_FILE = "as in the file"
UNITS = {ASK_FILE: None, "Å": "Angstrom", "nm": "nm", "µm": "micron", "log₁₀ Å": "log10 Angstrom"}
MEDIA = {ASK_FILE: None, "vacuum": "vacuum", "air": "air"}


def choose_source() -> tuple[Source | None, int, int, str]:
    """Draw the controls and return (source or None, seed, samples, model).

    Star, seed, passes and model are kept in the address, so that a link restores the same numbers. Input
    errors are shown here.
    """
    text, uploaded = _controls()
    if not text and uploaded is None:
        _examples()
    asked = int(st.session_state.seed), int(st.session_state.samples), st.session_state.model
    if text:
        return _looked_up(text), *asked
    if uploaded is not None:
        return _uploaded(uploaded), *asked
    return None, *asked


def open_star(text: str) -> None:
    """Callback: put ``text`` into the search box and remove an uploaded file."""
    st.session_state.star = text
    _remove_upload()


def _remove_upload() -> None:
    forget_parallax()
    st.session_state.upload_number = st.session_state.get("upload_number", 0) + 1


def _take_upload() -> None:
    forget_parallax()
    st.session_state.star = ""
    st.session_state.upload_open = False


def _controls() -> tuple[str, UploadedFile | None]:
    box, buttons = st.columns([2.6, 1.9], vertical_alignment="bottom")
    text = box.text_input(
        "SDSS star",
        key="star",
        bind="query-params",
        max_chars=2000,
        icon=":material/search:",
        placeholder="specobjid, plate-mjd-fiber, plate and fiber, spec file name, SDSS URL or position",
        help="Press Enter to look up the star. Plates 16000 to 16383 belong to the MOCK survey and work offline.",
        on_change=_remove_upload,
    )
    with buttons.container(horizontal=True):
        with st.popover("Upload a spectrum", icon=":material/upload_file:", key="upload_open", on_change="rerun"):
            if st.session_state.upload_open:
                sandbox.warm()  # while the visitor looks for the file
            uploaded = st.file_uploader(
                "FITS (SDSS lite, full or coadd only) or a table in CSV or ASCII, up to 20 MB",
                key=f"upload_{st.session_state.get('upload_number', 0)}",
                on_change=_take_upload,
                help="A table needs columns for wavelength and flux; a column of errors or inverse variances is "
                "optional. Common column names are recognised.",
            )
        show_parallax_inputs(text or "")
        with st.popover("Settings", icon=":material/tune:"):
            st.slider("Dropout passes", 10, 500, 50, step=10, key="samples", bind="query-params", help=HELP["samples"])
            st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help=HELP["seed"])
            names = sorted(list_networks(), key=lambda name: name != DEFAULT_MODEL) or [DEFAULT_MODEL]
            select_model(names, "model")
    return (text or "").strip(), uploaded


def _examples() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Examples", width="content")
        for star, caption in loaders.examples():
            st.button(
                f"{caption} :orange-badge[MOCK]" if star.is_mock else caption,
                key=f"example_{star.name}",
                help=star.name,
                on_click=open_star,
                args=(star.name,),
            )


def _looked_up(text: str) -> Source | None:
    try:
        star = lookup.resolve(text)
        if not hasattr(star, "mjd"):
            star = _choose_night(star)
    except StellarError as error:
        show_error(error)
        return None
    if star is None:
        return None
    for note in star.notes:
        st.caption(escape(note))
    return Source(star.name, star=star)


def _choose_night(place: PlateFiber) -> StarId | None:
    """Return the star if the fiber was used on one night only; else draw a button per night."""
    with st.spinner("Searching for the nights"):
        nights = loaders.nights(place.plate, place.fiber)
    if len(nights) == 1:
        return replace(place.at(nights[0]), notes=(f"MJD {nights[0]}: the only night of this plate and fiber.",))
    st.write(f"Plate {place.plate}, fiber {place.fiber} was observed on several nights. Choose an MJD:")
    with st.container(horizontal=True):
        for mjd in nights:
            name = place.at(mjd).name
            st.button(str(mjd), key=f"night_{name}", on_click=open_star, args=(name,))
    return None


def _uploaded(uploaded: UploadedFile) -> Source:
    data = uploaded.getvalue()
    if data.startswith(FITS):
        return Source(uploaded.name, data=data)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        unit = st.segmented_control("Wavelength unit", list(UNITS), default=ASK_FILE, required=True, key="unit")
        medium = st.segmented_control("Medium", list(MEDIA), default=ASK_FILE, required=True, key="medium")
    return Source(uploaded.name, data=data, wavelength_unit=UNITS[unit], medium=MEDIA[medium])
