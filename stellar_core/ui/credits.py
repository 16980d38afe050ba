"""Trained parts with their cards, versions, and the works to cite."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from platform import python_version

import streamlit as st

import stellar_core
from stellar_core.cards import list_models
from stellar_core.ui.shell import plain

CITATIONS = """
- **SDSS**: Abdurro'uf et al. 2022, ApJS 259, 35 (DR17); Gunn et al. 2006, AJ 131, 2332 (telescope). Use of SDSS data needs
  the [SDSS-IV acknowledgement](https://www.sdss4.org/collaboration/citing-sdss/).
- **MIST tracks**: Dotter 2016, ApJS 222, 8; Choi et al. 2016, ApJ 823, 102; and MESA: Paxton et al. 2011, ApJS 192, 3;
  2013, ApJS 208, 4; 2015, ApJS 220, 15; 2018, ApJS 234, 34.
- **Spectral libraries behind the emulator**: MILES (Sánchez-Blázquez et al. 2006, MNRAS 371, 703; Falcón-Barroso et al.
  2011, A&A 532, A95), STELIB (Le Borgne et al. 2003, A&A 402, 433), SDSS template stars (Kesseli et al. 2017, ApJS 230, 16),
  Castelli & Kurucz 2004 model fluxes.
- **Stages**: Huber et al. 2017, ApJ 844, 102; Berger et al. 2018, ApJ 866, 99.
- **Monte Carlo dropout**: Gal & Ghahramani 2016, ICML 48, 1050.
"""

PACKAGES = ("torch", "streamlit", "plotly", "numpy", "scipy", "astropy", "pandas")


def show_models() -> None:
    """The card of every trained part, one expander each."""
    st.subheader("Trained parts", anchor=False)
    st.caption("Each is read from the folder trained/ and carries its own card; the sha256 names its weights exactly.")
    for name, card in list_models().items():
        with st.expander(f"**{plain(name)}** · {plain(card.get('what', 'no description'))}"):
            st.caption(f"{card.get('bytes', 0) / 1e6:.1f} MB · sha256 {card.get('sha256', 'unknown')}")
            st.json(card, expanded=1)


def show_citations() -> None:
    """The works a result rests on."""
    st.subheader("Please cite", anchor=False)
    st.markdown(CITATIONS)


def show_versions() -> None:
    """Versions of the program and of what it computes with."""
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
