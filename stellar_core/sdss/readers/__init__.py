"""Read a spectrum from any supported file; the format follows from the content, not from the file's name."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from stellar_core.errors import SpectrumError
from stellar_core.spectrum import Spectrum

#: Largest file read, bytes: several times the largest full SDSS spectrum file.
MAX_BYTES = 20_000_000
#: Largest size after decompression, bytes.
MAX_UNPACKED = 40_000_000
#: Largest number of members (parts with a header of their own) of a gzip file.
MAX_MEMBERS = 100

_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"\x89HDF": "an HDF5 file",
}


def read_spectrum(
    source: str | os.PathLike[str] | bytes | BinaryIO,
    name: str = "",
    *,
    wavelength_unit: str | None = None,
    medium: str | None = None,
    columns: Mapping[str, str | int] | None = None,
) -> Spectrum:
    """Read a spectrum from FITS or from a text table.

    FITS: SDSS lite, full and coadd-only spectrum files, and other tables or images of
    one spectrum. Text: CSV or ASCII with or without titles. Both may be gzipped.

    Parameters
    ----------
    source : path, bytes or binary file
    name : str, optional
        Shown to the user, and searched for plate-MJD-fiber where the file has none;
        default: the file's own name.
    wavelength_unit : {"Angstrom", "nm", "micron", "log10 Angstrom"}, optional
        Unit of the wavelengths of files other than SDSS's; inferred where not given.
    medium : {"vacuum", "air"}, optional
        Medium of such wavelengths; where not given, as the file states, else vacuum.
    columns : mapping, optional
        Column name or number (from 0) by role: "wavelength", "flux", "ivar", "error", "variance".

    Returns
    -------
    Spectrum
        With ``source`` "upload", or "mock" for plates of the mock survey.

    Raises
    ------
    SpectrumError
        If the file cannot be read as a spectrum.
    """
    data, found_name = _load(source)
    name = name or found_name
    if not data:
        raise SpectrumError("The file is empty.")
    if len(data) > MAX_BYTES:
        raise SpectrumError(
            f"The file is larger than {MAX_BYTES // 1_000_000} MB; a spectrum takes a few hundred kB.", value=len(data)
        )
    if data[:2] == b"\x1f\x8b":
        data = _unpack(data)
        name = name.removesuffix(".gz")
    for magic, kind in _PACKED.items():
        if data.startswith(magic):
            raise SpectrumError(f"The file is {kind}.", remedy="Unpack it and use the FITS or text file inside.")
    if data.startswith(b"SIMPLE"):
        from stellar_core.sdss.readers.fits_files import read_fits

        return read_fits(data, name, wavelength_unit=wavelength_unit, medium=medium, columns=columns)
    from stellar_core.sdss.readers.column_aliases import assemble
    from stellar_core.sdss.readers.text_tables import read_text

    table, redshift = read_text(data, columns)
    return assemble(
        table, wavelength_unit=wavelength_unit, medium=medium, columns=columns, name=name, redshift=redshift
    )


def _load(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[bytes, str]:
    """Return the content, at most one byte more than `MAX_BYTES`, and the file's name."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source), ""
    if hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
        if not isinstance(data, bytes):
            raise SpectrumError("The file was opened as text; it must be opened in binary mode.")
        return data, Path(str(getattr(source, "name", ""))).name
    path = Path(source)
    try:
        with path.open("rb") as handle:
            return handle.read(MAX_BYTES + 1), path.name
    except FileNotFoundError:
        raise SpectrumError(f"There is no file {str(source)[:120]!r}.", value=source) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SpectrumError(f"The file {str(source)[:120]!r} cannot be read: {reason}.", value=source) from None


def _unpack(data: bytes) -> bytes:
    """Decompress a gzip file, up to `MAX_UNPACKED` bytes."""
    content = b""
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            content += member.decompress(data, MAX_UNPACKED + 1 - len(content))
        except zlib.error:
            raise _damaged_gzip() from None
        if len(content) > MAX_UNPACKED:
            raise SpectrumError(f"The file unpacks to more than {MAX_UNPACKED // 1_000_000} MB.")
        if not member.eof:
            raise _damaged_gzip()
        data = member.unused_data.lstrip(b"\0")
        if not data:
            break
    else:
        raise SpectrumError(f"The gzip file has more than {MAX_MEMBERS} parts.", remedy="Compress it again.")
    if not content:
        raise SpectrumError("The file is empty.")
    return content


def _damaged_gzip() -> SpectrumError:
    return SpectrumError("The file is gzipped but damaged or cut short.", remedy="Download it again.")
