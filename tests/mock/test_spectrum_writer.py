"""MOCK spec-lite files: layout of real files, readable by astropy, specutils and astroquery."""

import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from stellar_core.errors import SpectrumError
from stellar_core.mock.spectrum_writer import BRIGHTSKY, NODATA, write_spec_lite
from stellar_core.mock.survey import EDITION, MockSurvey
from stellar_core.sdss.readers import read_spectrum
from stellar_core.spectrum import Spectrum

#: A plate of each spectrograph, and a real file of it.
PLATES = {"SDSS": (16002, "spec-0266-51602-0031.fits"), "BOSS": (16003, "spec-7339-57544-0733.fits")}
INSTRUMENTS = pytest.mark.parametrize("instrument", PLATES)


@pytest.fixture(scope="module")
def frames():
    survey = MockSurvey()
    return {name: survey.frame(survey.star_ids(plate)[5]) for name, (plate, _) in PLATES.items()}


@pytest.fixture(scope="module")
def paths(frames, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    return {
        name: write_spec_lite(frame.spectrum, folder / f"spec-{frame.spectrum.name}.fits", frame.wdisp, frame.sky)
        for name, frame in frames.items()
    }


@INSTRUMENTS
def test_our_reader_returns_the_same_star(frames, paths, instrument):
    spectrum, again = frames[instrument].spectrum, read_spectrum(paths[instrument])
    assert again.name == spectrum.name and again.source == "mock"
    assert again.redshift == pytest.approx(spectrum.redshift, rel=1e-6)
    assert np.allclose(again.wavelength, spectrum.wavelength, rtol=6e-7)  # loglam is float32
    assert np.allclose(again.flux, spectrum.flux, rtol=1e-6) and np.allclose(again.ivar, spectrum.ivar, rtol=1e-6)
    assert np.array_equal(again.good, spectrum.good)
    for name in ("psf_mag", "psf_mag_err", "extinction", "model_mag"):
        assert getattr(again.photometry, name) == pytest.approx(getattr(spectrum.photometry, name), abs=1e-4)
    for key in ("plate", "mjd", "fiber", "run2d", "specobjid", "class", "subclass", "zwarning", "instrument"):
        assert again.meta[key] == spectrum.meta[key], key
    assert again.meta["instrument"] == instrument
    assert not list(paths[instrument].parent.glob("*.tmp"))


@INSTRUMENTS
def test_layout_of_real_files(paths, instrument, shared_data):
    from astropy.io import fits

    real_path = shared_data / "sdss" / PLATES[instrument][1]
    with fits.open(paths[instrument]) as mock, fits.open(real_path) as real:
        mock.verify("exception")
        assert [hdu.name for hdu in mock] == [hdu.name for hdu in real[:4]]
        assert mock[1].data.dtype == real[1].data.dtype
        assert mock[3].data.dtype.names == real[3].data.dtype.names
        shared = [name for name in mock[2].columns.names if name in real[2].columns.names]
        assert len(shared) > 16 and ("INSTRUMENT" in shared) == (instrument == "SDSS")
        for name in shared:
            ours, theirs = mock[2].columns[name], real[2].columns[name]
            if name != "RUN2D":
                assert (ours.format, ours.bzero) == (theirs.format, theirs.bzero), name
        assert set(mock[2].columns.names) - set(shared) <= {
            f"{kind}{value}" for kind in ("PSF", "MODEL") for value in ("FLUX", "FLUX_IVAR", "MAG", "MAGERR")
        } | {"EXTINCTION"}
        assert mock[0].header["MOCKEDIT"] == EDITION
        assert mock[0].header["MOCK"] is True and str(mock[2].data["PROGRAMNAME"][0]).strip() == "MOCK"
        for key in ("PLATEID", "MJD", "FIBERID", "COEFF0", "COEFF1", "BUNIT", "PLUG_RA", "VERS2D", "VACUUM", "DC-FLAG"):
            assert key in mock[0].header and key in real[0].header


@INSTRUMENTS
def test_astropy_would_write_the_same_bytes(paths, tmp_path, instrument):
    from astropy.io import fits

    with fits.open(paths[instrument]) as hdus:
        columns = {hdu.name: [hdu.data[name].copy() for name in hdu.columns.names] for hdu in hdus[1:]}
        tables = [
            fits.BinTableHDU.from_columns(
                [fits.Column(c.name, c.format, bzero=c.bzero, array=v) for c, v in zip(hdu.columns, columns[hdu.name])],
                name=hdu.name,
            )
            for hdu in hdus[1:]
        ]
        fits.HDUList([fits.PrimaryHDU(header=hdus[0].header), *tables]).writeto(tmp_path / "again.fits")
    assert (tmp_path / "again.fits").read_bytes() == paths[instrument].read_bytes()


@pytest.mark.parametrize(
    ("name", "instrument"),
    [
        ("spec-0266-51602-0031.fits", "SDSS"),
        ("spec-0267-51608-0217.fits", "SDSS"),
        ("spec-7339-57544-0733.fits", "BOSS"),
        ("spec-7457-56746-0953.fits", "BOSS"),
    ],
)
def test_instrument_of_real_files(shared_data, name, instrument):
    """A SPECOBJ row, a bare coadd of each spectrograph, and a SPALL row."""
    assert read_spectrum(shared_data / "sdss" / name).meta["instrument"] == instrument


def test_the_row_overrides_the_plate_for_the_instrument(paths):
    """MOCK plates lie above BOSS's first, also those of the SDSS spectrograph."""
    from astropy.io import fits

    with fits.open(paths["SDSS"]) as hdus:
        assert hdus[2].data["INSTRUMENT"][0] == "SDSS" and hdus[2].data["PLATE"][0] > 3510
        assert int(hdus[2].data["SPECOBJID"][0]) > 1 << 63
    with fits.open(paths["BOSS"]) as hdus:
        assert hdus[2].data["SPECOBJID"][0] == int(read_spectrum(paths["BOSS"]).meta["specobjid"])


def test_masks(paths):
    from astropy.io import fits

    with fits.open(paths["SDSS"]) as hdus:
        data = hdus[1].data
        assert np.array_equal((data["and_mask"] & NODATA) > 0, data["ivar"] == 0)
        line = np.argmin(np.abs(10.0 ** data["loglam"] - 5578.9))
        assert data["or_mask"][line] & BRIGHTSKY
        assert np.mean((data["or_mask"] & BRIGHTSKY) > 0) < 0.3
        assert 0.5 < np.median(data["wdisp"]) < 1.5 and np.median(data["sky"]) > 1


def test_incomplete_spectra_are_refused(frames, tmp_path):
    spectrum = frames["SDSS"].spectrum
    nameless = Spectrum(spectrum.wavelength, spectrum.flux, spectrum.ivar)
    with pytest.raises(SpectrumError, match="plate, mjd"):
        write_spec_lite(nameless, tmp_path / "a.fits")
    uneven = Spectrum(np.linspace(4000, 5000, 100), np.ones(100), np.ones(100), meta=spectrum.meta)
    with pytest.raises(SpectrumError, match="1e-4"):
        write_spec_lite(uneven, tmp_path / "a.fits")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*multiple slashes")
@INSTRUMENTS
@pytest.mark.parametrize("options", [{}, {"format": "SDSS-III/IV spec"}], ids=["identified", "named"])
def test_specutils_reads_them(frames, paths, instrument, options):
    """specutils finds the format by itself, by TELESCOP and VERS2D, and reads flux, errors and units."""
    from specutils import Spectrum as Spectrum1D

    found, ours = Spectrum1D.read(paths[instrument], **options), frames[instrument].spectrum
    assert found.flux.unit.to("erg / (s cm2 Angstrom)") == pytest.approx(1e-17)
    assert np.allclose(found.flux.value, ours.flux, rtol=1e-6)
    assert np.allclose(found.spectral_axis.to_value("Angstrom"), ours.wavelength, rtol=1e-6)
    assert np.allclose(found.uncertainty.array, ours.ivar, rtol=1e-6)
    assert np.all(found.mask[~ours.good])
    assert found.meta["header"]["MOCK"] is True


class Archive(BaseHTTPRequestHandler):
    """Server for the requests of astroquery: one row of SpecObj, and files by their path in the archive."""

    def __init__(self, files: dict[str, Path], asked: list[str], *arguments):
        self.files, self.asked = files, asked
        super().__init__(*arguments)

    def do_GET(self):
        self.asked.append(self.path)
        place, _, _ = self.path.partition("?")
        name = place.rsplit("/", 1)[-1]
        if place.endswith("x_results.aspx"):
            plate, mjd, fiber = next(iter(self.files)).removesuffix(".fits").split("-")[1:]
            self.respond(200, f"#Table1\nrun2d,plate,mjd,fiberID\nv5_13_2,{plate},{mjd},{int(fiber)}\n".encode())
        elif name in self.files and "/v5_13_2/spectra/" in place:
            self.respond(200, self.files[name].read_bytes())
        else:
            self.respond(404, b"")

    def respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Nothing on standard error."""


@pytest.fixture
def archive(monkeypatch):
    """Serves one file in SDSS's place; gives the addresses that were asked for."""
    from astroquery.sdss import conf

    servers = []

    def serve(path: Path) -> list[str]:
        asked: list[str] = []
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Archive, {path.name: path}, asked))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        base = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(conf, "sas_baseurl", f"{base}/sas")
        monkeypatch.setattr(conf, "skyserver_baseurl", base)
        return asked

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.filterwarnings("ignore:Field info are not available")
@INSTRUMENTS
def test_astroquery_fetches_them(frames, paths, archive, instrument):
    """`SDSS.get_spectra` by plate, MJD and fiber: query, address, download and reader are astroquery's own."""
    from astroquery.sdss import SDSS

    asked, ours = archive(paths[instrument]), frames[instrument].spectrum
    meta = ours.meta
    found = SDSS.get_spectra(
        plate=meta["plate"], mjd=meta["mjd"], fiberID=meta["fiber"], data_release=17, cache=False, show_progress=False
    )
    assert len(found) == 1 and f"{meta['plate']}" in asked[-2]
    assert asked[-1] == f"/sas/dr17/sdss/spectro/redux/v5_13_2/spectra/full/{meta['plate']}/spec-{ours.name}.fits"
    hdus = found[0]
    assert [hdu.name for hdu in hdus] == ["PRIMARY", "COADD", "SPALL" if instrument == "BOSS" else "SPECOBJ", "SPZLINE"]
    assert np.allclose(hdus[1].data["flux"], ours.flux, rtol=1e-6)
    assert hdus[2].data["Z"][0] == pytest.approx(ours.redshift, rel=1e-6) and hdus[2].data["CLASS"][0] == "STAR"


@INSTRUMENTS
def test_astroquery_opens_them_from_disk(frames, paths, instrument):
    """Its container of downloaded files, given a path."""
    from astroquery.utils.commons import FileContainer

    hdus = FileContainer(str(paths[instrument]), encoding="binary", cache=False).get_fits()
    assert np.allclose(
        10.0 ** hdus[1].data["loglam"].astype(float), frames[instrument].spectrum.wavelength, rtol=6e-7
    )  # loglam is float32
    assert hdus[0].header["PLATEID"] == frames[instrument].spectrum.meta["plate"]
