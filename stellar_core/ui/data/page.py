"""The Data page: installed data, connection to SDSS, and downloads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import streamlit as st

from stellar_core.errors import StellarError
from stellar_core.ui.shell import escape, show_error

#: Requests for spectra per minute; default of ``fetch survey``.
PER_MINUTE = 600
#: Approximate size of a star in a store, kB.
STAR_KB = 29


def show_inventory() -> None:
    """Installed and downloaded data: origin, date, size, hash."""
    import pandas as pd

    from stellar_core.inventory import damaged_models, inventory
    from stellar_core.model_store import list_models

    st.subheader("Installed", anchor=False)
    found = pd.DataFrame([asdict(one) for one in inventory()])
    found["bytes"] = found["bytes"] / 1e6
    st.markdown(
        f"**{len(found)} models and data sets ({found['bytes'].sum():,.0f} MB)** are installed. The card of a model "
        "states its origin; the SHA-256 hash identifies its weights."
    )
    st.dataframe(
        found,
        hide_index=True,
        key="inventory",
        alt="Models, catalogues and caches on this machine",
        column_config={
            "bytes": st.column_config.NumberColumn("MB", format="%.1f"),
            "what": st.column_config.TextColumn("content", width="large"),
            "source": st.column_config.TextColumn("from", width="medium"),
        },
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [name for name, card in list_models().items() if card]
        name = st.selectbox("Model card", names, index=None, placeholder="Choose a model or data set", width=340)
        if st.button("Verify the files", icon=":material/fingerprint:"):
            with st.spinner("Reading all files"):
                sentences = damaged_models()
            for sentence in sentences:
                st.error(escape(sentence), icon=":material/error:")
            if not sentences:
                st.success("All files match the hashes on their cards.", icon=":material/verified:")
    if name:
        st.json(list_models()[name], expanded=1)


def show_sdss() -> None:
    """Connection to SDSS, checked on demand."""
    st.subheader("Connection to SDSS", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Check the SDSS connection", icon=":material/sensors:"):
            from stellar_core.sdss.archive import open_archive

            with st.spinner("Contacting both services, up to ten seconds each"):
                st.session_state.sdss_state = open_archive(timeout=5.0).state(5.0)
        found = st.session_state.get("sdss_state")
        if found is not None:
            badge = (
                ":green-badge[online]"
                if found.files and found.catalogue
                else ":orange-badge[partly]"
                if found.files or found.catalogue
                else ":gray-badge[offline]"
            )
            st.markdown(f"{badge} {escape(found.sentence)}", width="content")
    with st.expander("Order of the sources that are searched for a star"):
        from stellar_core.sdss.archive import FALLBACK_ORDER

        st.write(escape(FALLBACK_ORDER))


def show_downloads() -> None:
    """Downloads of the MIST tracks and the SDSS sample, in the background."""
    st.subheader("Downloads", anchor=False)
    st.caption(
        "Optional: the app works without them. A download continues when this page is closed; start it again to "
        "resume it after an interruption."
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
    st.markdown("**MIST tracks** as distributed by their authors")
    wanted = st.multiselect(
        "[Fe/H]", METALLICITIES, default=[0.0], format_func=lambda feh: f"{feh:+.2f}".replace("-", "−"), key="fetch_feh"
    )
    st.caption(f"One archive each. `python -m stellar_core build tracks {folder}` makes the table that the app uses.")
    arguments = [
        "fetch",
        "mist",
        "--out",
        str(folder),
        *(word for feh in sorted(wanted) for word in ("--feh", str(feh))),
    ]
    _download(folder.with_name("mist.status.json"), arguments, "mist", bool(wanted))


def _survey() -> None:
    from stellar_core.paths import survey_folder

    folder = survey_folder()
    st.markdown("**The paper's SDSS stars**: catalogue, spectra and labels")
    stars = int(
        st.number_input("Number of stars, in order of specObjID", 100, 166_625, 1000, step=100, key="fetch_stars")
    )
    minutes = stars / PER_MINUTE
    words = f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"
    st.caption(
        f"At least {words} at {PER_MINUTE} files a minute, {stars * STAR_KB / 1000:,.0f} MB in {escape(folder)}. When "
        "finished, it can be chosen on the Catalogue page. A folder holds one download."
    )
    arguments = ["fetch", "survey", "--out", str(folder), "--give-up", "--stars", str(stars)]
    _download(folder.with_name("survey.status.json"), arguments, "survey", True)


def _download(status: Path, arguments: list[str], key: str, ready: bool) -> None:
    """Button that starts a download, or its progress."""
    from stellar_core.background import state

    every = "1s" if state(status).running else None
    st.fragment(_watch, run_every=every)(status, arguments, key, ready, every is not None)


def _watch(status: Path, arguments: list[str], key: str, ready: bool, was_running: bool) -> None:
    from stellar_core.background import start, state, stop

    now = state(status)
    if now.running:
        st.progress(min(max(now.share, 0.0), 1.0), text=f"{escape(now.message)}. You can leave this page.")
        if st.button("Stop", key=f"stop_{key}", icon=":material/stop:"):
            stop(status)
            st.rerun()
        return
    if was_running:
        st.rerun()
    if now.failed:
        st.error(f"The download failed. {escape(now.message)}", icon=":material/error:")
    label, icon = ("Try again", ":material/refresh:") if now.failed else ("Download", ":material/download:")
    if st.button(label, key=f"start_{key}", icon=icon, disabled=not ready):
        try:
            start(status, arguments)
        except (StellarError, OSError) as error:
            show_error(error)
        else:
            st.rerun()
