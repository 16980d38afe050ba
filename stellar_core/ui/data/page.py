"""The page on data: what is here, what can be fetched, and whether SDSS answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.ui.shell import show_error, escape

#: Requests for spectra a minute, as ``fetch survey``'s default.
PER_MINUTE = 600
#: Kilobytes of a star in a store, about.
STAR_KB = 29


def show_holdings() -> None:
    """What is installed or was fetched: origin, date, size, hash."""
    import pandas as pd

    from stellar_core.inventory import damaged, holdings
    from stellar_core.model_store import list_models

    st.subheader("What is here", anchor=False)
    found = pd.DataFrame([asdict(one) for one in holdings()])
    found["bytes"] = found["bytes"] / 1e6
    st.dataframe(
        found,
        hide_index=True,
        key="holdings",
        alt="Trained parts, catalogues and caches of this machine",
        column_config={
            "bytes": st.column_config.NumberColumn("MB", format="%.1f"),
            "what": st.column_config.TextColumn("what it is", width="large"),
            "source": st.column_config.TextColumn("from", width="medium"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [name for name, card in list_models().items() if card]
        name = st.selectbox("Card", names, index=None, placeholder="Choose a trained part to read its card", width=340)
        if st.button("Check the hashes", icon=":material/fingerprint:"):
            with st.spinner("Reading all weights"):
                sentences = damaged()
            for sentence in sentences:
                st.error(escape(sentence), icon=":material/error:")
            if not sentences:
                st.success("All weights are those on their cards.", icon=":material/verified:")
    if name:
        st.json(list_models()[name], expanded=1)


def show_sdss() -> None:
    """Whether SDSS answers from here, on demand."""
    st.subheader("SDSS itself", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Ask SDSS whether it answers", icon=":material/sensors:"):
            from stellar_core.sdss.archive import open_archive

            with st.spinner("Asking both services, for ten seconds at most each"):
                st.session_state.sdss_state = open_archive(timeout=5.0).state(5.0)
        found = st.session_state.get("sdss_state")
        if found is not None:
            badge = (
                ":green-badge[live]"
                if found.files and found.catalogue
                else ":orange-badge[in part]"
                if found.files or found.catalogue
                else ":gray-badge[offline]"
            )
            st.markdown(f"{badge} {escape(found.sentence)}", width="content")
    with st.expander("In which order a star is looked for"):
        from stellar_core.sdss.archive import FALLBACK_ORDER

        st.write(escape(FALLBACK_ORDER))


def show_downloads() -> None:
    """Two errands: MIST's tracks and SDSS's survey; each goes on when the page is closed."""
    st.subheader("Fetch", anchor=False)
    st.caption(
        "The app needs none of this. A download runs in a process of its own, goes on when this page is closed, and the same "
        "download begun again goes on where it stopped."
    )
    left, right = st.columns(2, gap="large")
    with left.container(border=True):
        _tracks()
    with right.container(border=True):
        _survey()


def _tracks() -> None:
    from stellar_core.isochrones.download import METALLICITIES
    from stellar_core.paths import tracks_folder

    folder = tracks_folder()
    st.markdown("**MIST tracks** as their authors distribute them")
    wanted = st.multiselect(
        "[Fe/H]", METALLICITIES, default=[0.0], format_func=lambda feh: f"{feh:+.2f}".replace("-", "−"), key="fetch_feh"
    )
    st.caption(f"One archive each. `python -m stellar_core.isochrones {folder}` makes the app's table of them.")
    arguments = [
        "fetch",
        "mist",
        "--out",
        str(folder),
        *(word for feh in sorted(wanted) for word in ("--feh", str(feh))),
    ]
    _errand(folder.with_name("mist.status.json"), arguments, "mist", bool(wanted))


def _survey() -> None:
    from stellar_core.paths import survey_folder

    folder = survey_folder()
    st.markdown("**The paper's stars from SDSS**: catalogue, spectra and labels")
    stars = int(st.number_input("Stars, those of the lowest ids", 100, 166_625, 1000, step=100, key="fetch_stars"))
    minutes = stars / PER_MINUTE
    words = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
    st.caption(
        f"At least {words} at {PER_MINUTE} files a minute, {stars * STAR_KB / 1000:,.0f} MB in {escape(folder)}. One folder holds one acquisition; "
        "a finished one stands on the page Catalogue."
    )
    arguments = ["fetch", "survey", "--out", str(folder), "--give-up", "--stars", str(stars)]
    _errand(folder.with_name("survey.status.json"), arguments, "survey", True)


def _errand(status: Path, arguments: list[str], key: str, ready: bool) -> None:
    """The button of a download, or its progress, which moves by itself."""
    from stellar_core.background import state

    every = "1s" if state(status).running else None
    st.fragment(_watch, run_every=every)(status, arguments, key, ready, every is not None)


def _watch(status: Path, arguments: list[str], key: str, ready: bool, ran: bool) -> None:
    from stellar_core.background import start, state, stop

    now = state(status)
    if now.running:
        st.progress(min(max(now.share, 0.0), 1.0), text=f"{escape(now.what)}. You may leave this page.")
        if st.button("Stop", key=f"stop_{key}", icon=":material/stop:"):
            stop(status)
            st.rerun()
        return
    if ran:
        st.rerun()
    if now.failed:
        st.error(escape(now.what), icon=":material/error:")
    if st.button("Download", key=f"start_{key}", icon=":material/download:", disabled=not ready):
        try:
            start(status, arguments)
        except (StellarError, OSError) as error:
            show_error(error)
        else:
            st.rerun()
