"""Build the dust map from a HEALPix file."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from stellar_core.dust_map import load_dust_map
from stellar_core.errors import ParameterError
from stellar_core.mock.fit.dust_map import build, ring_pixel


def centres(nside):
    """Longitude and latitude of all pixel centres in RING ordering (Gorski et al. 2005, section 4.1), degrees."""
    longitude, z = [], []
    for ring in range(1, 4 * nside):
        if ring < nside or ring > 3 * nside:
            cap = min(ring, 4 * nside - ring)
            z += [np.sign(2 * nside - ring) * (1 - cap**2 / (3 * nside**2))] * (4 * cap)
            longitude += [90.0 / cap * (j - 0.5) for j in range(1, 4 * cap + 1)]
        else:
            z += [4 / 3 - 2 * ring / (3 * nside)] * (4 * nside)
            shift = (ring - nside + 1) % 2
            longitude += [90.0 / nside * (j - 1 + shift / 2) for j in range(1, 4 * nside + 1)]
    return np.array(longitude), np.degrees(np.arcsin(z))


def write(path, values, **cards):
    table = fits.BinTableHDU.from_columns([fits.Column("I", "E", array=values)])
    table.header.update({"NSIDE": 16, "ORDERING": "RING", **cards})
    table.writeto(path)
    return path


@pytest.mark.parametrize("nside", [1, 2, 5, 16])
def test_every_centre_lies_in_its_pixel(nside):
    np.testing.assert_array_equal(ring_pixel(nside, *centres(nside)), np.arange(12 * nside**2))


def test_map_is_that_of_the_file(tmp_path):
    longitude, latitude = np.radians(centres(16))
    values = 0.2 + 0.1 * np.sin(latitude) + 0.05 * np.cos(longitude) * np.cos(latitude)
    build(write(tmp_path / "map.fits", values), tmp_path)
    grid = load_dust_map(tmp_path).ebv
    b, l = np.radians(np.mgrid[-90:91, 0:360])
    np.testing.assert_allclose(grid, 0.2 + 0.1 * np.sin(b) + 0.05 * np.cos(l) * np.cos(b), atol=0.006)


@pytest.mark.parametrize(
    ("values", "cards"),
    [
        (np.ones(3072), {"ORDERING": "NESTED"}),
        (np.ones(3071), {}),
        (np.full(3072, np.nan), {}),
        (np.full(3072, -1.6375e30), {}),
    ],
)
def test_another_map_is_refused(tmp_path, values, cards):
    with pytest.raises(ParameterError, match="map.fits"):
        build(write(tmp_path / "map.fits", values, **cards), tmp_path)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "map.fits").write_text("no map")
    with pytest.raises(ParameterError, match="no HEALPix map"):
        build(tmp_path / "map.fits", tmp_path)
