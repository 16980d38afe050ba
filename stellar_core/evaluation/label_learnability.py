"""How much of the labels can be learned from the spectrum: two pipelines, two look-ups, MOCK stars.

Labels are looked up from pipeline parameters, which have errors. Errors independent of the spectrum cannot be learned;
those of a pipeline that measured the same spectrum can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from stellar_core.constants import SSPP_ERRORS
from stellar_core.datasets.config import CHOICES, DataConfig
from stellar_core.datasets.memmap_stars import passes, select
from stellar_core.datasets.mock_stars import StarSet, make_stars
from stellar_core.evaluation.exact_posterior import mean_log_age
from stellar_core.evaluation.metrics import regression
from stellar_core.isochrones import LOOK_UPS
from stellar_core.mock.pipeline import colours_of, gaussian_kernel, line_spectrum
from stellar_core.progress import Progress

#: Stars for the regressions, test stars, and seeds.
TRAIN, TEST, SEEDS = 3000, 1500, (1, 2, 3)
#: An age below which few stars of the survey are, Gyr.
YOUNG = 0.5
#: Test stars with a posterior, which takes longest.
POSTERIORS = 300
#: Range of the spectrum in the regression, Angstrom, and its number of principal components; weight of a colour.
WINDOW, COMPONENTS, COLOUR_SCALE = (3900.0, 6000.0), 20, 1.5
#: Trial variances of the noise of a label in units of its variance, and of the kernel's length in units of the median
#: distance; the best on a tenth of the training stars is taken.
NOISES, LENGTHS = (0.01, 0.1, 1.0), (0.5, 1.0, 2.0)


def measure(progress: Progress = lambda name, done, total: None) -> list[dict[str, object]]:
    """Measure every pair of pipeline and look-up on the paper's sample.

    Parameters
    ----------
    progress : Progress

    Returns
    -------
    list of dict
        One for each pair: ``pipeline``, ``look_up``; the means over `SEEDS` and the standard deviations ``..._std`` of
        ``young`` and ``young_true`` (share below `YOUNG`), ``spread`` (of the labels, dex), ``rmse_truth`` (of the
        labels as ages, dex), and R2 of predictions of the label: ``r2_true_star``, the mean label of stars with the
        same true atmosphere, by regression; ``r2_exact_posterior``, the mean age of the posterior from the pipeline's
        parameters, after a linear fit, because its prior is another; ``r2_spectrum``, a regression on spectrum and
        colours. A constant has 0, the look-up from the pipeline's parameters 1.
    """
    return combine([measure_seed(seed, progress) for seed in SEEDS])


def measure_seed(
    seed: int, progress: Progress = lambda name, done, total: None
) -> dict[tuple[str, str], dict[str, float]]:
    """Return the scores of one seed for each pair of pipeline and look-up."""
    data = DataConfig.paper(seed=seed, pipeline="spectroscopic", look_up="interpolated")
    train, test = (_paper_cuts(make_stars(n, data, split, progress)) for n, split in ((TRAIN, "train"), (TEST, "test")))
    rng = np.random.default_rng([seed, 11])
    inputs, atmospheres = _inputs(train, test), tuple(_scaled(np.asarray(s.truth.atmosphere)) for s in (train, test))
    found = {}
    for pipeline in CHOICES["pipeline"]:
        parameters = [_parameters(stars, pipeline, rng) for stars in (train, test)]
        posterior = np.full(len(test), np.nan)
        posterior[:POSTERIORS] = mean_log_age(parameters[1][:POSTERIORS], SSPP_ERRORS)
        for name, look_up in LOOK_UPS.items():
            labels = [look_up(*values.T).log_age for values in parameters]
            found[pipeline, name] = _scores(labels, inputs, atmospheres, posterior, np.asarray(test.truth.log_age))
    return found


def combine(seeds: Sequence[Mapping[tuple[str, str], Mapping[str, float]]]) -> list[dict[str, object]]:
    """Means and standard deviations over the outputs of `measure_seed`."""
    return [
        {
            "pipeline": pipeline,
            "look_up": look_up,
            "train_stars": TRAIN,
            "test_stars": TEST,
            "seeds": len(seeds),
            **{key: float(np.mean([one[pipeline, look_up][key] for one in seeds])) for key in first},
            **{f"{key}_std": float(np.std([one[pipeline, look_up][key] for one in seeds], ddof=1)) for key in first},
        }
        for (pipeline, look_up), first in seeds[0].items()
    ]


def _scores(
    labels: list[np.ndarray],
    inputs: tuple[np.ndarray, np.ndarray],
    atmospheres: tuple[np.ndarray, np.ndarray],
    posterior: np.ndarray,
    truth: np.ndarray,
) -> dict[str, float]:
    known = [np.isfinite(values) for values in labels]
    both = known[1] & np.isfinite(posterior)
    train, test = (values[rows] for values, rows in zip(labels, known))
    true = regress(atmospheres[0][known[0]], train, atmospheres[1][known[1]])
    seen = regress(inputs[0][known[0]], train, inputs[1][known[1]])
    return {
        "young": float(np.mean(test < np.log10(YOUNG) + 9.0)),
        "young_true": float(np.mean(truth < np.log10(YOUNG) + 9.0)),
        "spread": float(test.std()),
        "rmse_truth": regression(test, truth[known[1]])["rmse"],
        "r2_true_star": regression(true, test)["r2"],
        "r2_exact_posterior": float(np.corrcoef(posterior[both], labels[1][both])[0, 1] ** 2),
        "r2_spectrum": regression(seen, test)["r2"],
    }


def regress(places: np.ndarray, values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Kernel regression of ``values`` (n,) at ``places`` (n, k), evaluated at ``others`` (m, k).

    The noise and the length of the kernel are those with the smallest error on every tenth star.
    """
    held = np.arange(len(values)) % 10 == 0
    median = float(np.median(np.sqrt(((places[:300, None] - places[None, :300]) ** 2).sum(axis=2))))
    mean, spread = values.mean(), values.std()

    def predict(rows: np.ndarray, at: np.ndarray, length: float, noise: float) -> np.ndarray:
        kernel = gaussian_kernel(places[rows], places[rows], length * median) + noise * np.eye(rows.sum())
        weights = np.linalg.solve(kernel, (values[rows] - mean) / spread)
        return mean + spread * (gaussian_kernel(at, places[rows], length * median) @ weights)

    part = ~held & (np.arange(len(values)) % 3 == 0)  # a third is enough to choose the settings

    def loss(settings: tuple[float, float]) -> float:
        return float(np.mean((predict(part, places[held], *settings) - values[held]) ** 2))

    best = min(((length, noise) for length in LENGTHS for noise in NOISES), key=loss)
    return predict(np.ones(len(values), bool), others, *best)


