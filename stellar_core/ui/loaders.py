"""Everything slow, loaded once: the network, the tracks, spectra and results.

What is cached here is shared by all visitors and never changed after it was made.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core import lookup, sandbox
from stellar_core.model_store import DEFAULT_MODEL, model_folder
from stellar_core.ui.request_priority import TURNS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import numpy as np

    from stellar_core.inference.base import Estimator
    from stellar_core.inference.occlusion import Influence
    from stellar_core.inference.result import Result
    from stellar_core.isochrones import Tracks
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.sdss.identifiers import StarId
    from stellar_core.spectrum import Spectrum

    #: What an answer is computed in, see `stellar_core.ui.request_priority`.
    Turn = Callable[[], AbstractContextManager[None]]

#: The networks whose answers stand beside each other, if their files are there: Model 9 and the paper's Model 6.
BESIDE = (DEFAULT_MODEL, "paper-setup-a")


@dataclass(frozen=True)
class Source:
    """Where one spectrum comes from: a star to look up, or the bytes of a file.

    Attributes
    ----------
    label : str
        What the user gave, in words.
    star : StarId or None
        Set for a look-up.
    data : bytes
        Set for an upload.
    wavelength_unit, medium : str or None
        For uploaded tables.
    """

    label: str
    star: StarId | None = None
    data: bytes = b""
    wavelength_unit: str | None = None
    medium: str | None = None

    @property
    def key(self) -> str:
        """A text that is the same for the same spectrum read in the same way."""
        if self.star is not None:
            return f"star {self.star.specobjid}"
        digest = hashlib.sha256(self.data).hexdigest()
        return f"file {digest} {self.label} {self.wavelength_unit} {self.medium}"


def model_stamp(name: str = DEFAULT_MODEL) -> int:
    """When the card of the model was last written, ns; 0 where there is none."""
    card = model_folder(name) / "card.json"
    return card.stat().st_mtime_ns if card.exists() else 0


@st.cache_resource(max_entries=3, show_spinner=False)
def _estimator(name: str, stamp: int) -> Estimator:
    from stellar_core.inference.base import Estimator

    return Estimator.load(name)


def estimator(model: str = DEFAULT_MODEL) -> Estimator:
    """The network, read again when its files change; raises `StellarError`."""
    return _estimator(model, model_stamp(model))


@st.cache_resource(max_entries=3, show_spinner=False)
def _warm(name: str, stamp: int) -> None:
    estimator(name).warm()


def warm() -> None:
    """Have the networks ready before a star is asked for; raises `StellarError`."""
    for name in BESIDE:
        if model_stamp(name):
            _warm(name, model_stamp(name))


@st.cache_resource(show_spinner=False)
def tracks() -> Tracks:
    """The evolutionary tracks that ship with the project."""
    from stellar_core.isochrones import load_tracks

    return load_tracks()


@st.cache_resource(show_spinner=False)
def examples() -> list[tuple[StarId, str]]:
    """Stars worth a first look."""
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
    return sandbox.read_spectrum(
        _source.data, _source.label, wavelength_unit=_source.wavelength_unit, medium=_source.medium
    )


def spectrum(source: Source) -> Spectrum:
    """The spectrum as it was observed; raises `StellarError`."""
    return _spectrum(source.key, source)


@st.cache_resource(max_entries=64, show_spinner=False)
def _prepared(key: str, model: str, stamp: int, _source: Source) -> PreparedSpectrum:
    return estimator(model).prepare(spectrum(_source))


def prepared(source: Source, model: str = DEFAULT_MODEL) -> PreparedSpectrum:
    """The spectrum as the network sees it; raises `StellarError`."""
    return _prepared(source.key, model, model_stamp(model), source)


@st.cache_resource(max_entries=256, show_spinner=False)
def _result(key: str, seed: int, samples: int, model: str, stamp: int, _source: Source, _turn: Turn) -> Result:
    with _turn():
        return estimator(model).estimate(spectrum(_source), samples=samples, seed=seed, label=_source.label)


@st.cache_data(max_entries=256, show_spinner=False)
def _second_opinion(key: tuple[float, ...], _result: Result) -> dict[str, object]:
    from stellar_core.inference.isochrone_check import second_opinion

    with TURNS.later():
        return second_opinion(_result)


def second_opinion(result: Result) -> dict[str, object]:
    """What the isochrones say about a star of this atmosphere; empty where they have no such star."""
    parts = (result.teff, result.logg, result.feh)
    return _second_opinion(tuple(value for part in parts for value in part.to_dict().values()), result)


def result(source: Source, seed: int, samples: int, model: str = DEFAULT_MODEL) -> Result:
    """The answer for one star, before all that other visitors are shown beside theirs; raises `StellarError`."""
    return _result(source.key, seed, samples, model, model_stamp(model), source, TURNS.first)


def beside(source: Source, seed: int, samples: int, model: str) -> dict[str, Result]:
    """The answers of the other networks of `BESIDE`, by name; raises `StellarError`."""
    names = (name for name in BESIDE if name != model and model_stamp(name))
    return {name: _result(source.key, seed, samples, name, model_stamp(name), source, TURNS.later) for name in names}


@st.cache_resource(max_entries=32, show_spinner=False)
def _influence(key: str, model: str, stamp: int, _source: Source, _result: Result) -> Influence:
    from stellar_core.inference.occlusion import influence

    return influence(estimator(model), spectrum(_source), _result)


def influence(source: Source, answer: Result) -> Influence:
    """Which wavelengths the network's answer leans on; raises `StellarError`."""
    return _influence(source.key, answer.model, model_stamp(answer.model), source, answer)


@st.cache_resource(max_entries=64, show_spinner=False)
def _emulated(key: str, model: str, atmosphere: tuple[float, float, float], _source: Source) -> np.ndarray | None:
    from stellar_core.inference.emulated import emulated_like

    return emulated_like(estimator(model).emulator, spectrum(_source), prepared(_source, model), atmosphere)


def emulated(source: Source, answer: Result) -> np.ndarray | None:
    """The emulated spectrum of the result's atmosphere on the pixels of the spectrum; None where there is none."""
    return _emulated(source.key, answer.model, (answer.teff.median, answer.logg.median, answer.feh.median), source)


@st.cache_data(ttl="10s", show_spinner=False)
def samp_hub() -> bool:
    """Whether a SAMP hub runs on this machine; asked every ten seconds at most."""
    from stellar_core import samp

    return samp.hub_runs()
