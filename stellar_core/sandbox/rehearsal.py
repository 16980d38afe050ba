"""Small files of every format, valid and damaged; reading them imports all modules that a parser needs."""

from __future__ import annotations

import codecs
import encodings
import gzip
import io
import pkgutil
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.datasets.labelled_table import STAR_COUNT
from stellar_core.errors import StellarError
from stellar_core.stages import STAGES

if TYPE_CHECKING:
    from astropy.table import Table

    from stellar_core.sandbox.reader import Reader


def rehearse(reader: Reader) -> None:
    """Read every example, intact and damaged, and load the codecs of all encodings."""
    _load_codecs()
    for read, data, options in _examples(reader):
        for one in (data, data[: len(data) // 2], data[: len(data) // 3] + b"\0<[{(" + data[len(data) // 3 :]):
            try:
                read(one, options)
            except StellarError:
                pass  # the file is damaged
    reader.archive = None


def _load_codecs() -> None:
    for module in pkgutil.iter_modules(encodings.__path__):
        try:
            codecs.lookup(module.name)
        except LookupError:
            pass  # a codec of another operating system, or none


def _examples(reader: Reader) -> Iterator[tuple[Callable, bytes, dict]]:
    spectra, lists = {**_spectra(), **_texts()}, _lists()
    for name, data in spectra.items():
        yield reader.spectrum, data, {"name": name}
    yield reader.spectrum, gzip.compress(spectra["a.fits"]), {"name": "a.fits.gz"}
    yield reader.spectrum, spectra["a.csv"], {"wavelength_unit": "nm", "medium": "air", "columns": {"flux": 1}}
    for name, data in lists.items():
        yield reader.inputs, data, {"name": name}
        yield reader.pasted, data, {}
    yield reader.stars, _stars(), {}
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("a.csv", spectra["a.csv"])
            file.writestr("../a.fits", b"")
        for row in (0, 1):
            yield reader.member, archive.getvalue(), {"name": "a.zip", "row": row}


def _spectrum() -> Table:
    from astropy.table import Table

    wavelength = np.arange(3900.0, 4000.0)
    return Table(
        {
            "loglam": np.log10(wavelength),
            "flux": np.sin(wavelength) + 5,
            "ivar": np.ones(100),
            "and_mask": np.zeros(100, int),
        }
    )


def _spectra() -> dict[str, bytes]:
    """FITS files of one spectrum: tables, with and without a row of SDSS parameters, and images."""
    from astropy.io import fits
    from astropy.table import Table

    row = Table(
        {
            "PLATE": [266],
            "MJD": [51602],
            "FIBERID": [31],
            "RUN2D": ["26"],
            "CLASS": ["STAR"],
            "Z": [1e-4],
            "PLUG_RA": [150.0],
            "PLUG_DEC": [2.0],
            "PSFFLUX": [[1.0] * 5],
            "CALIBFLUX": [[1.0] * 5],
            "CALIBFLUX_IVAR": [[1.0] * 5],
        }
    )
    image = fits.PrimaryHDU(np.arange(100.0) + 1)
    image.header.update(CRVAL1=3900.0, CDELT1=1.0, CTYPE1="AWAV", CUNIT1="Angstrom")
    stack = fits.PrimaryHDU(np.ones((5, 120)))
    stack.header.update(COEFF0=3.6, COEFF1=1e-4, TELESCOP="LAMOST")
    wide = Table({"wave": np.arange(3900.0, 4000.0)[None], "flux": np.ones((1, 100)), "error": np.ones((1, 100))})
    return {
        "a.fits": _fits(_spectrum(), row),
        "spec-0266-51602-0031.fits": _fits(_spectrum()),
        "wide.fits": _fits(wide),
        "image.fits": _bytes(image),
        "stack.fits": _bytes(stack),
    }


def _bytes(unit: object) -> bytes:
    out = io.BytesIO()
    unit.writeto(out)
    return out.getvalue()


def _texts() -> dict[str, bytes]:
    """Text files of one spectrum, in several styles."""
    rows = [(w, 5 + w % 3, 0.5) for w in range(3900, 4000)]
    plain = "\n".join(f"{w},{f},{e}" for w, f, e in rows)
    return {
        "a.csv": f"# z = 0.0003\nwavelength [nm],flux,error\n{plain}".encode(),
        "b.txt": "\n".join(f"{w / 10} {f} {e}" for w, f, e in rows).encode(),
        "c.csv": "# Å in air\nwave;flux\n".encode("latin-1") + "\n".join(f"{w},5;{f}" for w, f, _ in rows).encode(),
        "d.ecsv": _ecsv(_spectrum()),
    }


def _lists() -> dict[str, bytes]:
    """Lists of stars: tables and text."""
    from astropy import units as u
    from astropy.table import Table

    hours = Table({"ra": [9.8, 9.9] * u.hourangle, "dec": [-0.5, 0.5] * u.deg})
    places = Table({"ra": [2.5, 2.6] * u.rad, "dec": [-30, 30] * u.arcmin})
    ids = Table(
        {
            "specObjID": np.array([299592171485095936, 299593270996723712]),
            "plate": [266, 266],
            "mjd": [51602] * 2,
            "fiber": [31, 32],
        }
    )
    found = {
        "a.txt": b"266-51602-31, 266-51602-32\n147.32107 -0.00657\n"
        b"https://dr17.sdss.org/x?plate=266\n09:49:17 -00:00:24\n"
    }
    found["hours.ecsv"] = _ecsv(hours)
    found["utf16.txt"] = "plate,mjd,fiber\n266,51602,31\n".encode("utf-16")
    for name, table in (("places", places), ("ids", ids)):
        found |= {
            f"{name}.ecsv": _ecsv(table),
            f"{name}.xml": _votable(table, "tabledata"),
            f"{name}.fits": _fits(table),
        }
        found |= {f"{name}-{kind}.xml": _votable(table, kind) for kind in ("binary", "binary2")}
        found |= {
            f"{name}-{kind}.parquet": _parquet(table, kind)
            for kind in ("none", "snappy", "gzip", "zstd", "brotli", "lz4")
        }
    return found


def _fits(*tables: Table) -> bytes:
    from astropy.io import fits

    return _bytes(fits.HDUList([fits.PrimaryHDU(), *map(fits.table_to_hdu, tables)]))


def _ecsv(table: Table) -> bytes:
    out = io.StringIO()
    table.write(out, format="ascii.ecsv")
    return out.getvalue().encode()


def _votable(table: Table, kind: str) -> bytes:
    out = io.BytesIO()
    table.write(out, format="votable", tabledata_format=kind)
    return out.getvalue()


def _parquet(table: Table, compression: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    fields = [
        pa.field(name, pa.array(np.asarray(table[name])).type, metadata={"unit": str(table[name].unit or "")})
        for name in table.colnames
    ]
    out = io.BytesIO()
    arrays = [pa.array(np.asarray(table[name])) for name in table.colnames]
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), out, compression=compression)
    return out.getvalue()


def _stars() -> bytes:
    rows = (f"266-51602-{k},5800,4.4,0.0,9.7,10.0,{STAGES[0]}" for k in range(1, STAR_COUNT[0] + 1))
    return ("star,teff,logg,feh,log_age,log_lifetime,stage\n" + "\n".join(rows)).encode()
