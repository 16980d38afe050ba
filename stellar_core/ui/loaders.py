"""Cached networks, tracks, spectra and results.

Cached objects are shared by all visitors and must not be modified.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core import lookup, sandbox
from stellar_core.model_store import DEFAULT_MODEL, model_folder
from stellar_core.ui.request_priority import PRIORITY

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np

    from stellar_core.astrometry import Astrometry
    from stellar_core.inference.estimator import Estimator
    from stellar_core.inference.occlusion import Influence
    from stellar_core.inference.result import Result
    from stellar_core.isochrones import Tracks
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.sdss.identifiers import StarId
    from stellar_core.spectrum import Spectrum

    #: Context of a computation, see `stellar_core.ui.request_priority`.
    Turn = Callable[[], AbstractContextManager[None]]

#: Networks that are compared with each other, if installed.
COMPARED = (DEFAULT_MODEL, "paper-setup-a")


@dataclass(frozen=True)
class Source:
    """Origin of one spectrum: a star to look up, the bytes of a file, or a member of an archive.

    Attributes
    ----------
    label : str
        Name of the star or file.
    star : StarId or None
        Set for a look-up.
    data : bytes
        Set for an upload.
    archive, row : Archive or None, int
        Set for a member of an uploaded archive.
    wavelength_unit, medium : str or None
        For uploaded tables.
    astrometry : Astrometry or None
        Parallax that was entered or found.
    """

    label: str
    star: StarId | None = None
    data: bytes = field(default=b"", repr=False)
    archive: sandbox.Archive | None = None
    row: int = 0
    wavelength_unit: str | None = None
    medium: str | None = None
    astrometry: Astrometry | None = None

    @property
    def key(self) -> str:
        """Cache key: equal for the same spectrum read in the same way, with the same parallax."""
        return self.spectral_key if self.astrometry is None else f"{self.spectral_key} {self.astrometry!r}"

    @property
    def spectral_key(self) -> str:
        """The same without the parallax."""
        if self.star is not None:
            return f"star {self.star.specobjid}"
        if self.archive is not None:
            return f"member {self.row} of {self.archive.key}"
        digest = hashlib.sha256(self.data).hexdigest()
        return f"file {digest} {self.label} {self.wavelength_unit} {self.medium}"


def model_stamp(name: str = DEFAULT_MODEL) -> int:
    """Modification time of the model's card, ns; 0 if there is none."""
    card = model_folder(name) / "card.json"
    return card.stat().st_mtime_ns if card.exists() else 0


@st.cache_resource(max_entries=3, show_spinner=False)
def _estimator(name: str, stamp: int) -> Estimator:
    from stellar_core.inference.estimator import Estimator

    return Estimator.load(name)


def estimator(model: str = DEFAULT_MODEL) -> Estimator:
    """Load a network; its files are read again after a change. Raises `StellarError`."""
    return _estimator(model, model_stamp(model))


@st.cache_resource(max_entries=3, show_spinner=False)
def _warm(name: str, stamp: int) -> None:
    estimator(name).warm()


def warm() -> None:
    """Load the compared networks before a star is requested; raises `StellarError`."""
    for name in COMPARED:
        if model_stamp(name):
            _warm(name, model_stamp(name))


@st.cache_resource(show_spinner=False)
def tracks() -> Tracks:
    """Evolutionary tracks that ship with the project."""
    from stellar_core.isochrones import load_tracks

    return load_tracks()


@st.cache_resource(show_spinner=False)
def examples() -> list[tuple[StarId, str]]:
    """Example stars with captions."""
    return lookup.examples()


@st.cache_data(max_entries=256, ttl="1h", show_spinner=False)
def nights(plate: int, fiber: int) -> list[int]:
    """MJDs on which one fiber of a plate was observed."""
    from stellar_core.sdss.identifiers import PlateFiber

    return lookup.mjds(PlateFiber(plate, fiber))


@st.cache_resource(max_entries=64, show_spinner=False)
def _spectrum(key: str, _source: Source) -> Spectrum:
    if _source.star is not None:
        return lookup.load(_source.star)
    if _source.archive is not None:
        return _source.archive.spectrum(_source.row)
    return sandbox.read_spectrum(
        _source.data, _source.label, wavelength_unit=_source.wavelength_unit, medium=_source.medium
    )


