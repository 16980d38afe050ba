"""The chunked store: Parquet files of prepared spectra, features and labels, with a manifest of all catalogue rows.

``stars-NNNNN.parquet`` holds the stars of one chunk of the catalogue in the order of their ids, in row groups of
`ROW_GROUP`, uncompressed, so that single stars are read quickly. Spectra are binary columns of fixed width:
``flux`` and ``root_ivar`` 6800 little-endian float16 each, ``coverage`` 6800 bits, the first the highest.
``manifest-NNNNN.parquet`` has a line for each row of the catalogue, with the file's SHA-256 or the reason why the star
is not in the store. The files do not depend on the time or on the number of attempts.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stellar_core.errors import StorageError
from stellar_core.files import sha256_of_file, write_bytes
from stellar_core.preprocessing.features import FEATURE_NAMES
from stellar_core.preprocessing.grid import GRID
from stellar_core.survey.stored_star import StoredStar

if TYPE_CHECKING:
    import pyarrow as pa

#: Stars in a row group: read together, about 0.9 MB.
ROW_GROUP = 32
VERSION = 1
#: Outcomes of a row of the catalogue.
STORED, REFUSED, ABSENT, FAILED = "stored", "refused", "absent", "failed"
_SCALARS = (
    *(("specobjid", "uint64"), ("plate", "int32"), ("mjd", "int32"), ("fiber", "int32"), ("run2d", "string")),
    *(("ra", "float64"), ("dec", "float64"), ("redshift", "float64"), ("snr", "float32")),
    *((f"{name}{end}", "float32") for name in ("teff", "logg", "feh") for end in ("", "_err")),
    *(("log_age", "float32"), ("log_lifetime", "float32"), ("mass", "float32"), ("stage", "int8")),
)


@dataclass(frozen=True)
class ManifestLine:
    """Outcome of one row of the catalogue.

    Attributes
    ----------
    specobjid : int
    name : str
        plate-MJD-fiber.
    path : str
        Of the file below the root of the Science Archive Server; empty where none was requested.
    bytes : int
    sha256 : str
        Of the file; empty where there is none.
    outcome : {"stored", "refused", "absent", "failed"}
    reason : str
        A sentence; empty for stored stars.
    """

    specobjid: int
    name: str
    path: str
    bytes: int
    sha256: str
    outcome: str
    reason: str


def star_schema() -> pa.Schema:
    """Return the columns of the stars; the metadata describe the arrays."""
    import pyarrow as pa

    fields = [pa.field(name, pa.type_for_alias(kind)) for name, kind in _SCALARS]
    fields += [
        pa.field("features", pa.list_(pa.float32(), len(FEATURE_NAMES))),
        pa.field("flux", pa.binary(2 * GRID.size)),
        pa.field("root_ivar", pa.binary(2 * GRID.size)),
        pa.field("coverage", pa.binary(GRID.size // 8)),
    ]
    form = {
        "version": VERSION,
        "grid": f"{GRID[0]:.0f} to {GRID[-1]:.0f} Angstrom, vacuum, rest frame, 1 Angstrom",
        "flux": f"<f2[{GRID.size}], median 1",
        "root_ivar": f"<f2[{GRID.size}], square root of the inverse variance of flux",
        "coverage": f"{GRID.size} bits, the first the highest of its byte",
        "features": list(FEATURE_NAMES),
        "units": {
            "teff": "K",
            "logg": "dex",
            "feh": "dex",
            "log_age": "log10(yr)",
            "log_lifetime": "log10(yr)",
            "mass": "Msun",
        },
    }
    return pa.schema(fields, metadata={"stellar_ages": json.dumps(form)})


def star_table(stars: Sequence[StoredStar]) -> pa.Table:
    """Convert stars to rows of `star_schema`."""
    import pyarrow as pa

    schema = star_schema()
    values: dict[str, Sequence[object]] = {
        "specobjid": [int(star.row.star.specobjid) for star in stars],
        **{name: [getattr(star.row.star, name) for star in stars] for name in ("plate", "mjd", "fiber", "run2d")},
        **{name: [getattr(star.row, name) for star in stars] for name in ("ra", "dec")},
        **{
            name: [getattr(star, name) for star in stars]
            for name in ("redshift", "snr", "log_age", "log_lifetime", "mass", "stage")
        },
        **{
            f"{name}{end}": [getattr(star.row.parameters, f"{name}{end}") for star in stars]
            for name in ("teff", "logg", "feh")
            for end in ("", "_err")
        },
        "features": [star.features.tolist() for star in stars],
        "flux": [star.flux.astype("<f2").tobytes() for star in stars],
        "root_ivar": [star.root_ivar.astype("<f2").tobytes() for star in stars],
        "coverage": [np.packbits(star.coverage).tobytes() for star in stars],
    }
    return pa.table([pa.array(values[field.name], field.type) for field in schema], schema=schema)


def manifest_table(lines: Sequence[ManifestLine]) -> pa.Table:
    """Convert manifest lines to a table."""
    import pyarrow as pa

    kinds = {"specobjid": pa.uint64(), "bytes": pa.int64()}
    names = list(ManifestLine.__dataclass_fields__)
    arrays = [pa.array([getattr(line, name) for line in lines], kinds.get(name, pa.string())) for name in names]
    return pa.table(arrays, names=names)


def write_table(table: pa.Table, path: Path, row_group: int = 10_000, compression: str = "zstd") -> None:
    """Write a table atomically; the same table gives the same bytes."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(
        table,
        out,
        row_group_size=row_group,
        compression=compression,
        use_dictionary=False,
        write_statistics=True,
        data_page_size=1 << 20,
        store_schema=True,
    )
    write_bytes(path, out.getvalue())


