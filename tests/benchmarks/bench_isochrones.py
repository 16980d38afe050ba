"""Speed, memory and recovery of the isochrone engine, with the product's own tracks.

``python -m pytest -s -n 0 tests/benchmarks/bench_isochrones.py``; each test prints its figures. Every speed is that of
a new process and counts the preparation of tracks, mesh and bins; compilation, once per installation, is done before.
"""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from stellar_core.bolometric_corrections import apparent_magnitudes
from stellar_core.isochrones import AlphaEnhancement, Priors, infer_posterior, load_tracks
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
from stellar_core.isochrones.mesh import Window, mesh_of
from stellar_core.isochrones.photometric_likelihood import PhotometricLikelihood
from stellar_core.stages import STAGES
from tests.isochrones.recovery import BOUNDS, coverage, draw_stars, measure

SSPP, FINE, TINY = (75.0, 0.20, 0.10), (20.0, 0.02, 0.02), (5.0, 0.01, 0.01)
#: Errors, stars, and the least number per second on two cores.
SPEEDS = [(FINE, 3000, 300), ((75.0, 0.05, 0.1), 3000, 300), (SSPP, 20_000, 5000)]
#: Makes MOCK stars of the tracks, then times the posteriors of a process that has done nothing yet.
SCRIPT = """
import json, resource, sys, time
import numpy as np
errors, n, mixture, light = json.loads(sys.argv[1])
from tests.benchmarks.bench_isochrones import mixed_stars, with_light
stars = mixed_stars(errors, n, mixture)
photometry = with_light(stars) if light else None
from stellar_core.isochrones import track_table, mesh
track_table.load_tracks.cache_clear(); mesh.mesh_of.cache_clear()
from stellar_core.isochrones.catalogue_posterior import CataloguePosterior, diagonal_covariance
wall, processor = time.perf_counter(), time.process_time()
found = CataloguePosterior().evaluate(*stars.T, diagonal_covariance(np.array(errors)), photometry=photometry)
print(json.dumps({
    "wall": time.perf_counter() - wall, "processor": time.process_time() - processor,
    "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    "inside": float(found.inside_models.mean()),
}))
"""