def spectrum(source: Source) -> Spectrum:
    """Read the spectrum as observed, with the source's parallax; raises `StellarError`."""
    found = _spectrum(source.spectral_key, source)
    return found if source.astrometry is None else replace(found, astrometry=source.astrometry)


@st.cache_resource(max_entries=64, show_spinner=False)
def _prepared(key: str, model: str, stamp: int, _source: Source) -> PreparedSpectrum:
    return estimator(model).prepare(spectrum(_source))


def prepared(source: Source, model: str = DEFAULT_MODEL) -> PreparedSpectrum:
    """Prepare the spectrum as the network receives it; raises `StellarError`."""
    return _prepared(source.spectral_key, model, model_stamp(model), source)


@st.cache_resource(max_entries=256, show_spinner=False)
def _result(key: str, seed: int, samples: int, model: str, stamp: int, _source: Source, _turn: Turn) -> Result:
    with _turn():
        return estimator(model).estimate(spectrum(_source), samples=samples, seed=seed, label=_source.label)


@st.cache_data(max_entries=256, show_spinner=False)
def _isochrone_fit(key: tuple[float, ...], _result: Result) -> dict[str, object]:
    from stellar_core.inference.isochrone_check import check_against_isochrones

    with PRIORITY.deferred():
        return check_against_isochrones(_result)


def isochrone_fit(result: Result) -> dict[str, object]:
    """Isochrone posterior for the result's Teff, log g and [Fe/H]; empty if no track passes there."""
    parts = (result.teff, result.logg, result.feh)
    return _isochrone_fit(tuple(value for part in parts for value in part.to_dict().values()), result)


def reads_parallax(model: str) -> bool:
    """True if the network uses a parallax; raises `StellarError`."""
    return estimator(model).reads_parallax


def result(source: Source, seed: int, samples: int, model: str = DEFAULT_MODEL) -> Result:
    """Estimate one star with high priority; raises `StellarError`."""
    source = _as_read(source, model)
    return _result(source.key, seed, samples, model, model_stamp(model), source, PRIORITY.urgent)


def other_results(source: Source, seed: int, samples: int, model: str) -> dict[str, Result]:
    """Estimates of the other networks in `COMPARED`, by name; raises `StellarError`."""
    names = (name for name in COMPARED if name != model and model_stamp(name))
    return {
        name: _result(read.key, seed, samples, name, model_stamp(name), read, PRIORITY.deferred)
        for name, read in ((name, _as_read(source, name)) for name in names)
    }


def _as_read(source: Source, model: str) -> Source:
    """The source without its parallax if the network uses none."""
    return source if source.astrometry is None or reads_parallax(model) else replace(source, astrometry=None)


@st.cache_resource(max_entries=32, show_spinner=False)
def _influence(key: str, model: str, stamp: int, _source: Source, _result: Result) -> Influence:
    from stellar_core.inference.occlusion import influence

    return influence(estimator(model), spectrum(_source), _result)


def influence(source: Source, result: Result) -> Influence:
    """Changes of a result without a parallax when ranges of wavelength are hidden; raises `StellarError`."""
    source = replace(source, astrometry=None)
    return _influence(source.key, result.model, model_stamp(result.model), source, result)


@st.cache_resource(max_entries=64, show_spinner=False)
def _emulated(key: str, model: str, atmosphere: tuple[float, float, float], _source: Source) -> np.ndarray | None:
    from stellar_core.inference.emulated import emulated_spectrum

    return emulated_spectrum(estimator(model).emulator, spectrum(_source), prepared(_source, model), atmosphere)


def emulated(source: Source, result: Result) -> np.ndarray | None:
    """Emulate the spectrum of the result's atmosphere on the pixels of the observed one; None outside the emulator."""
    return _emulated(
        source.spectral_key, result.model, (result.teff.median, result.logg.median, result.feh.median), source
    )


@st.cache_data(ttl="10s", show_spinner=False)
def samp_hub() -> bool:
    """True if a SAMP hub runs on this machine; checked every ten seconds at most."""
    from stellar_core import samp

    return samp.hub_runs()
