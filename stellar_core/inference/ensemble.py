"""Several trained networks as one: what they disagree about is what none of them knows.

A deep ensemble (Lakshminarayanan et al. 2017, arXiv:1612.01474). Each member answers with its own
calibration; the answer is the even mixture of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.inference.base import Estimator
from stellar_core.inference.result import Interval, Parts, Result, Verdict
from stellar_core.quantities import UNITS
from stellar_core.spectrum import Spectrum


@dataclass(frozen=True)
class Ensemble:
    """Estimators that answer together; make one with `load`.

    Attributes
    ----------
    members : tuple of Estimator
        At least two.
    """

    members: tuple[Estimator, ...]

    @classmethod
    def load(cls, names: Sequence[str]) -> Ensemble:
        """The models of these names.

        Raises
        ------
        ParameterError
            If there are fewer than two.
        ModelError
            If one cannot be loaded.
        """
        if len(names) < 2:
            raise ParameterError(f"An ensemble has at least two members; got {len(names)}.", value=list(names))
        return cls(tuple(Estimator.load(name) for name in names))

    def estimate(self, spectrum: Spectrum, *, samples: int = 50, seed: int = 0, label: str = "") -> Result:
        """See `Estimator.estimate`."""
        return combine([member.estimate(spectrum, samples=samples, seed=seed, label=label) for member in self.members])


def combine(results: Sequence[Result]) -> Result:
    """The even mixture of several models' results for one star.

    Draws are taken evenly from all. The epistemic part is the scatter of the members' means and their own epistemic
    parts, in quadrature; the star is in the domain only if every member knows it.
    """
    first, n = results[0], min(len(result.draws["log_age"]) for result in results)
    draws = {name: np.concatenate([_thinned(result.draws[name], n) for result in results]) for name in UNITS}
    intervals = {name: Interval.from_draws(column) for name, column in draws.items()}
    passes = [result.draws["stage"] for result in results if "stage" in result.draws]
    if len(passes) == len(results):
        draws["stage"] = np.concatenate([part[: min(map(len, passes))] for part in passes])
    parts = {}
    for name in UNITS:
        mine = [result.parts[name] for result in results if name in result.parts]
        if len(mine) == len(results):
            apart = np.std([getattr(result, name).mean for result in results])
            epistemic = np.sqrt(apart**2 + np.mean([part.epistemic**2 for part in mine]))
            noise = np.sqrt(np.mean([part.input_noise**2 for part in mine]))
            parts[name] = Parts.of(intervals[name].std, float(epistemic), float(noise))
    messages = [f"{result.model}: {text}" for result in results for text in result.verdict.messages]
    return Result(
        input=first.input,
        star=first.star,
        source=first.source,
        model=" + ".join(result.model for result in results),
        seed=first.seed,
        samples=first.samples,
        **intervals,
        stage={name: float(np.mean([result.stage[name] for result in results])) for name in first.stage},
        verdict=Verdict(all(result.verdict.in_domain for result in results), tuple(messages)),
        draws=draws,
        network={},
        quality={"members": {result.model: dict(result.quality) for result in results}},
        parts=parts,
    )


def _thinned(draws: np.ndarray, n: int) -> np.ndarray:
    """``n`` of the draws, evenly; the rows chosen are the same for every quantity of a model."""
    return draws[np.linspace(0, len(draws) - 1, n).round().astype(int)]
