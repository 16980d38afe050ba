"""Files of all kinds: the good, the odd and the hostile."""

from __future__ import annotations

import gzip
import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from stellar_core.errors import SpectrumError, StellarError
from stellar_core.preprocessing.spectra import prepare
from stellar_core.sdss.readers import MAX_BYTES, read_spectrum
from stellar_core.spectral_lines import air_to_vacuum

LOGLAM = (3.58 + 1e-4 * np.arange(3842)).astype(np.float32)
WAVE = 10.0 ** LOGLAM.astype(np.float64)
FLUX = 20 + 5 * np.sin(WAVE / 50)
TEXT_WAVE = np.arange(3800.0, 9200.0, 2.0)
TEXT_FLUX = 20 + 5 * np.sin(TEXT_WAVE / 50)

pytestmark = pytest.mark.filterwarnings("error")


def coadd(upper: bool = False, **changes: np.ndarray) -> fits.BinTableHDU:
    """The COADD extension of a spec file."""
    arrays = {
        "flux": FLUX.astype(np.float32),
        "loglam": LOGLAM,
        "ivar": np.full(LOGLAM.size, 4.0, np.float32),
        "and_mask": np.full(LOGLAM.size, 1 << 23, np.int32),
        "or_mask": np.zeros(LOGLAM.size, np.int32),
        "model": (FLUX + 1).astype(np.float32),
        **changes,
    }
    formats = {"i": "J", "f": "E", "U": "8A"}
    columns = [
        fits.Column(name=name.upper() if upper else name, format=formats[array.dtype.kind], array=array)
        for name, array in arrays.items()
    ]
    return fits.BinTableHDU.from_columns(columns, name="COADD")


def row(upper: bool = True, name: str = "SPECOBJ", **values: object) -> fits.BinTableHDU:
    """A catalogue row as second extension."""
    columns = []
    for key, value in values.items():
        array = np.atleast_1d(value)
        code = {"i": "J", "f": "D"}.get(array.dtype.kind, "20A")
        columns.append(
            fits.Column(
                name=key.upper() if upper else key,
                format=f"{array.size}{code}" if array.size > 1 else code,
                array=[value],
            )
        )
    return fits.BinTableHDU.from_columns(columns, name=name)


def as_bytes(*hdus: fits.BinTableHDU, primary: fits.PrimaryHDU | None = None) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList([primary or fits.PrimaryHDU(), *hdus]).writeto(buffer)
    return buffer.getvalue()


LEGACY_ROW = {
    "plate": 266,
    "mjd": 51602,
    "fiberid": 31,
    "run2d": "26",
    "z": 3e-4,
    "zwarning": 4,
    "class": "STAR",
    "subclass": "F5",
    "sn_median_all": 21.5,
    "plug_ra": 147.3,
    "plug_dec": -0.01,
    "spectroflux": np.arange(5.0),
    "elodie_teff": 5000.0,
    "elodie_logg": 4.0,
    "elodie_feh": -1.0,
}
BOSS_ROW = {
    "plate": 4055,
    "mjd": 55359,
    "fiberid": 408,
    "run2d": "v5_7_0",
    "z": -2e-4,
    "zwarning": 0,
    "class": "STAR",
    "psfflux": np.array([1.3046993, 5.78908, 6.837976, 5.3192024, 6.6223717]),
    "psfflux_ivar": np.array([13.249601, 35.77509, 24.474424, 13.158047, 1.104767]),
    "modelflux": np.array([1.3045634, 5.6872826, 6.77417, 5.2645197, 6.5876293]),
    "modelflux_ivar": np.array([12.37275, 41.01389, 24.199213, 13.429429, 1.0564913]),
    "extinction": np.array([0.5185591, 0.4040577, 0.27952525, 0.20771722, 0.15450345]),
}


