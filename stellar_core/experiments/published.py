"""The paper's published results, each with its table.

Ages and lifetimes are root mean square errors of log10(yr) against the paper's own labels
on its own test sets, F1 is the macro average over the five stages. The paper prints no
constant predictor and no R2; `largest_spread` and `largest_single_peaked_spread` bound the former.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stellar_core.models.registry import ARCHITECTURES

#: Numbers and names of the architectures (Table 1).
MODELS = {entry.number: name for name, entry in ARCHITECTURES.items()}
#: Models of the spectrum alone (Table 1).
SPECTRUM_ONLY = (2, 3, 4)

#: Experiments of Phase I (section 3.3.1): stars, and the heading of Table 3 where it has one.
EXPERIMENTS = {"A": "Imbalanced", "B": "Under Sampling", "C": "Weighted"}
#: Stars of experiments A and C, of B, and of Phase III (sections 3.3.1 and 3.3.3).
STARS_IMBALANCED, STARS_BALANCED, STARS_FULL = 50_000, 23_000, 166_625

#: Hyperparameters of Phase II in the order of tuning (Table 2, section 4.2): field of
#: `stellar_core.models.registry.ModelConfig` -> component and parameter; `TABLE_2` there holds the values.
SEARCH = {
    "spectrum_depth": ("Spectroscopic Branch", "Depth (num_transformer_layers)"),
    "spectrum_width": ("Spectroscopic Branch", "Width (d_model)"),
    "photometry_depth": ("Photometric Branch", "Depth (mlp_depth)"),
    "photometry_width": ("Photometric Branch", "Width (mlp_hidden_dim)"),
    "fusion_depth": ("Fusion Module", "Depth (fusion_depth)"),
    "fusion_width": ("Fusion Module", "Width (fusion_hidden_dim)"),
}
#: Result of Phase II (section 4.2).
CHOSEN = {
    "spectrum_depth": 4,
    "spectrum_width": 256,
    "photometry_depth": 2,
    "photometry_width": 256,
    "fusion_depth": 4,
    "fusion_width": 512,
}


@dataclass(frozen=True)
class Published:
    """One column or row of a results table.

    Attributes
    ----------
    age_rmse, lifetime_rmse : float
        log10(yr).
    f1 : float
        Macro average.
    ages : (float, float, float), optional
        Smallest, largest and mean predicted age, Gyr.
    """

    age_rmse: float
    lifetime_rmse: float
    f1: float
    ages: tuple[float, float, float] | None = None


#: Table 3: (experiment, model) -> scores; the paper shows models 6, 5 and 1.
TABLE_3 = {
    ("C", 6): Published(0.3376, 0.3504, 0.6410),
    ("B", 6): Published(0.1940, 0.2041, 0.8577),
    ("C", 5): Published(0.3933, 0.4312, 0.6828),
    ("B", 5): Published(0.2250, 0.2316, 0.9187),
    ("C", 1): Published(0.6790, 0.6816, 0.6455),
    ("B", 1): Published(0.4494, 0.4500, 0.8616),
}

#: Table 4: model -> scores on Experiment B.
TABLE_4 = {
    1: Published(0.4494, 0.4500, 0.8616),
    2: Published(0.2428, 0.2338, 0.7492),
    3: Published(0.0901, 0.0892, 0.6213),
    4: Published(0.1486, 0.1576, 0.6417),
    5: Published(0.2250, 0.2316, 0.9187),
    6: Published(0.1940, 0.2041, 0.8577),
    7: Published(0.2776, 0.2832, 0.9294),
    8: Published(0.2388, 0.2384, 0.8062),
}

#: Table 5: (model, depth of the spectroscopic branch) -> scores.
TABLE_5 = {
    (6, 2): Published(0.1907, 0.1912, 0.8230),
    (6, 4): Published(0.0979, 0.1017, 0.9025),
    (6, 6): Published(0.1076, 0.1091, 0.9541),
    (5, 2): Published(0.2518, 0.2613, 0.8764),
    (5, 4): Published(0.1654, 0.1680, 0.9346),
    (5, 6): Published(0.1754, 0.1816, 0.9338),
}

#: Table 6: width of the spectroscopic branch of Model 6 -> scores.
TABLE_6 = {
    128: Published(0.0961, 0.0993, 0.9544, (0.737, 68.704, 5.181)),
    256: Published(0.0979, 0.1017, 0.9025, (1.105, 14.870, 5.465)),
    384: Published(0.1686, 0.1726, 0.9253, (2.343, 267.134, 7.018)),
}

#: Table 7: setup -> scores.
TABLE_7 = {
    "A": Published(0.0930, 0.0973, 0.4998, (2.320, 5.703, 4.171)),
    "B": Published(0.0929, 0.0953, 0.5927, (1.674, 1419.738, 4.321)),
    "C": Published(0.0874, 0.0893, 0.6157, (2.675, 2721.162, 4.436)),
}

#: The paper's lowest RMSE of log age and log lifetime (Setup C, Table 7), and its highest macro F1 (Model 6 of width
#: 128, Table 6); different networks on different test stars.
BEST = {"log_age_rmse": 0.0874, "log_lifetime_rmse": 0.0893, "macro_f1": 0.9544}
#: Smallest, largest and mean age of the labels of the test stars, Gyr (Tables 6 and 7).
LABEL_AGES = (2.842, 6.107, 5.022)


def largest_spread(ages: tuple[float, float, float] = LABEL_AGES) -> float:
    """Return the largest possible standard deviation of log10 age for this smallest, largest and mean age, dex.

    It is reached if all stars have the smallest or the largest age: the squared distance of a
    logarithm from any value is convex over the range, so that moving a star outwards at the same
    mean age only increases it. A model with a larger RMSE is worse than predicting one constant.
    """
    low, high, mean = ages
    share = (mean - low) / (high - low)
    return float(np.log10(high / low) * np.sqrt(share * (1.0 - share)))


def largest_single_peaked_spread(ages: tuple[float, float, float] = LABEL_AGES) -> float:
    """Return the largest standard deviation of log10 age of any single-peaked distribution with these ages, dex.

    A distribution with one peak is a mixture of uniform ones that all reach from the peak to somewhere (Khintchine
    1938). For each peak the largest variance, E[(y - c)^2] with the c that makes it smallest, is a linear programme
    over the mixtures of the given mean.
    """
    from scipy.optimize import linprog, minimize_scalar

    low, high, mean = ages
    best = 0.0
    for peak in np.linspace(low, high, 41):
        ends = np.unique(np.append(np.linspace(low, high, 201), peak))
        begin, end = np.minimum(ends, peak), np.maximum(ends, peak)
        middle, first, second = (begin + end) / 2.0, *_log_moments(begin, end)
        if not middle.min() <= mean <= middle.max():
            continue
        mixture = {"A_eq": np.stack([np.ones_like(middle), middle]), "b_eq": [1.0, mean], "method": "highs"}

        def largest(c: float) -> float:
            return -linprog(-(second - 2.0 * c * first + c**2), **mixture).fun

        found = minimize_scalar(largest, bounds=(np.log10(low), np.log10(high)), method="bounded")
        best = max(best, float(found.fun))
    return best**0.5


def least_bias(predicted_mean: float, ages: tuple[float, float, float] = LABEL_AGES) -> float:
    """Return by how much predictions of this mean age [Gyr] are too young at least, in mean log10 age, dex.

    The mean of the logarithms of the predictions is at most the logarithm of their mean; that of the labels is least
    if all have the smallest or the largest age.
    """
    low, high, mean = ages
    share = (mean - low) / (high - low)
    return float(share * np.log10(high) + (1.0 - share) * np.log10(low) - np.log10(predicted_mean))


def _log_moments(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of log10 t and of its square for t uniform between ``begin`` and ``end``."""
    x, w = np.polynomial.legendre.leggauss(12)
    logs = np.log10((begin + end)[:, None] / 2.0 + (end - begin)[:, None] / 2.0 * x)
    return logs @ w / 2.0, logs**2 @ w / 2.0
