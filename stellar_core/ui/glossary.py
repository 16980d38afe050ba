"""Names of models and explanations of everything shown, in one place."""

from __future__ import annotations

#: Networks that ship with the project, by the name of their folder.
MODEL_TITLES = {"isochrone": "Neural posterior", "paper-setup-a": "Paper's network (Model 6)"}
ISOCHRONE_FIT = "Isochrone fit"

HELP = {
    "age": "Time since the star was born, in Gyr (10⁹ years): the median, and the distances to the ends of the 68 % "
    "interval. At most 13.8 Gyr, the age of the Universe (Planck Collaboration 2020).",
    "lifetime": "Total lifetime in Gyr. Neural posterior: from birth to the end of the star's MIST track; ages never "
    "exceed it. Networks of the paper: 10 Gyr · (M/Msun)^−2.5; a warning is shown if the age exceeds it.",
    "stage": "Probability of each evolutionary stage. The main sequence is split at 6000 K and 5200 K; the paper "
    "calls the three parts Hot, Medium and Cool. Subgiants and red giants as in Huber et al. 2017 and Berger et al. "
    "2018. The borders are drawn on the Kiel diagram. They are those of solar metallicity: below "
    "[Fe/H] = −1.25 they call a third of the subgiants dwarfs. The evolutionary phase of the isochrone fit does not.",
    "prior": "Age and [Fe/H] are taken as equally probable up to 13.8 Gyr. The prior of the Galaxy has the ages and "
    "[Fe/H] of the thin disc, thick disc and halo. Where the two differ by more than half a standard deviation, the "
    "spectrum alone does not tell the age.",
    "phase": "Where the star stands on its MIST track, at any metallicity: on the main sequence (core hydrogen), "
    "as subgiant and red giant, burning helium in its core, or on the asymptotic giant branch.",
    "teff": "Effective temperature in K, on the scale of the spectral libraries used for training (MILES, STELIB).",
    "interval": "The 68 % interval runs from the 16th to the 84th percentile, the 95 % interval from the 2.5th to "
    "the 97.5th percentile. Headline numbers are medians.",
    "samples": "Monte Carlo dropout (Gal & Ghahramani 2016): the network is evaluated this many times, each time with "
    "different units switched off. For the paper's networks the scatter of these passes is recalibrated with residuals "
    "on MOCK stars that they were not trained on. For the neural posterior it only gives the model uncertainty.",
    "seed": "Seed of the random numbers. The same star, seed and number of passes give identical results. Intervals "
    "of the neural posterior do not depend on it; its draws do.",
    "model": "Neural posterior (Model 9): the default. Paper's network (Model 6): as in Puah & Arsovski 2025. Models "
    "added on the Training page are listed too. All were trained on MOCK stars.",
    "estimates": "Neural posterior (Model 9): posterior over stars on the MIST tracks, recalibrated on MOCK stars. "
    "Paper's network (Model 6): dropout passes, recalibrated with residuals on MOCK stars. Isochrone fit: exact "
    "posterior on the tracks, given Model 6's Teff, log g and [Fe/H] with their errors (Kroupa initial mass "
    "function, uniform ages up to 13.8 Gyr). All use the same spectrum, so their errors may be correlated. "
    "Differences are in units of both 68 % half widths in quadrature. Lifetimes are not compared, because Model 6 "
    "uses the paper's definition. SSPP: atmosphere of the survey pipeline, where available; the networks do not use "
    "it.",
    "drives": "Each range of 120 Å is hidden from the network in turn, as if it had not been observed. The colours "
    "behind the spectrum show by how much the estimate, or the error of log age, changes then. The error rises "
    "or falls: it mostly shrinks where the estimate moves to an older age, because log age has little room below the "
    "age of the Universe, and grows where it moves to a younger one. It does not measure the "
    "information in a range. A range may have little effect because its neighbours carry the same information. The "
    "parallax is left out.",
    "parallax_entered": "Value and error in mas, corrected for Gaia's zero point, for example 2.51 ± 0.03. It is used "
    "instead of Gaia's. The box is emptied when another star is opened.",
    "source_id": "Identifier of the star in Gaia DR3. Its parallax and magnitudes are looked up in Gaia's archive and "
    "used instead of those found by position.",
    "parallax": "As used: the zero point of Lindegren et al. (2021) is subtracted from Gaia's value, and the error is "
    "enlarged by 10 to 30 %, as pairs and clusters of stars ask for.",
    "distance": "Posterior of the distance, given the parallax, the magnitudes and the spectrum.",
    "extinction": "Posterior of the extinction in V, given the magnitudes, the spectrum and, where known, the dust of "
    "the whole line of sight.",
    "absolute_magnitude": "Colour and absolute magnitude at the distance above, corrected for its extinction; bright "
    "stars at the top. Star: the observed magnitudes with 68 % errors of distance, extinction and magnitudes. Points: "
    "draws from the posterior, at the magnitudes of the models. A star far above its points is probably a binary. "
    "Curves: MIST isochrones from the main sequence to the tip of the red-giant branch, labelled with the age.",
    "kiel": "Effective temperature against surface gravity; hot stars to the left, dwarfs at the bottom. Grey "
    "curves: MIST tracks from the main sequence to the tip of the red-giant branch, labelled with the initial mass "
    "in solar masses, or MIST isochrones, labelled with the age.",
}

TRAINED_ON_MOCK = (
    "Trained on **MOCK** spectra only: stars on MIST tracks, spectra emulated from stellar libraries, SDSS-like "
    "noise. No true ages of real stars were used. At SDSS precision the age of a single star is uncertain by about a "
    "factor of two."
)

INTRODUCTION = (
    "Enter an SDSS star or upload your own spectrum to estimate its **age, lifetime and evolutionary stage** with "
    "error bars. At SDSS precision a single age is uncertain by about a factor of two."
)


def model_title(name: str) -> str:
    """Name of a model for people; models added on the Training page keep their own."""
    return MODEL_TITLES.get(name, name)