def mixed_stars(errors, n, mixture):
    """(n, 3) observed stars in random order: "prior" as the tracks have them, "stages" a fifth of each stage."""
    rng = np.random.default_rng(2)
    if mixture == "stages":
        stars = draw_stars(load_tracks(), tuple(errors), n // len(STAGES), rng, max_teff=7500.0).observed
    else:
        samples = mesh_of(load_tracks(), Priors()).prior_samples
        teff = 10.0 ** samples.log_teff.astype(float)
        weight = samples.weight * ((teff > 4000.0) & (teff < 7500.0))
        chosen = rng.choice(len(samples), n, p=weight / weight.sum())
        stars = np.stack([teff, samples.logg, samples.feh_surface], axis=-1)[chosen]
        stars = stars + rng.normal(size=stars.shape) * errors
    rng.shuffle(stars)
    return stars


def with_light(stars):
    """ugriz magnitudes and a parallax for ``stars`` (n, 3), with errors of 0.02 mag and of Gaia DR3."""
    rng = np.random.default_rng(5)
    radius = 0.5 * (np.log10(np.interp(stars[:, 1], [1.0, 3.5, 4.6], [1.2, 1.2, 0.8])) + 4.438 - stars[:, 1])
    distance = 10.0 ** rng.uniform(2.3, 3.3, len(stars))
    magnitudes = apparent_magnitudes(*stars.T, radius, distance, np.full(len(stars), 0.03))
    magnitudes += rng.normal(0.0, 0.02, magnitudes.shape)
    error = np.interp(magnitudes[:, 2], [15.0, 17.0, 18.0, 19.0, 20.0], [0.025, 0.07, 0.13, 0.24, 0.54])
    parallax = 1000.0 / distance + error * rng.normal(size=len(stars))
    return [
        PhotometricLikelihood({band: (float(m), 0.02) for band, m in zip("ugriz", row)}, float(plx), float(sigma))
        for row, plx, sigma in zip(magnitudes, parallax, error)
    ]


def report(name, **numbers):
    sys.stdout.write(f"\n{name}: {json.dumps(numbers)}\n")


def brute_force(samples, star, errors):
    """Mean log age of one star by summing over all samples of the tracks."""
    chi2 = ((10.0**samples.log_teff - star[0]) / errors[0]) ** 2
    chi2 += ((samples.logg - star[1]) / errors[1]) ** 2 + ((samples.feh_surface - star[2]) / errors[2]) ** 2
    weight = samples.weight * np.exp(-0.5 * (chi2 - chi2.min()))
    return float((weight * samples.log_age).sum(dtype=float) / weight.sum(dtype=float))


@pytest.mark.parametrize("mixture", ["prior", "stages"])
@pytest.mark.parametrize(("errors", "n", "least"), SPEEDS, ids=["20 K", "75 K, log g 0.05", "SSPP"])
def test_stars_per_second_with_preparation(errors, n, least, mixture):
    command = [sys.executable, "-c", SCRIPT, json.dumps([errors, n, mixture, False])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    report(
        f"{errors}, {mixture}",
        stars_per_s=n / found["wall"],
        stars_per_cpu_s=n / found["processor"],
        wanted=least,
        peak_gb=found["peak_gb"],
        inside=found["inside"],
    )
    assert found["peak_gb"] < 1.5
    if mixture == "prior":
        assert n / found["processor"] > 0.5 * least / 2  # by the processor: other processes may run


@pytest.mark.parametrize("mixture", ["prior", "stages"])
def test_stars_per_second_with_magnitudes_and_a_parallax(mixture):
    n, least = 600, 200
    command = [sys.executable, "-c", SCRIPT, json.dumps([SSPP, n, mixture, True])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    speeds = {"stars_per_s": n / found["wall"], "stars_per_cpu_s": n / found["processor"]}
    report(f"ugriz and parallax, {mixture}", **speeds, wanted=least, peak_gb=found["peak_gb"], inside=found["inside"])
    assert found["peak_gb"] < 1.5 and n / found["processor"] > 0.25 * least / 2


@pytest.mark.parametrize("errors", [FINE, (75.0, 0.05, 0.1), SSPP], ids=["20 K", "75 K, log g 0.05", "SSPP"])
def test_brute_force_over_the_same_tracks(errors):
    """The plain sum over samples of a third of the errors, one star after another."""
    stars = mixed_stars(errors, 3000, "prior")
    some = np.concatenate([stars[stars[:, 0] > 5600][:3], stars[:3]])
    engine = CataloguePosterior(alpha=AlphaEnhancement(0.0), systematics=False)
    engine.evaluate(*stars[:50].T, diagonal_covariance(np.array(errors)))
    wall = time.perf_counter()
    found = engine.evaluate(*stars.T, diagonal_covariance(np.array(errors)))
    ours = len(stars) / (time.perf_counter() - wall)
    mesh, off, spent = mesh_of(load_tracks(), Priors()), [], 0.0
    for star in some:
        margin = 8.0 * np.array(errors)
        low, high = star - margin, star + margin
        to_log = lambda x: np.array([np.log10(x[0]), x[1], x[2]])
        size = np.array([errors[0] / (star[0] * np.log(10.0)), *errors[1:]]) / 2.0
        samples = mesh.samples(Window(to_log(low), to_log(high), size))
        wall = time.perf_counter()
        plain = brute_force(samples, star, errors)
        spent += time.perf_counter() - wall
        row = int(np.flatnonzero((stars == star).all(axis=1))[0])
        if found.inside_models[row]:
            off.append(abs(found.mean["log_age"][row] - plain))
    report(f"brute force, {errors}", ours_per_s=ours, plain_sum_per_s=len(some) / spent, largest_difference=max(off))
    assert max(off) < 0.015


def test_single_star():
    for errors in (SSPP, (51.0, 0.09, 0.04), FINE, TINY):
        stars = mixed_stars(errors, 40, "prior")
        infer_posterior(*stars[0], errors)
        wall = time.perf_counter()
        for star in stars:
            infer_posterior(*star, errors)
        report("single star", errors=errors, ms_per_star=1000 * (time.perf_counter() - wall) / len(stars))


def test_coverage_at_pipeline_errors():
    engine = CataloguePosterior(alpha=AlphaEnhancement(0.0), systematics=False)
    found = measure(engine, SSPP, 4000, np.random.default_rng(3))
    report("recovery at 75 K, 0.20, 0.10", **found)
    for level in ("68", "90", "95"):
        assert 100 * found["all"][level] == pytest.approx(float(level), abs=1.5)
        for stage in STAGES:
            assert 100 * found[stage][level] == pytest.approx(float(level), abs=4.0)


def test_coverage_at_tiny_errors():
    stars = draw_stars(load_tracks(), TINY, 100, np.random.default_rng(4))
    engine = CataloguePosterior(alpha=AlphaEnhancement(0.0), systematics=False)
    found = engine.evaluate(*stars.observed.T, diagonal_covariance(np.array(TINY)), BOUNDS)
    inside = found.inside_models
    held = coverage(stars.truth.log_age[inside], found.quantiles["log_age"][inside])
    report("recovery at 5 K, 0.01, 0.01", n=int(inside.sum()), **held)
    assert 100 * held["95"] == pytest.approx(95.0, abs=2.5)
