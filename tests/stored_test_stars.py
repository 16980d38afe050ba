"""An invented stored test, for tests of what is made of one."""

from __future__ import annotations

import numpy as np

from stellar_core.evaluation.stored_predictions import StoredTest, TestStars


def invented(n: int, seed: int, names: tuple[str, ...] = ()) -> TestStars:
    """Honest Gaussian answers, beside ones three times too sure."""
    from scipy.special import ndtr

    rng = np.random.default_rng(seed)
    low, high = np.array([4500, 1.5, -2.0, 8.5, 9.2]), np.array([7500, 4.8, 0.3, 10.1, 10.6])
    error = np.array([80.0, 0.2, 0.15, 0.25, 0.15])
    truth = rng.uniform(low, high, (n, 5))
    mean = truth + error * rng.standard_normal((n, 5))
    u = ndtr((truth - mean) / error)
    plain = ndtr(3 * (truth - mean) / error)
    stage = rng.integers(0, 5, n)
    logits = 3 * np.eye(5)[stage] + rng.standard_normal((n, 5))
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    parts = (truth, mean, mean - error, mean + error, mean, np.tile(error / 3, (n, 1)), u, plain, stage, probability)
    rest = (0.1 * rng.random(n), rng.uniform(5, 80, n), rng.random(n), truth[:, 3:] + 0.3)
    return TestStars(
        *(np.asarray(part, np.float32) for part in parts[:8]),
        stage,
        *(np.asarray(part, np.float32) for part in parts[9:] + rest),
        name=names,
    )


def stored(model: str = "small") -> StoredTest:
    """500 test stars and 30 of the survey that can be opened."""
    names = tuple(f"16000-58000-{fiber:04d}" for fiber in range(1, 31))
    return StoredTest(
        model, "spectrum and photometry", "MC dropout alone", invented(500, 0), invented(30, 1, names), "ab" * 32
    )