def table(*columns: np.ndarray, header: str = "", delimiter: str = ",") -> bytes:
    lines = [header] if header else []
    lines += [delimiter.join(f"{value:.8g}" for value in values) for values in zip(*columns)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("upper", [False, True])
def test_lite_file(upper):
    spectrum = read_spectrum(as_bytes(coadd(upper), row(upper, **LEGACY_ROW)))
    np.testing.assert_array_equal(spectrum.wavelength, WAVE)
    np.testing.assert_allclose(spectrum.flux, FLUX, rtol=1e-6)
    assert spectrum.name == "0266-51602-0031" and spectrum.source == "upload"
    assert spectrum.redshift == pytest.approx(3e-4) and spectrum.notes == () and spectrum.has_errors
    assert spectrum.photometry is None, "SPECTROFLUX is no PSF photometry"
    assert spectrum.meta["specobjid"] == "299497923312379904"
    assert spectrum.meta["zwarning"] == 4 and spectrum.meta["class"] == "STAR" and spectrum.meta["subclass"] == "F5"
    assert spectrum.meta["sn_median"] == pytest.approx(21.5) and spectrum.meta["instrument"] == "SDSS"
    assert spectrum.meta["ra"] == pytest.approx(147.3)
    np.testing.assert_allclose(spectrum.model, FLUX + 1, rtol=1e-6)


def test_labels_never_reach_the_spectrum():
    spectrum = read_spectrum(as_bytes(coadd(), row(**LEGACY_ROW, teffadop=5500.0)))
    assert not [key for key in spectrum.meta if any(word in key for word in ("elodie", "teff", "logg", "feh"))]


def test_ivar_is_the_mask_and_and_mask_is_not():
    ivar = np.full(LOGLAM.size, 4.0, np.float32)
    ivar[100:200] = 0
    ivar[300] = np.nan
    flux = FLUX.astype(np.float32)
    flux[400] = np.inf
    spectrum = read_spectrum(as_bytes(coadd(ivar=ivar, flux=flux)))
    bad = np.zeros(LOGLAM.size, bool)
    bad[100:200] = bad[300] = bad[400] = True
    np.testing.assert_array_equal(~spectrum.good, bad)
    assert np.all(np.isfinite(spectrum.flux))


def test_boss_row_gives_asinh_photometry_by_place_not_by_name():
    spectrum = read_spectrum(as_bytes(coadd(), row(name="ANYTHING", **BOSS_ROW)))
    photometry = spectrum.photometry
    # PSFMAG, PSFMAGERR and MODELMAG of this object in the survey's own file.
    np.testing.assert_allclose(photometry.psf_mag, [22.198933, 20.593214, 20.412348, 20.684143, 20.434156], atol=2e-5)
    np.testing.assert_allclose(
        photometry.psf_mag_err, [0.22352949, 0.03134112, 0.03207548, 0.05614224, 0.15222713], rtol=1e-4
    )
    np.testing.assert_allclose(photometry.model_mag, [22.199043, 20.612467, 20.42252, 20.695335, 20.43973], atol=2e-5)
    np.testing.assert_allclose(photometry.extinction, BOSS_ROW["extinction"])
    assert photometry.complete and spectrum.meta["run2d"] == "v5_7_0" and spectrum.meta["instrument"] == "BOSS"


def test_missing_photometry_is_none_and_a_missing_band_is_nan():
    nothing = {**BOSS_ROW, "psfflux": np.zeros(5), "psfflux_ivar": np.zeros(5)}
    assert read_spectrum(as_bytes(coadd(), row(**nothing))).photometry is None
    partly = {**BOSS_ROW, "psfflux_ivar": np.array([0.0, 1, 1, 1, 1])}
    photometry = read_spectrum(as_bytes(coadd(), row(**partly))).photometry
    assert np.isnan(photometry.psf_mag[0]) and np.isfinite(photometry.psf_mag[1:]).all() and not photometry.complete


def test_coadd_only_file_has_no_redshift_but_its_name_from_the_header():
    primary = fits.PrimaryHDU()
    primary.header.update(PLATEID=267, MJD=51608, FIBERID=217, RA=147.0)
    spectrum = read_spectrum(as_bytes(coadd(), primary=primary))
    assert spectrum.redshift is None and spectrum.name == "0267-51608-0217"
    assert "specobjid" not in spectrum.meta, "the reduction is unknown"
    assert "ra" not in spectrum.meta, "RA of the header is the telescope's"


@pytest.mark.parametrize(
    ("stated", "note_text"),
    [
        ({"PLATEID": 266, "MJD": 51602, "FIBERID": 31}, None),
        ({"PLATEID": 267, "MJD": 51608, "FIBERID": 217}, "0267-51608-0217"),
        ({"FIBERID": 32}, "?-?-0032"),
        ({"MJD": 0, "PLATEID": 266}, None),
    ],
)
def test_a_header_that_names_another_star_than_the_row_gives_a_note(stated, note_text):
    primary = fits.PrimaryHDU()
    primary.header.update(stated)
    spectrum = read_spectrum(as_bytes(coadd(), row(**LEGACY_ROW), primary=primary))
    assert spectrum.name == "0266-51602-0031"
    assert len(spectrum.notes) == (note_text is not None)
    assert note_text is None or note_text in spectrum.notes[0] and "0266-51602-0031" in spectrum.notes[0]


def test_the_name_comes_from_the_file_name_where_the_file_has_none(tmp_path):
    path = tmp_path / "spec-0267-51608-0217.fits"
    path.write_bytes(as_bytes(coadd()))
    assert read_spectrum(path).name == "0267-51608-0217"
    assert read_spectrum(str(path)).meta["plate"] == 267
    with path.open("rb") as handle:
        assert read_spectrum(handle).name == "0267-51608-0217"
    assert read_spectrum(as_bytes(coadd()), name="mine.fits").name == "mine.fits"


def test_spectra_of_mock_plates_are_marked_mock():
    mock = {**LEGACY_ROW, "plate": 16001, "run2d": "v5_13_2"}
    assert read_spectrum(as_bytes(coadd(), row(**mock))).source == "mock"


def test_gzip_and_content_over_ending(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(as_bytes(coadd(), row(**LEGACY_ROW))))
    assert read_spectrum(path).name == "0266-51602-0031"
    path = tmp_path / "spectrum.fits"
    path.write_bytes(table(TEXT_WAVE, TEXT_FLUX, TEXT_FLUX * 0 + 0.5, header="wave,flux,err"))
    np.testing.assert_allclose(read_spectrum(path).ivar, 4.0)


def test_fill_redshift_is_ignored_with_a_note():
    spectrum = read_spectrum(as_bytes(coadd(), row(**{**LEGACY_ROW, "z": -9999.0})))
    assert spectrum.redshift is None and "ignored" in spectrum.notes[0]


@pytest.mark.parametrize(
    ("wave_name", "flux_name", "error_name", "error"),
    [
        ("wavelength", "flux", "ivar", 4.0),
        ("Wave", "FLAM", "err", 0.5),
        ("lambda", "f_lambda", "sigma", 0.5),
        ("lam", "Flux_Density", "e_flux", 0.5),
        ("WL", "fluxes", "variance", 0.25),
        ("Wavelength [Angstrom]", "Flux (erg/s)", "Flux Error", 0.5),
        ("vacuum_wavelength", "norm_flux", "std", 0.5),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_aliases_and_delimiters(wave_name, flux_name, error_name, error, delimiter):
    names = [wave_name, flux_name, error_name]
    if delimiter == " ":
        names = [name.replace(" [Angstrom]", "").replace(" (erg/s)", "").replace(" ", "_") for name in names]
    data = table(
        TEXT_WAVE, TEXT_FLUX, np.full(TEXT_WAVE.size, error), header=delimiter.join(names), delimiter=delimiter
    )
    spectrum = read_spectrum(data, medium="vacuum")
    np.testing.assert_allclose(spectrum.wavelength, TEXT_WAVE, rtol=1e-7)
    np.testing.assert_allclose(spectrum.flux, TEXT_FLUX, rtol=1e-6)
    np.testing.assert_allclose(spectrum.ivar, 4.0)
    assert spectrum.has_errors and spectrum.notes == ()


@pytest.mark.parametrize(
    ("factor", "unit", "guess"),
    [(1.0, "Angstrom", None), (0.1, "nm", "nm"), (1e-4, "micron", "micron"), (1e-4, "um", "micron")],
)
def test_units_are_given_stated_or_inferred(factor, unit, guess):
    bare = table(TEXT_WAVE * factor, TEXT_FLUX, header="wave,flux")
    titled = table(TEXT_WAVE * factor, TEXT_FLUX, header=f"wave [{unit}],flux")
    for data, given_unit in ((bare, unit), (titled, None), (bare, None)):
        spectrum = read_spectrum(data, wavelength_unit=given_unit, medium="vacuum")
        np.testing.assert_allclose(spectrum.wavelength, TEXT_WAVE, rtol=1e-6)
    assert any("assumed to be in" in note and guess in note for note in spectrum.notes) == (guess is not None)


def test_log_wavelengths_are_recognised_by_name_and_by_value():
    for title in ("loglam", "wave"):
        spectrum = read_spectrum(table(np.log10(TEXT_WAVE), TEXT_FLUX, header=f"{title},flux"))
        np.testing.assert_allclose(spectrum.wavelength, TEXT_WAVE, rtol=1e-6)
    assert any("log10" in note for note in spectrum.notes)


def test_air_by_argument_or_comment_else_vacuum():
    data = table(TEXT_WAVE, TEXT_FLUX, header="wave,flux")
    np.testing.assert_allclose(read_spectrum(data, medium="air").wavelength, air_to_vacuum(TEXT_WAVE))
    note_text = read_spectrum(b"# Wavelengths in air\n" + data)
    np.testing.assert_allclose(note_text.wavelength, air_to_vacuum(TEXT_WAVE))
    assert any("converted" in note for note in note_text.notes)
    assumed = read_spectrum(data)
    np.testing.assert_array_equal(assumed.wavelength, TEXT_WAVE)
    assert any("vacuum wavelengths are assumed" in note for note in assumed.notes)
    with pytest.raises(SpectrumError, match="not a medium"):
        read_spectrum(data, medium="water")


def test_missing_errors_are_estimated_with_a_note():
    rng = np.random.default_rng(6)
    noisy = TEXT_FLUX + rng.normal(0, 0.5, TEXT_WAVE.size)
    spectrum = read_spectrum(table(TEXT_WAVE, noisy, header="wave,flux"), medium="vacuum")
    assert not spectrum.has_errors and any("estimated" in note for note in spectrum.notes)
    assert np.median(spectrum.ivar) ** -0.5 == pytest.approx(0.5, rel=0.1)


def test_no_titles_comment_titles_and_redshift():
    plain = read_spectrum(table(TEXT_WAVE, TEXT_FLUX, TEXT_FLUX * 0 + 0.5, delimiter="  "))
    assert any("no column titles" in note for note in plain.notes)
    np.testing.assert_allclose(plain.ivar, 4.0)
    comment = b"# z = 0.0004\n# flux ivar wave\n" + table(TEXT_FLUX, TEXT_FLUX * 0 + 4, TEXT_WAVE, delimiter=" ")
    spectrum = read_spectrum(comment)
    np.testing.assert_allclose(spectrum.wavelength, TEXT_WAVE)
    assert spectrum.redshift == pytest.approx(0.0004)


def test_columns_can_be_chosen_by_name_or_number():
    data = table(TEXT_FLUX, TEXT_WAVE, TEXT_FLUX * 2, header="one,two,three")
    spectrum = read_spectrum(data, columns={"wavelength": "two", "flux": 2})
    np.testing.assert_allclose(spectrum.flux, TEXT_FLUX * 2, rtol=1e-6)
    with pytest.raises(SpectrumError, match="no column 'four'"):
        read_spectrum(data, columns={"wavelength": "two", "flux": "four"})


def test_single_fill_values_do_not_change_the_unit():
    wave, flux = TEXT_WAVE.copy(), TEXT_FLUX.copy()
    wave[7], flux[9], flux[11] = 1e308, 1e300, -np.inf
    spectrum = read_spectrum(table(wave, flux, TEXT_FLUX * 0 + 0.5, header="wave,flux,err"))
    assert spectrum.wavelength.size == TEXT_WAVE.size - 1 and np.count_nonzero(~spectrum.good) == 2
    assert np.all(np.isfinite(prepare(spectrum).flux))


def test_descending_repeated_and_broken_rows_are_corrected_with_notes():
    wave = np.concatenate([TEXT_WAVE[::-1], TEXT_WAVE[:3]])
    flux = np.concatenate([TEXT_FLUX[::-1], TEXT_FLUX[:3]])
    lines = table(wave, flux, header="wave,flux").decode().split("\n")
    lines[5] = "n/a,3"
    lines[6] = lines[6].split(",")[0] + ",bad"
    spectrum = read_spectrum("\n".join(lines).encode())
    note_text = " ".join(spectrum.notes)
    assert "sorted" in note_text and "repeat" in note_text and "without a wavelength" in note_text
    assert np.all(np.diff(spectrum.wavelength) > 0)
    assert spectrum.wavelength.size == TEXT_WAVE.size - 1 and np.count_nonzero(~spectrum.good) == 1


def test_decimal_commas():
    data = table(TEXT_WAVE, TEXT_FLUX, header="wave;flux", delimiter=";").replace(b".", b",")
    np.testing.assert_allclose(read_spectrum(data).flux, TEXT_FLUX, rtol=1e-6)


def test_other_fits_layouts():
    wave = fits.Column(name="Wavelength", format="D", unit="nm", array=TEXT_WAVE / 10)
    generic = fits.BinTableHDU.from_columns([wave, fits.Column(name="Flux", format="D", array=TEXT_FLUX)])
    np.testing.assert_allclose(read_spectrum(as_bytes(generic)).wavelength, TEXT_WAVE)
    odd = fits.BinTableHDU.from_columns(
        [fits.Column(name="A1", format="D", array=TEXT_WAVE), fits.Column(name="B2", format="D", array=TEXT_FLUX)]
    )
    np.testing.assert_allclose(read_spectrum(as_bytes(odd), columns={"wavelength": "A1", "flux": 1}).flux, TEXT_FLUX)
    with pytest.raises(SpectrumError, match="'A1', 'B2'"):
        read_spectrum(as_bytes(odd), columns={"wavelength": "A1", "flux": "C3"})
    n = TEXT_WAVE.size
    cells = fits.BinTableHDU.from_columns(
        [
            fits.Column(name="FLUX", format=f"{n}D", array=[TEXT_FLUX]),
            fits.Column(name="IVAR", format=f"{n}D", array=[TEXT_FLUX * 0 + 4]),
            fits.Column(name="WAVELENGTH", format=f"{n}D", array=[TEXT_WAVE]),
        ]
    )
    np.testing.assert_allclose(read_spectrum(as_bytes(cells)).ivar, 4.0)
    stack = fits.PrimaryHDU(np.stack([FLUX, FLUX * 0 + 4, WAVE]).astype(np.float32))
    stack.header.update(TELESCOP="LAMOST", COEFF0=3.58, COEFF1=1e-4, Z=1e-4, CLASS="STAR")
    lamost = read_spectrum(as_bytes(primary=stack))
    np.testing.assert_allclose(lamost.wavelength, WAVE, rtol=1e-6)
    assert lamost.redshift == pytest.approx(1e-4) and lamost.meta["class"] == "STAR"
    assert lamost.meta["instrument"] == "LAMOST" and lamost.flux_calibration == "other"
    image = fits.PrimaryHDU(TEXT_FLUX)
    image.header.update(CRVAL1=3800.0, CDELT1=2.0, CRPIX1=1.0, CTYPE1="AWAV", CUNIT1="Angstrom")
    np.testing.assert_allclose(read_spectrum(as_bytes(primary=image)).wavelength, air_to_vacuum(TEXT_WAVE))


@pytest.mark.parametrize(
    ("stated", "instrument", "calibration"),
    [
        ({"TELESCOP": "ESO-VLT-U2", "INSTRUME": "XSHOOTER"}, "XSHOOTER", "other"),
        ({"SURVEY": "main", "ORIGIN": "DESI"}, "DESI", "other"),
        ({"TELESCOP": "SDSS 2.5-M"}, "SDSS", "SDSS"),
        ({"TELESCOP": 7.5}, "7.5", "other"),
        ({}, None, "unknown"),
    ],
)
def test_the_header_names_the_instrument_of_a_file_without_a_plate(stated, instrument, calibration):
    image = fits.PrimaryHDU(TEXT_FLUX)
    image.header.update(CRVAL1=3800.0, CDELT1=2.0, CRPIX1=1.0, **stated)
    spectrum = read_spectrum(as_bytes(primary=image))
    assert spectrum.meta.get("instrument") == instrument and spectrum.flux_calibration == calibration


def no_flux() -> bytes:
    return table(TEXT_WAVE, TEXT_FLUX, header="wavelength,brightness")


HOSTILE = {
    "empty": (lambda: b"", "empty"),
    "blank": (lambda: b"  \n \n", "no rows"),
    "prose named .fits": (lambda: b"Dear all,\nthe spectrum is not attached.\nBest wishes\n", "no numbers|column"),
    "one line": (lambda: b"hello world", "no rows of numbers"),
    "html": (lambda: b"<html><body><h1>503</h1>\n<p>Service</p>\n</body></html>", "no numbers|column|rows"),
    "binary": (lambda: bytes(range(256)) * 40, "neither FITS nor a text"),
    "png": (lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(100), "neither FITS nor a text"),
    "zip": (lambda: b"PK\x03\x04" + bytes(100), "zip"),
    "25 MB": (lambda: b"0" * 25_000_000, "larger than 20 MB"),
    "gzip of nothing": (lambda: gzip.compress(b""), "empty"),
    "gzip cut": (lambda: gzip.compress(as_bytes(coadd()))[:5000], "gzipped but damaged"),
    "gzip bomb": (lambda: gzip.compress(bytes(90_000_000), 1), "unpacks to more"),
    "truncated in data": (lambda: as_bytes(coadd())[:40_000], "cut short"),
    "truncated in header": (lambda: as_bytes(coadd())[:4000], "cut short|damaged|no table"),
    "only SIMPLE": (lambda: b"SIMPLE  =                    T", "damaged|no table"),
    "primary only": (lambda: as_bytes(), "no table and no image"),
    "image only": (lambda: as_bytes(primary=fits.PrimaryHDU(np.zeros((30, 30)))), "no table and no image"),
    "other table": (lambda: as_bytes(row(**LEGACY_ROW)), "no wavelength and flux columns"),
    "strings in the flux": (lambda: as_bytes(coadd(flux=np.full(LOGLAM.size, "bad"))), "no wavelength and flux"),
    "nan flux": (lambda: as_bytes(coadd(flux=np.full(LOGLAM.size, np.nan, np.float32))), "flux"),
    "zero ivar": (lambda: as_bytes(coadd(ivar=np.zeros(LOGLAM.size, np.float32))), "usable"),
    "csv without flux": (no_flux, "no flux column.*'wavelength', 'brightness'"),
    "csv without wavelength": (lambda: table(TEXT_WAVE, TEXT_FLUX, header="pixel,flux"), "no wavelength column"),
    "csv of nan": (lambda: table(TEXT_WAVE, TEXT_FLUX * np.nan, header="wave,flux"), "no number"),
    "one column": (lambda: table(TEXT_FLUX), "one column"),
    "five rows": (lambda: table(TEXT_WAVE[:5], TEXT_FLUX[:5], header="wave,flux"), "usable numbers"),
    "too many rows": (lambda: table(np.arange(30000.0), np.ones(30000)), "30000 rows"),
    "strange unit": (lambda: table(TEXT_WAVE * 1e6, TEXT_FLUX, header="wave,flux"), "fits no known unit"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_get_one_sentence(kind):
    make, words = HOSTILE[kind]
    with pytest.raises(SpectrumError, match=words) as caught:
        read_spectrum(make(), name="star.fits")
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_files_that_do_not_exist(tmp_path):
    with pytest.raises(SpectrumError, match="no file"):
        read_spectrum(tmp_path / "absent.fits")
    with pytest.raises(SpectrumError, match="cannot be read"):
        read_spectrum(tmp_path)
    with pytest.raises(SpectrumError, match="cannot be read"):
        read_spectrum("a\0b")
    big = tmp_path / "big.fits"
    with big.open("wb") as handle:
        handle.truncate(MAX_BYTES * 2)
    with pytest.raises(SpectrumError, match="larger than"):
        read_spectrum(big)
    with pytest.raises(SpectrumError, match="binary mode"):
        read_spectrum(io.StringIO("wave,flux"))


def test_short_coverage_is_read_and_then_refused_by_preparation():
    short = (TEXT_WAVE > 5000) & (TEXT_WAVE < 5200)
    spectrum = read_spectrum(table(TEXT_WAVE[short], TEXT_FLUX[short], header="wave,flux"))
    with pytest.raises(SpectrumError, match="at least 1000"):
        prepare(spectrum)


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_spectrum_or_one_sentence(data):
    for content in (data, b"SIMPLE  =" + data):
        try:
            read_spectrum(content)
        except SpectrumError as error:
            assert "\n" not in str(error)


@given(st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_any_damaged_fits_file_gives_a_spectrum_or_one_sentence(seed):
    rng = np.random.default_rng(seed)
    data = bytearray(INTACT)
    for _ in range(rng.integers(1, 20)):
        data[rng.integers(6, 20000)] = rng.choice(list(b"0123456789 'EDJKT=-\xff"))
    if rng.random() < 0.3:
        del data[rng.integers(6, len(data)) :]
    try:
        read_spectrum(bytes(data))
    except SpectrumError as error:
        assert "\n" not in str(error)


INTACT = as_bytes(coadd(), row(**LEGACY_ROW))


def test_every_real_file_is_read_and_prepared_or_refused(shared_data: Path):
    files = sorted((shared_data / "sdss").glob("*.fits"))
    assert len(files) >= 100
    refused = {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in files:
            spectrum = read_spectrum(path)
            assert f"spec-{spectrum.name}.fits" == path.name
            assert 3500 < spectrum.wavelength[0] < 4000 and spectrum.wavelength[-1] > 9000
            assert spectrum.snr > 0 and spectrum.notes == ()
            has_row = "class" in spectrum.meta
            assert (spectrum.redshift is not None) == has_row
            assert (spectrum.photometry is not None) <= has_row
            try:
                prepared = prepare(spectrum)
            except StellarError as error:
                refused[path.name] = str(error)
                continue
            assert np.all(np.isfinite(prepared.flux))
            assert np.median(prepared.flux[prepared.coverage]) == pytest.approx(1, abs=1e-4)
            if spectrum.meta.get("class") in (None, "STAR"):
                assert prepared.covered_fraction > 0.7
    assert len(refused) == 5, refused
    assert all("too large for a star" in reason for reason in refused.values())


@pytest.mark.parametrize("card", ["PCOUNT", "NAXIS2", "GCOUNT"])
def test_a_negative_size_in_a_header_is_refused(card):
    data = bytearray(as_bytes(coadd(), row()))
    at = data.rindex(f"{card:<8}=".encode())
    data[at + 10 : at + 30] = f"{-2880 * 5:20d}".encode()
    with pytest.raises(SpectrumError, match="negative size"):
        read_spectrum(bytes(data))
