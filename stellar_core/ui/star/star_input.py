"""Input of the Star page: search box, upload, settings and recent stars."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core import lookup, sandbox
from stellar_core.errors import ArchiveError, ParameterError, StellarError
from stellar_core.model_store import DEFAULT_MODEL, list_networks
from stellar_core.sdss.identifiers import parse
from stellar_core.sdss.readers import MAX_BYTES
from stellar_core.ui import loaders
from stellar_core.ui.accessibility import move_focus
from stellar_core.ui.glossary import HELP
from stellar_core.ui.loaders import Source
from stellar_core.ui.shell import escape, select_model, show_error
from stellar_core.ui.star.address import STAR, follow, open_star, open_typed, shown
from stellar_core.ui.star.examples import show_examples
from stellar_core.ui.star.parallax import show_parallax_inputs
from stellar_core.ui.star.recent import is_file, keep, recent, show_recent
from stellar_core.ui.star.tour import show_tour

if TYPE_CHECKING:
    from stellar_core.sdss.star_id import PlateFiber, StarId

#: First bytes of every FITS file; other files are read as tables, and the user chooses their units.
FITS = b"SIMPLE"
#: Largest upload, MB.
LARGEST = MAX_BYTES // 1_000_000
#: Units of the wavelength column of an uploaded table.
ASK_FILE = "as in the file"
UNITS = {ASK_FILE: None, "Å": "Angstrom", "nm": "nm", "µm": "micron", "log₁₀ Å": "log10 Angstrom"}
MEDIA = {ASK_FILE: None, "vacuum": "vacuum", "air": "air"}


def choose_source() -> tuple[Source | None, int, int, str]:
    """Draw the controls and return (source or None, seed, samples, model).

    Star, seed, passes and model are kept in the address, so that a link restores the same numbers. The source has been
    read; where it cannot be, the error is shown here, with a way out.
    """
    follow()
    name = shown()
    _controls(name)
    show_tour(name)
    asked = int(st.session_state.seed), int(st.session_state.samples), st.session_state.model
    if not name:
        show_examples()
        move_focus()
        return None, *asked
    try:
        source = _kept_file(name) if is_file(name) else _looked_up(name)
        if source is not None:
            with st.spinner("Reading the spectrum"):
                loaders.spectrum(source)
            keep(source)
    except StellarError as error:
        source = None
        _show_failure(error)
    move_focus()
    return source, *asked


def _show_failure(error: StellarError) -> None:
    """The error, a button to try again where that may help, and stars that always open."""
    show_error(error)
    if isinstance(error, ArchiveError):
        st.button("Try again", key="retry", icon=":material/refresh:", type="primary")
    show_examples(brief=True)


def _take_upload(widget: str) -> None:
    """Callback: keep the file in this session and show it."""
    uploaded = st.session_state[widget]
    if uploaded is None:
        return
    st.session_state.upload_open = False
    st.session_state.upload_number = st.session_state.get("upload_number", 0) + 1
    open_star(keep(Source(uploaded.name, data=uploaded.getvalue())))


def _controls(name: str) -> None:
    box, buttons = st.columns([2.6, 2.2], vertical_alignment="bottom")
    box.text_input(
        "SDSS star",
        key=STAR,
        max_chars=2000,
        icon=":material/search:",
        placeholder="specobjid, plate-MJD-fiber, plate and fiber, spec file name, SDSS URL or position",
        help="Press Enter to look up the star. Plates 16000 to 16383 belong to the MOCK survey and work offline.",
        on_change=open_typed,
    )
    with buttons.container(horizontal=True):
        with st.popover("Upload a spectrum", icon=":material/upload_file:", key="upload_open", on_change="rerun"):
            if st.session_state.upload_open:
                sandbox.warm()  # while the visitor looks for the file
            widget = f"upload_{st.session_state.get('upload_number', 0)}"
            st.file_uploader(
                "FITS (SDSS lite, full or coadd only) or a table in CSV or ASCII",
                key=widget,
                max_upload_size=LARGEST,
                on_change=_take_upload,
                args=(widget,),
                help="A table needs columns for wavelength and flux; a column of errors or inverse variances is "
                "optional. Common column names are recognised.",
            )
        show_recent(_as_kept(name), open_star)
        show_parallax_inputs(name)
        with st.popover("Settings", icon=":material/tune:"):
            st.slider("Dropout passes", 10, 500, 50, step=10, key="samples", bind="query-params", help=HELP["samples"])
            st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", bind="query-params", help=HELP["seed"])
            names = sorted(list_networks(), key=lambda name: name != DEFAULT_MODEL) or [DEFAULT_MODEL]
            select_model(names, "model")


def _as_kept(text: str) -> str:
    """The key of the star that ``text`` identifies, where the text alone tells it; else the text."""
    try:
        found = parse(text)
    except StellarError:
        return text
    return getattr(found, "name", text)


def _looked_up(text: str) -> Source | None:
    """The star that was asked for; None while the night must be chosen. Raises `StellarError`."""
    star = lookup.resolve(text)
    if not hasattr(star, "mjd"):
        star = _choose_night(star)
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


def _kept_file(key: str) -> Source:
    """A file of this session, read as its controls ask.

    Raises
    ------
    ParameterError
        If the session does not have it.
    """
    source = recent(key)
    if source is None:
        raise ParameterError(
            "This link is to a file that was uploaded in another visit and is not kept.",
            value=key,
            remedy="Upload the file again.",
        )
    if not source.data or source.data.startswith(FITS):
        return source
    state = st.session_state
    if state.get("table_shown") != key:
        state.table_shown = key
        state.unit, state.medium = _title(UNITS, source.wavelength_unit), _title(MEDIA, source.medium)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        unit = st.segmented_control("Wavelength unit", list(UNITS), required=True, key="unit")
        medium = st.segmented_control("Medium", list(MEDIA), required=True, key="medium")
    return replace(source, wavelength_unit=UNITS[unit], medium=MEDIA[medium])


def _title(titles: dict[str, str | None], value: str | None) -> str:
    return next(title for title, one in titles.items() if one == value)
