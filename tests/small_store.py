"""A survey store of invented spectra, made in seconds: stars of SDSS's plates and of MOCK ones, some of them twice.

The ages of the labels follow from a line of the spectrum, so that a network can learn them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.sdss.catalogue_rows import CatalogueRow, SsppParameters
from stellar_core.sdss.specobjid import BOSS_RUN2D
from stellar_core.sdss.star_id import StarId
from stellar_core.survey.store import STORED, ManifestLine, summarise, write_chunk
from stellar_core.survey.stored_star import StoredStar

#: Every so many stars are observed twice.
TWICE = 20


def make_store(
    folder: Path, stars: int = 300, plates: tuple[int, ...] = (300, 310, 16000, 16001), seed: int = 0
) -> Path:
    """Write a finished store of ``stars`` stars over ``plates``, and repeats of some of them on other plates."""
    rng = np.random.default_rng(seed)
    spectra: list[StoredStar] = []
    fibers = dict.fromkeys(plates, 0)

    def observe(star: int, plate: int, better: bool) -> None:
        fibers[plate] += 1
        values = rng_of(star)
        strength, colour = values.random(), values.standard_normal()
        age = 8.5 + 1.5 * strength
        flux = 1.0 + 0.02 * rng.standard_normal(6800)
        flux[3000:3400] -= 0.6 * strength
        features = 0.3 * rng.standard_normal(29)
        features[0] += colour
        coverage = np.ones(6800, bool)
        coverage[:200] = coverage[-300:] = False
        logg, feh = 4.2 + 0.2 * values.standard_normal(), -0.5 + 0.3 * values.standard_normal()
        parameters = SsppParameters(5600.0 + 300.0 * colour, 50.0, logg, 0.2, feh, 0.1, "nnnnn")
        row = CatalogueRow(
            StarId(plate, 52000 + plate % 100, fibers[plate], BOSS_RUN2D),
            *("", 10.0 + 0.1 * star + (0.5 / 3600.0 if better else 0.0), 20.0, "STAR", "", 0.0, 1e-5, 0),
            *(40.0 if better else 25.0, parameters, None),
        )
        spectra.append(
            StoredStar(
                row=row,
                redshift=0.0,
                snr=row.sn_median,
                flux=flux.astype(np.float16),
                root_ivar=np.where(coverage, 50.0, 0.0).astype(np.float16),
                coverage=coverage,
                features=features.astype(np.float32),
                log_age=age,
                log_lifetime=age + 0.3,
                mass=0.9,
                stage=int(np.digitize(colour, [-0.8, 0.0, 0.6, 1.2])),
            )
        )

    def rng_of(star: int) -> np.random.Generator:
        return np.random.default_rng([seed, star])

    for star in range(stars):
        observe(star, plates[star % len(plates)], better=False)
        if star % TWICE == 0:
            observe(star, plates[(star + 1) % len(plates)], better=True)
    spectra.sort(key=lambda one: one.row.star.specobjid)
    for number, start in enumerate(range(0, len(spectra), 100)):
        part = spectra[start : start + 100]
        lines = [ManifestLine(int(one.row.star.specobjid), one.row.star.name, "", 0, "", STORED, "") for one in part]
        folder.mkdir(parents=True, exist_ok=True)
        write_chunk(folder, number, part, lines)
    mock = any(plate >= 16000 for plate in plates)
    summarise(folder, {"mock": mock, "source": "MOCK survey" if mock else "SDSS DR17", "chunk": 100})
    return folder
