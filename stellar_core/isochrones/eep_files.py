"""Reader of the files that MIST distributes: ``*.track.eep`` text, one track each, loose or in archives.

Comment lines start with ``#``; among them a line of names is followed by a line of values
(``initial_mass``, ``[Fe/H]``, ...), and the last one names the columns. Row n is EEP n.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stellar_core.errors import StorageError
from stellar_core.isochrones.tracks import COLUMNS, LAST_EEP, ZAMS, Tracks, assemble

#: Z/X of the solar photosphere (Asplund et al. 2009), the zero of MIST's surface [Fe/H].
Z_OVER_X_SUN = 0.0181
NEEDED = ("star_age", "star_mass", "log_Teff", "log_g", "log_R", "log_surf_z", "surface_h1")


@dataclass(frozen=True)
class EepTrack:
    """One track from its file.

    Attributes
    ----------
    feh, mass : float
        Initial [Fe/H] in dex and initial mass in Msun.
    columns : mapping of str to (n_eep,) float
        As `tracks.COLUMNS`; row n is EEP n + 1.
    """

    feh: float
    mass: float
    columns: dict[str, np.ndarray]


def parse_track(text: str, name: str = "track.eep") -> EepTrack:
    """Parse the text of one ``.track.eep`` file.

    Raises
    ------
    StorageError
        Where the header or a column is missing, or a row is cut short.
    """
    lines = text.splitlines()
    header = [line.lstrip("#").split() for line in lines if line.startswith("#")]
    values: dict[str, str] = {}
    for names, below in zip(header[:-1], header[1:]):
        if "initial_mass" in names or "[Fe/H]" in names:
            values.update(zip(names, below))
    names = header[-1] if header else []
    missing = [column for column in NEEDED if column not in names]
    if missing or "initial_mass" not in values or "[Fe/H]" not in values:
        absent = ", ".join(missing) or "the line of initial_mass or [Fe/H]"
        raise StorageError(f"{name} is not a MIST track: {absent} not found.", value=name)
    body = "\n".join(line for line in lines if line and not line.startswith("#"))
    try:
        table = np.loadtxt(io.StringIO(body), usecols=[names.index(c) for c in NEEDED], ndmin=2, unpack=True)
        feh, mass = float(values["[Fe/H]"]), float(values["initial_mass"])
    except ValueError as error:
        raise StorageError(f"{name} is damaged: {error}.", value=name) from None
    if "N_pts" in values and values["N_pts"] != str(table.shape[1]):
        raise StorageError(f"{name} is damaged: {table.shape[1]} rows of {values['N_pts']}.", value=name)
    column = dict(zip(NEEDED, table))
    return EepTrack(
        feh,
        mass,
        {
            "log_age": np.log10(np.maximum(column["star_age"], 1.0)),
            "log_teff": column["log_Teff"],
            "logg": column["log_g"],
            "log_radius": column["log_R"],
            "feh_surface": column["log_surf_z"] - np.log10(column["surface_h1"]) - np.log10(Z_OVER_X_SUN),
        },
    )


def read_eep_files(source: str | Path | Iterable[str | Path], first_eep: int = ZAMS) -> Tracks:
    """Tracks from a folder of ``.track.eep`` files, or from one or more archives (``.txz``).

    Parameters
    ----------
    source : path or iterable of paths
        A folder (searched through), a ``.txz`` archive, or several of either.
    first_eep : int
        First EEP kept.

    Raises
    ------
    StorageError
        Where there is no track, or a file is damaged.
    """
    sources = [source] if isinstance(source, (str, Path)) else list(source)
    tracks = [track for one in sources for track in _each(Path(one))]
    if not tracks:
        raise StorageError(f"No .track.eep file in {', '.join(str(s) for s in sources)}.", value=str(source))
    feh = np.unique([round(track.feh, 4) for track in tracks])
    mass = np.unique([round(track.mass, 4) for track in tracks])
    if feh.size < 2 or mass.size < 2:
        raise StorageError(
            f"Tracks of at least two [Fe/H] and two masses are needed to interpolate, got {feh.size} and {mass.size}.",
            value=str(source),
        )
    eep = np.arange(first_eep, LAST_EEP + 1)
    columns = {name: np.full((feh.size, mass.size, eep.size), np.nan) for name in COLUMNS}
    for track in tracks:
        i, j = np.searchsorted(feh, round(track.feh, 4)), np.searchsorted(mass, round(track.mass, 4))
        for name, values in track.columns.items():
            kept = values[first_eep - 1 : LAST_EEP]
            columns[name][i, j, : kept.size] = kept
    return assemble(feh, mass, eep, columns, source=f"MIST's own files, {len(tracks)} tracks")


def _each(source: Path) -> Iterator[EepTrack]:
    """Every track of a folder or an archive."""
    if source.is_dir():
        for path in sorted(source.rglob("*.track.eep")):
            yield parse_track(path.read_text(), path.name)
        return
    try:
        with tarfile.open(source, "r:*") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".track.eep"):
                    stream = archive.extractfile(member)
                    yield parse_track(stream.read().decode("ascii", "replace"), Path(member.name).name)
    except FileNotFoundError:
        raise StorageError(f"There is no folder or archive {source}.", value=str(source)) from None
    except (tarfile.TarError, EOFError, OSError) as error:
        raise StorageError(f"{source.name} is not a whole archive of tracks: {error}.", value=str(source)) from None
