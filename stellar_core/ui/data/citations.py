"""Works to cite, acknowledgements, and versions of the software."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

import streamlit as st

import stellar_core

CITATIONS = """
- **Networks and labels**: Puah & Arsovski 2025.
- **SDSS**: Abdurro'uf et al. 2022 (DR17), Gunn et al. 2006 (telescope), Lee et al. 2008 (SSPP), and the
  acknowledgement below.
- **Gaia**, where a parallax is used: Gaia Collaboration 2016 (mission), 2023 (DR3), Lindegren et al. 2021 (zero point),
  Soubiran et al. 2024 (benchmark stars), and the acknowledgement below.
- **MIST tracks**: Dotter 2016, Choi et al. 2016, and MESA: Paxton et al. 2011, 2013, 2015, 2018.
- **Spectral libraries behind the emulator**: MILES (Sánchez-Blázquez et al. 2006, Falcón-Barroso et al. 2011),
  STELIB (Le Borgne et al. 2003), BOSS templates (Kesseli et al. 2017), Castelli & Kurucz 2003 model fluxes.
- **Reddening**: Schlegel, Finkbeiner & Davis 1998, Schlafly & Finkbeiner 2011.
- **Real stars of known age or mass**: Silva Aguirre et al. 2015, 2017, Lund et al. 2017, Chaplin et al. 2014, van
  Saders et al. 2016, Bruntt et al. 2012, and DEBCat (Southworth 2015).
- **Stages**: Huber et al. 2017, Berger et al. 2018. **Monte Carlo dropout**: Gal & Ghahramani 2016.
"""
BIBLIOGRAPHY = Path(__file__).with_name("citations.bib")
#: Survey -> its acknowledgement.
ACKNOWLEDGEMENTS = {
    survey: Path(__file__).with_name(f"{survey.lower()}_acknowledgement.txt") for survey in ("SDSS", "Gaia")
}
PACKAGES = ("torch", "streamlit", "plotly", "numpy", "scipy", "astropy", "pandas", "duckdb")


def show_citations() -> None:
    """Works to cite, as text and as BibTeX."""
    st.subheader("Please cite", anchor=False)
    st.markdown(CITATIONS)
    entries = BIBLIOGRAPHY.read_text()
    st.download_button(
        "Download BibTeX",
        entries,
        BIBLIOGRAPHY.name,
        "application/x-bibtex",
        icon=":material/download:",
        on_click="ignore",
    )
    with st.expander("BibTeX"):
        st.code(entries, language="latex", height=320)
    for survey, path in ACKNOWLEDGEMENTS.items():
        with st.expander(f"{survey} acknowledgement"):
            st.code(path.read_text(), language=None, wrap_lines=True)


def show_versions() -> None:
    """Versions of the program and its main packages."""
    st.subheader("Versions", anchor=False)
    st.caption(
        f"stellar_core {stellar_core.__version__} · Python {python_version()} · "
        + " · ".join(f"{name} {_version(name)}" for name in PACKAGES)
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
