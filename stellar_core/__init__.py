"""Ages, lifetimes and evolutionary stages of stars from SDSS spectra.

The public names are imported on first use, so that importing the package is quick.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["Estimator", "Photometry", "Result", "Spectrum", "read_spectrum"]

_HOMES = {
    "Estimator": "stellar_core.inference.estimator",
    "Photometry": "stellar_core.photometry",
    "Result": "stellar_core.inference.result",
    "Spectrum": "stellar_core.spectrum",
    "read_spectrum": "stellar_core.sdss.readers",
}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'stellar_core' has no attribute {name!r}")
