"""Stars that this session has shown: looked up, uploaded, or opened from an archive; files are kept by content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.ui.shell import escape

if TYPE_CHECKING:
    from stellar_core.ui.loaders import Source

#: Stars kept, and bytes of their files; the ones opened longest ago are dropped.
MOST, MOST_BYTES = 12, 64_000_000
_FILE = re.compile(r"file-[0-9a-f]{12}")


def is_file(key: str) -> bool:
    """True for the key of a file, rather than an identifier of SDSS."""
    return _FILE.fullmatch(key) is not None


def key_of(source: Source) -> str:
    """Return the name by which a star is opened again: plate-MJD-fiber, or a digest of the file."""
    if source.star is not None:
        return source.star.name
    content = source.data if source.archive is None else source.spectral_key.encode()
    return f"file-{hashlib.sha256(content).hexdigest()[:12]}"


def keep(source: Source) -> str:
    """Keep a star as the most recent one, in place of an earlier reading of the same file; return its key."""
    known: dict[str, Source] = dict(st.session_state.get("recent", {}))
    key = key_of(source)
    known.pop(key, None)
    known = {key: source, **known}
    files, kept = {}, {}
    for name, one in known.items():
        files |= {one.archive.key: len(one.archive.data)} if one.archive else {name: len(one.data)}
        if len(kept) < MOST and (sum(files.values()) <= MOST_BYTES or name == key):
            kept[name] = one
    st.session_state.recent = kept
    return key


def recent(key: str) -> Source | None:
    """Return a star of this session by its key; None if it is not, or no longer, among the recent ones."""
    return st.session_state.get("recent", {}).get(key)


def show_recent(current: str, on_open: Callable[[str], None]) -> None:
    """Menu of the recent stars other than ``current``, the last one first; nothing if there are none."""
    others = {key: one for key, one in st.session_state.get("recent", {}).items() if key != current}
    if not others:
        return
    with st.popover("Recent", icon=":material/history:"):
        st.caption("Stars of this session, the last one first. Files are forgotten when you close the page.")
        for key, one in others.items():
            st.button(
                f"{escape(one.label)} {_badge(one)}",
                key=f"recent_{key}",
                on_click=on_open,
                args=(key,),
                width="stretch",
            )


def _badge(source: Source) -> str:
    if source.star is None:
        return ":gray-badge[your file]"
    return ":orange-badge[MOCK]" if source.star.is_mock else ":blue-badge[SDSS]"
