"""Links to selections of the Catalogue page, and selections saved by name."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st

from stellar_core.catalogue.selection import LONGEST, Selection, forget, save, saved
from stellar_core.errors import StellarError
from stellar_core.paths import catalogue_folder
from stellar_core.ui.shell import app_address, escape, show_error


def selections_path() -> Path:
    """``selections.json`` in the catalogue folder."""
    return catalogue_folder() / "selections.json"


def show_saved(selection: Selection, columns: Collection[str], apply: Callable[[Selection], None]) -> None:
    """Draw two popovers: saved selections, and the link to the current one.

    Parameters
    ----------
    selection : Selection
        Current selection.
    columns : collection of str
        Columns of the catalogue.
    apply : callable
        Sets the widgets to a selection.
    """
    with st.popover("Saved", icon=":material/bookmark:"):
        try:
            kept = saved(selections_path())
            _save_new(selection)
        except StellarError as error:
            show_error(error)
            kept = {}
        for name, words in kept.items():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    escape(name),
                    key=f"catalogue_load_{name}",
                    icon=":material/bookmark:",
                    width="stretch",
                    on_click=_load,
                    args=(words, columns, apply),
                )
                st.button(
                    "",
                    key=f"catalogue_forget_{name}",
                    icon=":material/delete:",
                    help=f"Delete {escape(name)}",
                    on_click=_forget,
                    args=(name,),
                )
        st.caption("Saved on this machine, for all users of the app.")
    with st.popover("Link", icon=":material/link:"):
        st.write("This link restores filters, colour and box, as does the address of the page.")
        st.code(f"{app_address()}/catalogue?{urlencode(selection.to_query())}", language=None, wrap_lines=True)


def _save_new(selection: Selection) -> None:
    with st.form("catalogue_save", border=False, clear_on_submit=True):
        name = st.text_input("Save this selection as", max_chars=LONGEST)
        if st.form_submit_button("Save", icon=":material/bookmark_add:"):
            save(selections_path(), name, selection)
            st.rerun()


def _load(words: dict[str, str], columns: Collection[str], apply: Callable[[Selection], None]) -> None:
    apply(Selection.from_query(words, columns))


def _forget(name: str) -> None:
    try:
        forget(selections_path(), name)
    except StellarError as error:
        st.toast(escape(error), icon=":material/error:")