def _parameters(stars: StarSet, pipeline: str, rng: np.random.Generator) -> np.ndarray:
    """(n, 3) pipeline parameters of stars made with the spectroscopic pipeline."""
    if pipeline == "spectroscopic":
        return np.asarray(stars.labels.atmosphere, float)
    truth = np.asarray(stars.truth.atmosphere)
    return truth + rng.standard_normal(truth.shape) * SSPP_ERRORS


def _paper_cuts(stars: StarSet) -> StarSet:
    return select(stars, np.flatnonzero(passes(stars)))


def _scaled(atmosphere: np.ndarray) -> np.ndarray:
    """True atmospheres in units of the kernel."""
    return np.column_stack([np.log10(atmosphere[:, 0]) / 0.03, atmosphere[:, 1] / 0.5, atmosphere[:, 2] / 0.5])


def _inputs(train: StarSet, test: StarSet) -> tuple[np.ndarray, np.ndarray]:
    """Principal components of the spectrum, and colours, as a network's input has them."""
    lines = [line_spectrum(one.inputs.flux, one.inputs.coverage, WINDOW)[0] for one in (train, test)]
    mean = lines[0].mean(axis=0)
    components = np.linalg.svd(lines[0] - mean, full_matrices=False)[2][:COMPONENTS]
    scores = [(one - mean) @ components.T for one in lines]
    scale = scores[0][:, 0].std()
    places = [
        np.column_stack([score / scale, COLOUR_SCALE * colours_of(one.inputs.features)])
        for score, one in zip(scores, (train, test))
    ]
    return places[0], places[1]


def text(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows as a table for a terminal."""
    titles = ("young (%)", "spread (dex)", "R2 true star", "posterior", "spectrum")
    lines = [
        f"Labels of log age of MOCK stars as in the paper's sample, {rows[0]['seeds']} seeds. Young: below {YOUNG} Gyr "
        f"({100 * rows[0]['young_true']:.1f} % of the stars are). R2 of predictions of the label; a constant has 0.",
        f"{'pipeline, look-up':<30}" + "".join(f"{title:>16}" for title in titles),
    ]
    for row in rows:
        cells = [f"{100 * row['young']:.1f} ± {100 * row['young_std']:.1f}", f"{row['spread']:.3f}"]
        cells += [
            f"{row[key]:.3f} ± {row[f'{key}_std']:.3f}" for key in ("r2_true_star", "r2_exact_posterior", "r2_spectrum")
        ]
        lines.append(f"{row['pipeline'] + ', ' + row['look_up']:<30}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)
