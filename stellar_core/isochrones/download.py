"""Download the MIST archives of tracks."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.files import sha256_of_file, write_text
from stellar_core.network.http import download
from stellar_core.progress import Progress

SERVERS = ("https://waps.cfa.harvard.edu/MIST/data/tarballs_v1.2/", "https://mist.science/data/tarballs_v1.2/")
#: Initial [Fe/H] of MIST v1.2, dex.
METALLICITIES = (-4.0, -3.5, -3.0, -2.5, -2.0, -1.75, -1.5, -1.25, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5)
#: Rotation as a fraction of the critical velocity.
ROTATIONS = (0.0, 0.4)


def archive_name(feh: float, vvcrit: float = 0.4) -> str:
    """File name of one archive: initial [Fe/H] in dex, rotation as a fraction of the critical velocity."""
    if not np.isclose(METALLICITIES, feh).any():
        raise ParameterError(
            f"MIST has no tracks of [Fe/H] = {feh}; it has {', '.join(map(str, METALLICITIES))}.", value=feh
        )
    if vvcrit not in ROTATIONS:
        raise ParameterError(f"MIST has v/vcrit 0.0 and 0.4, not {vvcrit}.", value=vvcrit)
    return f"MIST_v1.2_feh_{'m' if feh < 0 else 'p'}{abs(feh):.2f}_afe_p0.0_vvcrit{vvcrit:.1f}_EEPS.txz"


def fetch_archive(
    feh: float,
    folder: str | Path,
    vvcrit: float = 0.4,
    *,
    sha256: str | None = None,
    servers: Sequence[str] = SERVERS,
    progress: Progress = lambda step, done, total: None,
    timeout: float = 30.0,
) -> Path:
    """Download one archive of tracks, unless it is complete already.

    An interrupted download leaves ``NAME.part``, and the next call continues it. MIST publishes no
    hashes: if ``sha256`` is not given, that of the first download is stored beside the file and
    checked afterwards.

    Parameters
    ----------
    feh, vvcrit : float
        Of the archive, as in `archive_name`.
    folder : path
        Folder of the archives.
    sha256 : str, optional
        Expected hash of the file.
    servers : sequence of str
        Base addresses, tried in order.
    progress : callable, optional
        Called with the file name, bytes so far and bytes in all (0 where the server does not give the size).
    timeout : float
        Seconds without data before the next server is tried.

    Raises
    ------
    ArchiveError
        Where no server gives the file, or its hash is wrong.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    name = archive_name(feh, vvcrit)
    path, part, note = (folder / f"{name}{ending}" for ending in ("", ".part", ".sha256"))
    known = sha256 or (note.read_text().strip() if note.is_file() else None)
    if path.is_file() and known in (None, found := sha256_of_file(path)):
        return _noted(path, note, found)
    failures = []
    for server in servers:
        try:
            download(f"{server.rstrip('/')}/{name}", part, timeout=timeout, progress=progress)
        except ArchiveError as error:
            failures.append(str(error).removesuffix(f" {error.remedy}").rstrip("."))
            continue
        found = sha256_of_file(part)
        if known not in (None, found):
            part.unlink()
            raise ArchiveError(f"{name} is not the file expected: its SHA-256 is {found}, not {known}.", value=name)
        os.replace(part, path)
        return _noted(path, note, found)
    raise ArchiveError(
        f"No server sent {name} ({'; '.join(failures)}).",
        value=name,
        remedy="Try again later: the part already fetched is kept.",
    )


def _noted(path: Path, note: Path, sha256: str) -> Path:
    """Write the hash of the first download beside it; return the path of the download."""
    if not note.is_file():
        write_text(note, f"{sha256}\n")
    return path
