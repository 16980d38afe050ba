"""Make the folder of example spectra from SDSS's files of the same stars."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from stellar_core.errors import SpectrumError
from stellar_core.examples import FOLDER, TABLE
from stellar_core.files import atomic_path

#: Plate-MJD-fiber, what it is, and what it shows, in the order of the landing page.
CHOSEN = (
    (
        "3223-54865-0170",
        "Old turn-off star",
        "A metal-poor star that leaves the main sequence: the one phase in which a spectrum tells the age well.",
    ),
    (
        "3586-55181-0500",
        "G dwarf",
        "A dwarf like the Sun: its parameters can be trusted, its age is uncertain by a factor of two.",
    ),
    (
        "0422-51811-0260",
        "Metal-poor dwarf",
        "A cool dwarf hardly changes in 10 Gyr: trust Teff and [Fe/H], but the spectrum says little about the age.",
    ),
    (
        "0330-52370-0640",
        "Red giant",
        "A metal-poor giant: its parameters agree with SDSS's own, but the methods differ on its age.",
    ),
    ("7339-57544-0733", "Quasar", "Not a star: the app says so, and the numbers must not be used."),
)
COLUMNS = ("plate", "mjd", "fiber", "run2d", "ra_deg", "dec_deg", "sspp_teff", "sspp_logg", "sspp_feh")
#: A lite file is the first part of a full one: primary header, COADD, SPECOBJ or SPALL, SPZLINE.
LITE_HDUS = 4


def build(data: Path, out: Path = FOLDER) -> list[Path]:
    """Write the examples as lite files, and the table of them.

    Parameters
    ----------
    data : Path
        Folder with ``sdss/spec-*.fits`` and ``sdss/index.csv``; the latter has the SSPP's values in ``sspp_teff``,
        ``sspp_logg`` and ``sspp_feh``.
    out : Path
        Default: the folder of this package.

    Returns
    -------
    list of Path
        The spectra.

    Raises
    ------
    SpectrumError
        If a file is missing, or does not name its star.
    """
    from stellar_core.sdss.readers import read_spectrum

    with (data / "sdss" / "index.csv").open(newline="") as file:
        index = {row["file"]: row for row in csv.DictReader(file)}
    (out / "spectra").mkdir(exist_ok=True)
    written, rows = [], []
    for name, caption, lesson in CHOSEN:
        source = data / "sdss" / f"spec-{name}.fits"
        if source.name not in index or not source.exists():
            raise SpectrumError(f"{source} is missing, from which an example is made.", value=name)
        lite = _lite(source)
        meta = read_spectrum(lite, source.name).meta
        if "specobjid" not in meta:
            raise SpectrumError(f"{source} does not name its reduction.", value=name)
        target = out / "spectra" / source.name
        with atomic_path(target) as draft:
            draft.write_bytes(lite)
        written.append(target)
        place = [round(float(meta[key]), 6) for key in ("ra", "dec")]
        sspp = [f"{float(cell):g}" if (cell := index[source.name][key]) else "" for key in COLUMNS[-3:]]
        rows.append([*(meta[key] for key in COLUMNS[:4]), *place, *sspp, caption, lesson])
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([(*COLUMNS, "caption", "lesson"), *rows])
    with atomic_path(out / TABLE.name) as draft:
        draft.write_text(text.getvalue())
    return written


def _lite(path: Path) -> bytes:
    """Return the part of a spec file that its lite version has, byte for byte."""
    from astropy.io import fits

    data = path.read_bytes()
    with fits.open(io.BytesIO(data)) as file:
        return data[: file.fileinfo(LITE_HDUS)["hdrLoc"]] if len(file) > LITE_HDUS else data
