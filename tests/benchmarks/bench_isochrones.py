"""Speed, memory and recovery of the isochrone engine, with the product's own grid.

``python -m pytest -s -n 0 tests/benchmarks/bench_isochrones.py``; each test prints its figures.
"""

import json
import resource
import subprocess
import sys
import time

import numpy as np
import pytest

from stellar_core.isochrones import infer_posterior
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
from stellar_core.stages import STAGES
from tests.isochrones.recovery import BOUNDS, brute_force, coverage, draw_stars, measure

SSPP = (75.0, 0.20, 0.10)
TINY = (5.0, 0.01, 0.01)


@pytest.fixture(scope="module")
def grid():
    return CataloguePosterior()


def report(name, **numbers):
    sys.stdout.write(f"\n{name}: {json.dumps(numbers)}\n")


def seconds(call):
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, time.perf_counter() - wall, time.process_time() - processor


def test_at_least_ten_times_brute_force(grid):
    stars = draw_stars(grid.samples, SSPP, 400, np.random.default_rng(1), max_teff=7500.0).observed
    grid.evaluate(*stars[:10].T, diagonal_covariance(np.array(SSPP)))  # gathers the voxels once
    fast, fast_wall, fast_cpu = seconds(lambda: grid.evaluate(*stars.T, diagonal_covariance(np.array(SSPP))))
    some = np.arange(0, len(stars), 20)
    plain, plain_wall, _ = seconds(lambda: [brute_force(grid.samples, *stars[i], SSPP) for i in some])
    off = [abs(fast.mean["log_age"][i] - p["log_age"][0]) for i, p in zip(some, plain) if fast.inside_models[i]]
    ratio = (plain_wall / len(some)) / (fast_wall / len(stars))
    report(
        "brute force",
        ratio=ratio,
        fast_stars_per_s=len(stars) / fast_wall,
        brute_stars_per_s=len(some) / plain_wall,
        fast_stars_per_cpu_s=len(stars) / fast_cpu,
        largest_mean_difference_dex=max(off),
        compared=len(off),
    )
    assert ratio >= 10
    assert max(off) < 0.005


def test_growth_with_number_and_errors(grid):
    rng = np.random.default_rng(2)
    stars = draw_stars(grid.samples, SSPP, 4000, rng, max_teff=7500.0).observed
    rng.shuffle(stars)
    for n in (500, 2000, 20_000):
        _, wall, processor = seconds(lambda n=n: grid.evaluate(*stars[:n].T, diagonal_covariance(np.array(SSPP))))
        report("growth with stars", n=n, stars_per_s=n / wall, stars_per_cpu_s=n / processor)
    for factor in (1.0, 2.0, 4.0):
        errors = diagonal_covariance(factor * np.array(SSPP))
        cool = stars[stars[:, 0] < 6500][:5000]
        grid.evaluate(*cool[:10].T, errors)
        _, wall, processor = seconds(lambda cool=cool, errors=errors: grid.evaluate(*cool.T, errors))
        report("growth with errors", factor=factor, stars_per_s=len(cool) / wall, stars_per_cpu_s=len(cool) / processor)
    for errors in (SSPP, (51.0, 0.09, 0.04), (20.0, 0.02, 0.02), TINY):
        _, wall, _ = seconds(lambda errors=errors: [infer_posterior(*star, errors) for star in stars[:20]])
        report("single-star engine", errors=errors, stars_per_s=20 / wall)


def test_memory_stays_below_one_and_a_half_gigabytes():
    script = (
        "import numpy as np, resource\n"
        "from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance\n"
        "rng = np.random.default_rng(0); n = 20000\n"
        "stars = rng.uniform(4200, 7000, n), rng.uniform(1, 4.7, n), rng.uniform(-2, 0.4, n)\n"
        "CataloguePosterior().evaluate(*stars, "
        "diagonal_covariance(np.array([75.0, 0.2, 0.1])))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    peak = int(done.stdout) * (1 if sys.platform == "darwin" else 1024) / 1e9
    report("memory", peak_gb=peak, this_process_gb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)
    assert peak < 1.5


def test_coverage_at_pipeline_errors(grid):
    found = measure(grid, SSPP, 4000, np.random.default_rng(3))
    report("recovery at 75 K, 0.20, 0.10", **found)
    for level in ("68", "90", "95"):
        assert 100 * found["all"][level] == pytest.approx(float(level), abs=1.5)
        for stage in STAGES:
            assert 100 * found[stage][level] == pytest.approx(float(level), abs=4.0)


def test_coverage_at_tiny_errors(grid):
    stars = draw_stars(grid.samples, TINY, 100, np.random.default_rng(4))
    rows, bounds = [], []
    for i, star in enumerate(stars.observed):
        found = infer_posterior(*star, TINY)
        if found.inside_models:
            rows.append(i)
            bounds.append(found.quantiles("log_age", BOUNDS))
    inside = coverage(stars.truth.log_age[rows], np.array(bounds))
    report("recovery at 5 K, 0.01, 0.01", n=len(rows), **inside)
    assert 100 * inside["95"] == pytest.approx(95.0, abs=2.5)
