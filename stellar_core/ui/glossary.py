"""What each quantity means and where its definition comes from, said once."""

from __future__ import annotations

HELP = {
    "age": "Time since the star was born, in Gyr (10⁹ years): 10^(log age − 9). Bounded by 13.8 Gyr, the age of "
    "the Universe (Planck Collaboration 2020).",
    "log_age": "log₁₀ of the age in years. Model 9: of the stars on the MIST v1.2 tracks (Choi et al. 2016) that fit the "
    "spectrum. Models of the paper: taught with ages read off those tracks at the star's Teff, log g and [Fe/H].",
    "log_lifetime": "log₁₀ of the whole lifetime in years. Model 9: from birth to the end of the star's own MIST track. "
    "Models of the paper: by its rule τ = 10 Gyr · (M/Msun)^−2.5 with the mass of the nearest track.",
    "lifetime": "The whole lifetime in Gyr. Model 9: from birth to the end of the star's own MIST track; no age exceeds "
    "it. Models of the paper: by its rule τ = 10 Gyr · (M/Msun)^−2.5; where an age exceeds it, the verdict says so.",
    "stage": "Probability of each evolutionary stage. Dwarfs are split at 6000 K and 5200 K; subgiants and red giants "
    "after Huber et al. 2017 and Berger et al. 2018. The borders are drawn on the Kiel diagram.",
    "teff": "Effective temperature in K, on the scale of the spectral libraries the network was taught with (MILES, "
    "STELIB).",
    "logg": "log₁₀ of the surface gravity in cm/s².",
    "feh": "Iron abundance relative to the Sun, dex.",
    "interval": "The 68 % interval runs from the 16th to the 84th percentile, the 95 % interval from percentile 2.5 to "
    "97.5; the number is the median.",
    "samples": "Monte Carlo dropout: the network answers this many times, each time with other units switched off "
    "(Gal & Ghahramani 2016). The paper's models widen this wavering by the misses seen on MOCK stars they were not "
    "trained on; for Model 9 it only says how much of the error is the network's own.",
    "seed": "Start of the random numbers. The same star, seed and number of passes give the same digits. Model 9's "
    "intervals are those of its posterior and do not hang on it; its draws do.",
    "model": "The network that answers: those that ship with the project, and those adopted on the page Training. All have learned "
    "from MOCK stars.",
    "snr": "Median signal-to-noise ratio per pixel over the pixels that are not masked.",
    "coverage": "Share of 3600–10400 Å, in the star's rest frame, on which something was measured. The rest is filler "
    "of value 1, shaded grey on the plot.",
    "redshift": "Velocity c·z along the line of sight: from the file, or found by cross-correlation with model "
    "spectra where the file has none.",
    "photometry": "Whether SDSS ugriz magnitudes went into the answer. Files of the Legacy survey carry none.",
    "opinions": "Model 9: a posterior over stars of the MIST tracks, levelled so that its intervals hold on MOCK stars. Model "
    "6: the paper's network, its passes of dropout widened by the misses on MOCK stars. Isochrones: the exact posterior on "
    "the tracks for Model 6's Teff, log g and [Fe/H] with their errors; prior: Kroupa initial mass function, ages uniform up "
    "to 13.8 Gyr; no network for the age. All rest on the same spectrum, so they may err together. Gaps are in units of both "
    "68 % half widths in quadrature. Lifetimes are not compared: Model 6 was taught the paper's rule, the others end with the track. "
    "SSPP: the survey pipeline's atmosphere, where its catalogue could be asked; no network sees it.",
    "drives": "One range of 120 Å after another is hidden from the network, as if it had not been observed. Bars: by how much "
    "the mean answer moves without it, and by how much the standard deviation of log age grows. A range may matter little "
    "because its neighbours say the same.",
    "spectrum": "Flux as observed, with its one-sigma error, smoothed by a running mean weighted by inverse variance (for "
    "the eye only: the network sees its own version). Ticks at the bottom: pixels masked by the survey. Grey: not "
    "observed, where the network sees filler of value 1. Rest frame: the star's velocity is taken out; observed frame: as "
    "the file gives it, with lines of the night sky, which no star shifts. The slider *Lines* moves the marks alone. Hidden "
    "until clicked: the survey pipeline's model, whose residuals stand below where the file has it, and the emulated spectrum "
    "of a star like this one, at SDSS's resolution, its running mean over 301 Å set to the star's.",
    "kiel": "Effective temperature against surface gravity; hot stars to the left, dwarfs at the bottom. Grey curves: "
    "MIST tracks from the main sequence to the tip of the red-giant branch, each with its initial mass in solar masses, or "
    "MIST isochrones, each with its age.",
}

TRAINED_ON_MOCK = (
    "The network learned from **MOCK** spectra only: stars drawn from MIST tracks, spectra emulated from stellar "
    "libraries, noise like SDSS's. It has seen no true age of a real star; at SDSS precision the age of a single star "
    "is uncertain by about a factor of two."
)

EMPTY = (
    "Give an SDSS star or your own spectrum, and read its **age, lifetime and evolutionary stage** with error bars, "
    "beside the spectrum and the Kiel diagram."
)
