"""Test sets from spectra: from files, and from the MOCK survey.

Survey stars have a known truth, and each can be opened in the app by its name.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet, Truth
from stellar_core.errors import SpectrumError
from stellar_core.galaxy import STRAGGLERS
from stellar_core.inference.estimator import Estimator
from stellar_core.isochrones import power_law_log_lifetime
from stellar_core.mock.plates import make_plate
from stellar_core.mock.population import Population
from stellar_core.mock.survey import MockSurvey
from stellar_core.preprocessing.features import features
from stellar_core.sdss.star_id import MOCK_PLATES, StarId
from stellar_core.spectrum import Spectrum

#: Stars per plate, and step in plate numbers.
PER_PLATE, APART = 20, 7
#: Minimum S/N per pixel, as in training.
LEAST_SNR = 5.0


def survey_stars(n: int) -> list[StarId]:
    """Select at most ``n`` stars of the MOCK survey, S/N above 5, from many plates of both spectrographs.

    Blue stragglers are left out, as in `stellar_core.datasets.mock_stars`.
    """
    survey, stars = MockSurvey(), []
    for number in range(MOCK_PLATES[0], MOCK_PLATES[1] + 1, APART):
        names, plate = survey.star_ids(number), make_plate(survey.seed, number)
        some = names[:: max(1, len(names) // PER_PLATE)]
        good = (plate.snr[0] > LEAST_SNR) & (plate.stars.component != STRAGGLERS)
        stars += [star for star in some if good[plate.row(star.fiber)]]
        if len(stars) >= n:
            break
    return stars[:n]


def survey_sample(estimator: Estimator, n: int) -> tuple[list[StarId], StarSet]:
    """Prepare about ``n`` survey stars for the estimator; their labels are the truth."""
    stars = survey_stars(n)
    kept, found = star_set(estimator, [frame.spectrum for frame in MockSurvey().frames(stars)], truth_of_survey(stars))
    return [stars[row] for row in kept], found


def truth_of_survey(stars: Sequence[StarId]) -> Population:
    """True parameters of stars of the MOCK survey."""
    survey = MockSurvey()
    plates = [make_plate(survey.seed, star.plate) for star in stars]
    rows = [plate.stars.select(np.array([plate.row(star.fiber)])) for plate, star in zip(plates, stars)]
    return Population(**{name: np.concatenate([getattr(row, name) for row in rows]) for name in vars(rows[0])})


def star_set(
    estimator: Estimator, spectra: Sequence[Spectrum], true: Population | None = None
) -> tuple[list[int], StarSet]:
    """Prepare spectra as a set of stars; also return the rows that can be prepared.

    Without ``true`` the truth is NaN and the stage 0.
    """
    kept, seen = [], []
    for row, spectrum in enumerate(spectra):
        try:
            seen.append(estimator.prepare(spectrum))
        except SpectrumError:
            continue
        kept.append(row)
    rows = np.array(kept, dtype=int)
    inputs = np.stack([features(spectra[row].photometry) for row in kept]).astype(np.float32)
    flux, coverage, ivar = (np.stack([getattr(one, name) for one in seen]) for name in ("flux", "coverage", "ivar"))
    shown = Inputs(flux.astype(np.float16), coverage, inputs, np.sqrt(ivar).astype(np.float16))
    snr = np.array([one.snr for one in seen])
    if true is None:
        none = np.full(len(kept), np.nan)
        truth = Truth(none, none, np.zeros(len(kept), int), np.full((len(kept), 3), np.nan), none, snr)
    else:
        one = true.select(rows)
        atmosphere = np.column_stack([one.teff, one.logg, one.feh])
        truth = Truth(one.log_age, power_law_log_lifetime(one.mass), one.stage, atmosphere, one.log_lifetime, snr)
    labels = Labels(truth.log_age, truth.log_lifetime, truth.stage, truth.atmosphere, truth.atmosphere)
    return kept, StarSet(shown, labels, truth)
