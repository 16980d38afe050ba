"""Interactive figure of one spectrum, drawn in the browser: zoom, crosshair and menus without a rerun of the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import streamlit as st

from stellar_core.figures.curves import packed
from stellar_core.figures.palette import Palette
from stellar_core.figures.spectrum_view import DEFAULT_SMOOTHING, SMOOTHING, SpectrumView
from stellar_core.figures.wavelength_frames import FRAMES, NODES, excess_of_air
from stellar_core.spectral_lines import REGIONS

#: Scripts in the order in which they are joined: Streamlit takes one module.
SCRIPTS = ("arrays.js", "drawing.js", "controls.js", "gestures.js", "viewer.js")


def _text(*names: str) -> str:
    return "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in names)


HTML, CSS, JS = _text("viewer.html"), _text("viewer.css"), _text(*SCRIPTS)
_VIEWER = st.components.v2.component("spectrum_viewer", html=HTML, css=CSS, js=JS)


def spectrum_viewer(
    view: SpectrumView, key: str, palette: Palette, height: int, on_failure: Callable[[], None]
) -> None:
    """Mount the viewer; ``on_failure`` is called, before a rerun, if the browser cannot draw it.

    Parameters
    ----------
    view : SpectrumView
    key : str
        Key of the element; the view of each star is kept under it in the browser.
    height : int
        Of figure and controls together, pixels; a narrow screen takes what it needs.
    """
    _VIEWER(key=key, data=payload(view, palette, height), on_failed_change=on_failure)


def payload(view: SpectrumView, palette: Palette, height: int) -> Mapping[str, object]:
    """Data of the viewer as plain values, arrays as base64 of float32; NaN marks masked pixels and unknown values."""
    flux, error = view.curve(1)
    return {
        "name": view.name,
        "height": height,
        "palette": asdict(palette),
        "flux_title": view.flux_title,
        "has_errors": view.has_errors,
        "redshift": float(view.redshift),
        "wavelength": packed(view.wavelength),
        "flux": packed(flux),
        "error": packed(error),
        "overlays": [{**asdict(one), "flux": packed(one.flux)} for one in view.overlays],
        "lines": [[float(wavelength), label] for wavelength, label in view.lines],
        "sky": [[float(wavelength), label] for wavelength, label in view.sky],
        "gaps": [[float(low), float(high)] for low, high in view.gaps],
        "regions": [asdict(region) for region in REGIONS],
        "smoothing": list(SMOOTHING),
        "default_smoothing": DEFAULT_SMOOTHING,
        "frames": [{**asdict(frame), "name": frame.name, "title": frame.title} for frame in FRAMES],
        "air": {"first": float(NODES[0]), "step": float(NODES[1] - NODES[0]), "excess": packed(1e4 * excess_of_air())},
        "shadings": [
            {
                "title": one.title,
                "edges": np.round(one.edges, 1).tolist(),
                "values": [float(f"{value:.4g}") for value in one.values],
                "features": list(one.features),
                "words": list(one.words),
                "amounts": list(one.amounts),
            }
            for one in view.shadings
        ],
    }
