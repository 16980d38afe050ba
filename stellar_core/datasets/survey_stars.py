"""Stars of a fetched survey as training data: split by star, read from the store a few at a time.

A store may hold several spectra of a star. Only that of the highest S/N is used, so that no star is in two sets. The
set of a star follows from its id alone: test stars are the same for every run and every sample of a store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from stellar_core.datasets.memmap_stars import SetWriter, select, summary_of
from stellar_core.datasets.mock_stars import Inputs, Labels, StarSet, Truth
from stellar_core.errors import ParameterError
from stellar_core.isochrones import LOOK_UPS, load_tracks, track_log_lifetime
from stellar_core.progress import Progress
from stellar_core.sdss.star_id import MOCK_PLATES
from stellar_core.survey.reader import StoredArray, StoreReader

#: Separation below which two spectra are of the same star, arcsec: two fibres of a plate are 55 arcsec apart.
SAME_STAR = 2.0
#: Shares of the stars for the test and for calibration.
TEST, CALIBRATION = 0.1, 0.1
#: Stars read at a time.
BLOCK = 500
#: Numbers of the random streams of a star's set, and of its order within its plate.
_SET, _ORDER = 1, 2
_SURVEYS = {(False, True): "MOCK survey", (True, False): "SDSS DR17", (True, True): "SDSS DR17 and MOCK survey"}


@dataclass(frozen=True)
class SurveySample:
    """Stars of a store, one spectrum each.

    Attributes
    ----------
    stars : StarSet
        All spectra of the store, as `open_stored_stars` gives them; the reference atmosphere is SSPP's.
    columns : dict of str to (n,) ndarray
        Columns of all spectra: specobjid, plate, ra and dec [deg], snr per pixel, and the initial mass [Msun] that
        belongs to the labels.
    rows : dict of str to (m,) int
        Rows of the sets "training", "calibration" and "test", ascending.
    repeats : int
        Spectra left out because there is a better one of the same star.
    survey : str
        Name of the survey; MOCK where it has MOCK stars.
    kind : {"REAL", "MOCK", "REAL and MOCK"}
    identity : str
        Hash of the store's files.
    """

    stars: StarSet
    columns: dict[str, np.ndarray]
    rows: dict[str, np.ndarray]
    repeats: int
    survey: str
    kind: str
    identity: str

    def join(self, *names: str) -> np.ndarray:
        """Return the rows of several sets together, ascending."""
        return np.sort(np.concatenate([self.rows[name] for name in names]))

    def take(self, name: str, most: int) -> np.ndarray:
        """Return at most ``most`` rows of the set ``name``, spread over the plates."""
        return spread(self.rows[name], self.columns["plate"], self.columns["specobjid"], most)

    def held_out(self, name: str, most: int) -> StarSet:
        """Return at most ``most`` stars of the set ``name`` in memory, with `labels_as_truth`."""
        rows = self.take(name, most)
        return labels_as_truth(select(self.stars, rows), *(self.columns[key][rows] for key in ("snr", "mass")))


def open_stored_stars(folder: Path) -> StarSet:
    """Open the stars of the store ``folder``, in the order of their ids.

    Returns
    -------
    StarSet
        Spectra and features are read when indexed; labels are in memory. ``labels.reference`` and
        ``truth`` are unknown, and None.

    Raises
    ------
    StorageError
        If the folder does not hold a finished store.
    """
    return _stars(StoreReader(folder))


def sample_survey(
    folder: Path,
    stars: int | None = None,
    chosen: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    look_up: str = "nearest",
) -> SurveySample:
    """Choose stars of a store, spread over its plates, and divide them into sets.

    Parameters
    ----------
    folder : Path
        The store.
    stars : int, optional
        Number of stars in all sets; all by default, or if there are fewer.
    chosen : callable, optional
        Called with Teff [K], log g, [Fe/H] [dex] (n, 3) and S/N (n,); returns which spectra may be used, (n,) bool.
    look_up : {"nearest", "interpolated"}
        Labels from SSPP's parameters; see `stellar_core.isochrones.LOOK_UPS`. The store has those of the nearest point.

    Raises
    ------
    StorageError
        If the folder does not hold a finished store.
    """
    reader = StoreReader(folder, mapped=False)
    columns = {name: reader.column(name) for name in ("specobjid", "plate", "ra", "dec", "snr", "mass")}
    found = _stars(reader)
    found = replace(found, labels=replace(found.labels, reference=found.labels.atmosphere))
    star = same_star(columns["ra"], columns["dec"])
    first = np.full(star.max(initial=-1) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(first, star, columns["specobjid"])
    allowed = np.ones(len(star), bool)
    if look_up != "nearest":
        found, columns["mass"] = _relabelled(found, look_up)
        allowed = np.isfinite(found.labels.log_age)
    if chosen is not None:
        allowed &= chosen(found.labels.atmosphere, columns["snr"])
    usable = np.flatnonzero(allowed)
    best = usable[np.lexsort((columns["specobjid"][usable], -columns["snr"][usable], star[usable]))]
    kept = best[np.unique(star[best], return_index=True)[1]]
    part = _fractions(first[star[kept]], _SET)
    sets = {"test": part < TEST, "calibration": (part >= TEST) & (part < TEST + CALIBRATION)}
    sets["training"] = ~(sets["test"] | sets["calibration"])
    share = 1.0 if stars is None else min(1.0, stars / max(len(kept), 1))
    rows = {
        name: spread(kept[here], columns["plate"], columns["specobjid"], round(share * int(here.sum())))
        for name, here in sets.items()
    }
    mock = (columns["plate"] >= MOCK_PLATES[0]) & (columns["plate"] <= MOCK_PLATES[1])
    kinds = (bool((~mock).any()), bool(mock.any()))
    return SurveySample(
        stars=found,
        columns=columns,
        rows=rows,
        repeats=len(usable) - len(kept),
        survey=_SURVEYS.get(kinds, "survey"),
        kind=" and ".join(word for word, present in zip(("REAL", "MOCK"), kinds) if present),
        identity=hashlib.sha256(json.dumps(reader.summary["files"], sort_keys=True).encode()).hexdigest(),
    )


def _relabelled(stars: StarSet, look_up: str) -> tuple[StarSet, np.ndarray]:
    """Stars with labels by another look-up, NaN outside its models, and their masses [Msun]."""
    found = LOOK_UPS[look_up](*np.asarray(stars.labels.atmosphere, float).T)
    ages = {name: np.asarray(getattr(found, name), np.float32) for name in ("log_age", "log_lifetime")}
    labels = replace(stars.labels, **ages, stage=np.asarray(found.stage, np.int64))
    return replace(stars, labels=labels), np.asarray(found.mass, float)


def same_star(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Number the stars: spectra within `SAME_STAR` of each other have the same number, (n,) int from 0.

    Parameters
    ----------
    ra, dec : (n,) float
        Degrees; a spectrum without a position is a star of its own.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    n = len(ra)
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    lon, lat = np.radians(np.asarray(ra, float)[known]), np.radians(np.asarray(dec, float)[known])
    places = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    chord = 2.0 * np.sin(np.radians(SAME_STAR / 3600.0) / 2.0)
    pairs = known[cKDTree(places).query_pairs(chord, output_type="ndarray")] if len(known) else np.empty((0, 2), int)
    links = coo_matrix((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return connected_components(links, directed=False)[1].astype(np.int64)


def spread(rows: np.ndarray, plate: np.ndarray, specobjid: np.ndarray, n: int) -> np.ndarray:
    """Choose ``n`` of ``rows``, from each plate in proportion to its stars; the choice depends on nothing else.

    Parameters
    ----------
    rows : (m,) int
    plate, specobjid : (all,) int
        Of all rows of the store.
    n : int

    Returns
    -------
    (n,) int
        Ascending; all rows if there are no more than ``n``.
    """
    if n >= len(rows):
        return np.sort(rows)
    order = rows[np.lexsort((_fractions(specobjid[rows], _ORDER), plate[rows]))]
    return np.sort(order[((np.arange(n) + 0.5) * len(order) / n).astype(int)])


def labels_as_truth(stars: StarSet, snr: np.ndarray, mass: np.ndarray) -> StarSet:
    """Return stars whose labels take the place of the truth, for calibration and tests where none is known.

    Parameters
    ----------
    stars : StarSet
        In memory.
    snr, mass : (n,) float
        S/N per pixel; initial mass that belongs to the labels, Msun.
    """
    labels = stars.labels
    atmosphere = np.asarray(labels.atmosphere, float)
    tracks = load_tracks()
    lifetime = track_log_lifetime(mass, np.clip(atmosphere[:, 2], -2.5, 0.5), tracks)
    age, power_law = np.asarray(labels.log_age, float), np.asarray(labels.log_lifetime, float)
    lifetime = np.where(np.isfinite(lifetime), lifetime, power_law)
    truth = Truth(age, power_law, labels.stage, atmosphere, np.maximum(lifetime, age), np.asarray(snr, float))
    return replace(stars, truth=truth)


def write_rows(
    folder: Path, stars: StarSet, rows: np.ndarray, progress: Progress = lambda what, done, total: None
) -> dict[str, object]:
    """Write some stars of a store as a set of `stellar_core.datasets.memmap_stars`; return its summary."""
    writer = SetWriter(folder, len(rows))
    for start in range(0, len(rows), BLOCK):
        progress("reading the survey store", start, len(rows))
        writer.append(select(stars, rows[start : start + BLOCK]))
    writer.close()
    progress("reading the survey store", len(rows), len(rows))
    return summary_of(Labels(**{item.name: getattr(stars.labels, item.name)[rows] for item in fields(Labels)}))


def check_number(sample: SurveySample, fewest: int) -> None:
    """Raise ParameterError if a set has too few stars: fewer than ``fewest`` to train on, a tenth of that to test."""
    for name in ("training", "calibration", "test"):
        rows = sample.rows[name]
        least = fewest if name == "training" else fewest // 10
        if len(rows) < least:
            raise ParameterError(
                f"Only {len(rows)} {name} stars of the store can be used; a run needs {least}.", value=len(rows)
            )


def _stars(reader: StoreReader) -> StarSet:
    inputs = Inputs(**{name: StoredArray(reader, name) for name in Inputs.__dataclass_fields__})
    atmosphere = np.column_stack([reader.column(name) for name in ("teff", "logg", "feh")])
    labels = Labels(
        log_age=reader.column("log_age"),
        log_lifetime=reader.column("log_lifetime"),
        stage=reader.column("stage").astype(np.int64),
        atmosphere=atmosphere,
        reference=None,
    )
    return StarSet(inputs, labels, None)


def _fractions(numbers: np.ndarray, stream: int) -> np.ndarray:
    """Hash whole numbers (n,) evenly to [0, 1): SplitMix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = np.asarray(numbers).astype(np.uint64) + np.uint64(stream) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
