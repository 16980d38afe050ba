"""Download of MIST's archives of tracks: progress, resume, hash."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.files import write_text

SERVERS = ("https://waps.cfa.harvard.edu/MIST/data/tarballs_v1.2/", "https://mist.science/data/tarballs_v1.2/")
#: Initial [Fe/H] that MIST v1.2 offers, dex.
METALLICITIES = (-4.0, -3.5, -3.0, -2.5, -2.0, -1.75, -1.5, -1.25, -1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5)
#: Rotation, as a part of the critical.
ROTATIONS = (0.0, 0.4)
BLOCK = 1 << 18

#: Called with bytes so far, and bytes in all or None.
Progress = Callable[[int, "int | None"], None]


def archive_name(feh: float, vvcrit: float = 0.4) -> str:
    """File name of one archive: initial [Fe/H] in dex, rotation as a part of the critical."""
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
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> Path:
    """Fetch one archive of tracks; what is already there and whole is not fetched again.

    A broken download leaves ``NAME.part``, and the next call goes on from its end. MIST
    publishes no hashes: where ``sha256`` is not given, that of the first download is kept
    beside the file and checked ever after.

    Parameters
    ----------
    feh, vvcrit : float
        Which archive, as in `archive_name`.
    folder : path
        Where archives are kept.
    sha256 : str, optional
        The hash the file must have.
    servers : sequence of str
        Base addresses, tried in order.
    progress : callable, optional
        Called with bytes so far and bytes in all (None where the server does not say).
    timeout : float
        Seconds without an answer before a server is given up.

    Raises
    ------
    ArchiveError
        Where no server gives the file, or its hash is wrong.
    """
    import pooch
    import requests

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    name = archive_name(feh, vvcrit)
    note = folder / f"{name}.sha256"
    known = sha256 or (note.read_text().strip() if note.is_file() else None)
    failures = []
    for server in servers:
        fetch = _Resuming(folder / f"{name}.part", progress, timeout)
        try:
            path = Path(
                pooch.retrieve(
                    server.rstrip("/") + "/" + name, known_hash=known, fname=name, path=folder, downloader=fetch
                )
            )
        except (requests.RequestException, OSError) as error:
            failures.append(f"{server}: {type(error).__name__}")
            continue
        except ValueError as error:  # the hash does not fit
            raise ArchiveError(f"{name} is not the file expected: {error}", value=name) from None
        if not note.is_file():
            write_text(note, pooch.file_hash(str(path)) + "\n")
        return path
    raise ArchiveError(
        f"No server gave {name} ({'; '.join(failures)}).",
        value=name,
        remedy="Try again later: a part already fetched is kept.",
    )


class _Resuming:
    """A downloader for pooch that goes on where the last one stopped."""

    def __init__(self, part: Path, progress: Progress | None, timeout: float) -> None:
        self.part, self.progress, self.timeout = part, progress, timeout

    def __call__(self, url: str, output_file: str, pooch: object, check_only: bool = False) -> None:
        import requests

        have = self.part.stat().st_size if self.part.is_file() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as answer:
            if answer.status_code == 416:  # the part is already whole, or not of this file: start anew
                self.part.unlink()
                raise requests.ConnectionError(f"the part of {have} bytes does not fit the file; it was dropped")
            answer.raise_for_status()
            resumed = have > 0 and answer.status_code == 206
            done = have if resumed else 0
            length = answer.headers.get("Content-Length")
            total = done + int(length) if length else None
            with self.part.open("ab" if resumed else "wb") as out:
                for block in answer.iter_content(BLOCK):
                    out.write(block)
                    done += len(block)
                    if self.progress is not None:
                        self.progress(done, total)
        if total is not None and done != total:
            raise requests.ConnectionError(f"only {done} of {total} bytes came")
        os.replace(self.part, output_file)
