"""Does a network's result contradict the fit of templates?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from stellar_core.errors import SpectrumError
from stellar_core.inference.result import Result, Verdict
from stellar_core.inference.template_fit.fit import POOR, TemplateFit, fit_templates
from stellar_core.inference.tension import Estimate, Tension, tensions
from stellar_core.preprocessing.spectra import PreparedSpectrum
from stellar_core.quantities import QUANTITIES

#: Sigma of the joint error, and difference (K, dex, dex), that both must be exceeded for a contradiction.
LIMITS: Mapping[str, tuple[float, float]] = {"teff": (3.5, 300.0), "logg": (4.0, 0.8), "feh": (3.5, 0.5)}


@dataclass(frozen=True)
class Contradiction:
    """Comparison of a result with the fit of templates.

    Attributes
    ----------
    tensions : tuple of Tension
        Of Teff, log g and [Fe/H]: result minus templates.
    beyond : tuple of Tension
        Those beyond `LIMITS`.
    sentences : tuple of str
        The contradictions in words; empty if there is none.
    """

    tensions: tuple[Tension, ...]
    beyond: tuple[Tension, ...]
    sentences: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.beyond)


def contradiction(result: Result, fit: TemplateFit) -> Contradiction:
    """Compare a result with the fit of templates to the same spectrum.

    Parameters
    ----------
    result : Result
    fit : TemplateFit

    Returns
    -------
    Contradiction
        True where the two contradict each other; a poor fit contradicts nothing. A result with a parallax is compared
        by its answer without it.
    """
    spectral = result.parallax["without"] if result.parallax else {}  # both rest on the spectrum then
    intervals = {name: spectral.get(name) or getattr(result, name).to_dict() for name in LIMITS}
    ours = Estimate("network", intervals, {})
    found = tuple(tensions([ours, Estimate("templates", fit.intervals(), {})], tuple(LIMITS)))
    if fit.chi2 > POOR:
        return Contradiction(found, (), ())
    beyond = tuple(
        one for one in found if one.in_sigma > LIMITS[one.quantity][0] and abs(one.difference) > LIMITS[one.quantity][1]
    )
    return Contradiction(found, beyond, tuple(_sentence(one, ours.intervals, fit) for one in beyond))


def with_template_fit(result: Result, prepared: PreparedSpectrum) -> Result:
    """Add the fit of templates to a result, which is no longer trusted where the two contradict each other.

    Parameters
    ----------
    result : Result
    prepared : PreparedSpectrum
        The spectrum that it rests on.

    Returns
    -------
    Result
        The same where templates cannot be fitted.
    """
    try:
        fit = fit_templates(prepared)
    except SpectrumError:
        return result
    found, verdict = contradiction(result, fit), result.verdict
    if found:
        verdict = Verdict(False, (*found.sentences, *verdict.messages))
    contradicted = [one.quantity for one in found.beyond]
    return replace(result, verdict=verdict, template_fit=fit.to_dict() | {"contradicts": contradicted})


def _sentence(one: Tension, network: Mapping[str, Mapping[str, float]], fit: TemplateFit) -> str:
    quantity = QUANTITIES[one.quantity]
    first, second = (
        f"{quantity.write(interval['median'])} ± {0.5 * (interval['p84'] - interval['p16']):{quantity.form.strip('+')}}"
        for interval in (network[one.quantity], fit.intervals()[one.quantity])
    )
    unit = f" {quantity.unit}" if quantity.unit else ""
    return (
        f"{quantity.title} contradicts a fit of template spectra to the lines: {first}{unit} from the network, "
        f"{second}{unit} from the templates ({one.in_sigma:.1f} sigma)."
    )