def write_chunk(folder: Path, number: int, stars: Sequence[StoredStar], lines: Sequence[ManifestLine]) -> None:
    """Write a finished chunk: its manifest, then its stars, whose file marks the chunk as finished."""
    write_table(manifest_table(lines), folder / f"manifest-{number:05d}.parquet")
    write_table(star_table(stars), chunk_path(folder, number), ROW_GROUP, "none")


def chunk_path(folder: Path, number: int) -> Path:
    """Return the path of the stars of a chunk."""
    return folder / f"stars-{number:05d}.parquet"


def read_manifest(folder: Path) -> pa.Table:
    """Read the manifest of all finished chunks, in the order of ids."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    finished = [
        path
        for path in sorted(folder.glob("manifest-*.parquet"))
        if (folder / path.name.replace("manifest", "stars")).exists()
    ]
    return pa.concat_tables([pq.read_table(path) for path in finished]) if finished else manifest_table([])


def summarise(folder: Path, facts: Mapping[str, object]) -> dict[str, object]:
    """Write ``store.json``: ``facts``, the number of rows of each outcome, and the SHA-256 of every file."""
    outcomes = read_manifest(folder)["outcome"].to_pylist()
    found = {
        **facts,
        "version": VERSION,
        "rows": len(outcomes),
        **{name: outcomes.count(name) for name in (STORED, REFUSED, ABSENT, FAILED)},
        "files": {path.name: sha256_of_file(path) for path in sorted(folder.glob("*.parquet"))},
    }
    write_bytes(folder / "store.json", (json.dumps(found, indent=1) + "\n").encode())
    return found


def read_summary(folder: Path) -> dict[str, object]:
    """Read ``store.json`` as `summarise` wrote it.

    Raises
    ------
    StorageError
        If the folder has no finished store.
    """
    try:
        return json.loads((folder / "store.json").read_text())
    except (OSError, ValueError):
        raise StorageError(
            f"{folder} has no finished store of spectra.",
            value=str(folder),
            remedy="Make one with `python -m stellar_core fetch survey --out DIR`; the store is then DIR/store.",
        ) from None


def verify(folder: Path) -> list[str]:
    """Return the names of files of a finished store that are missing or have changed; errors as `read_summary`."""
    files = dict(read_summary(folder)["files"])
    return [
        name
        for name, digest in files.items()
        if not (folder / name).is_file() or sha256_of_file(folder / name) != digest
    ]
