"""Classical fit of Teff, log g and [Fe/H]: emulated spectra against lines, without any network."""

from stellar_core.inference.template_fit.comparison import Contradiction, contradiction, with_template_fit
from stellar_core.inference.template_fit.fit import TemplateFit, fit_templates

__all__ = ["Contradiction", "TemplateFit", "contradiction", "fit_templates", "with_template_fit"]
