"""Identifiers and files of a batch: fetched with retries; transient errors never become results."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stellar_core.batch import identifier_chunk
from stellar_core.batch.identifier_chunk import IdentifierChunk
from stellar_core.errors import StellarError
from stellar_core.network.rate_limit import RateLimit
from stellar_core.network.retries import Retries, TransientError, UnreachableError
from stellar_core.sdss.archive import Archive
from stellar_core.sdss.cache import DiskCache
from stellar_core.sdss.skyserver import SkyServer
from stellar_core.sdss.spectrum_files import SpectrumFiles
from tests.sdss.test_archive import mock_stars
from tests.sdss.test_skyserver import SQL_PAGE


@pytest.fixture()
def star(sdss):
    chosen = mock_stars(sdss)[30]
    sdss.spectra.make([chosen])
    table = sdss.catalogue.mock
    return table[table["specObjID"].astype(str) == chosen.specobjid].iloc[0]


@pytest.fixture()
def asked(sdss, tmp_path, monkeypatch):
    """Answers to texts by the stand-in, of an archive that does not wait long."""
    soon = Retries(attempts=2, first_wait=0.01)
    archive = Archive(
        DiskCache(tmp_path / "cache"),
        SpectrumFiles(timeout=3.0, retries=soon),
        SkyServer(timeout=3.0, limit=RateLimit(None, 10_000), retries=soon),
    )
    monkeypatch.setattr(identifier_chunk, "retrying_archive", lambda: archive)
    return lambda *texts, **options: [entry.spectrum for entry in IdentifierChunk(texts, served=True, **options).read()]


def ways(star) -> list[str]:
    """Texts that name a star."""
    name = f"{int(star.plate):04d}-{int(star.mjd)}-{int(star.fiberID):04d}"
    url = f"https://data.sdss.org/sas/dr17/eboss/spectro/redux/v5_13_2/spectra/lite/{int(star.plate)}/spec-{name}.fits"
    return [
        name,
        str(star.specObjID),
        f"{int(star.plate)} {int(star.fiberID)}",
        f"{star.ra:.6f} {star.dec:.6f}",
        f"spec-{name}.fits",
        url,
    ]


def test_all_identifiers_of_a_star_give_the_same_spectrum(asked, star):
    found = asked(*ways(star))
    assert not [str(one) for one in found if isinstance(one, StellarError)]
    assert {one.name for one in found} == {found[0].name}
    assert all(one.photometry is not None and one.meta["sspp_flag"] == found[0].meta["sspp_flag"] for one in found)


@pytest.mark.parametrize("way", range(6))
def test_a_star_without_its_catalogue_row_is_a_transient_error(asked, sdss, star, way):
    text = ways(star)[way]
    sdss.replies[SQL_PAGE] = (503, "text/html", b"<html>busy</html>")
    assert isinstance(asked(text)[0], TransientError)
    sdss.forget()
    assert asked(text)[0].photometry is not None


def test_an_unreachable_catalogue_is_tried_for_few_stars_and_cached_stars_are_read(asked, sdss, star, monkeypatch):
    name = ways(star)[0]
    asked(name)
    tried = []

    def away(*args, **options):
        tried.append(args)
        raise UnreachableError("SDSS cannot be reached.")

    monkeypatch.setattr(SkyServer, "_ask", away)
    monkeypatch.setattr(SpectrumFiles, "_download", away)
    *lost, kept = asked(*(f"266-51602-{k}" for k in range(1, 101)), name)
    assert all(isinstance(one, UnreachableError) for one in lost)
    assert kept.photometry is not None and len(tried) <= 8 * identifier_chunk.FETCHES


def test_a_visitor_gets_spectra_without_the_catalogue(sdss, star, monkeypatch):
    monkeypatch.setenv("STELLAR_SKYSERVER_URL", "http://127.0.0.1:1")
    (found,) = (entry.spectrum for entry in IdentifierChunk((ways(star)[0],), served=True, visitor=True).read())
    assert found.name == ways(star)[0] and any("catalogue could not be queried" in note for note in found.notes)


def test_a_few_failed_connections_do_not_stop_the_other_stars(asked, sdss, monkeypatch):
    stars = mock_stars(sdss)[40:80]
    sdss.spectra.make(stars)
    real, unlucky = SpectrumFiles._download, {star.name for star in stars[::10]}

    def download(self, path, star):
        if star.name in unlucky:
            raise UnreachableError("SDSS cannot be reached.")
        return real(self, path, star)

    monkeypatch.setattr(SpectrumFiles, "_download", download)
    found = asked(*(star.name for star in stars))
    assert [isinstance(one, UnreachableError) for one in found] == [star.name in unlucky for star in stars]


def test_missing_files_are_not_queried_at_sdss(asked, monkeypatch):
    monkeypatch.setattr(SkyServer, "query", None)
    for text in ("night/spec-0266-51602-0031.fits", "list.csv", "a.fits.gz"):
        assert str(asked(text)[0]).startswith(f"There is no file {text}")


@pytest.fixture()
def file(sdss, star, tmp_path) -> str:
    name = ways(star)[4]
    (path,) = sdss.spectra.folder.rglob(name)
    copied = tmp_path / "night" / name
    copied.parent.mkdir()
    copied.write_bytes(path.read_bytes())
    return str(copied)


def test_files_get_their_catalogue_row_on_request(asked, sdss, star, file):
    known = asked(ways(star)[0])[0]
    plain, with_row = asked(file)[0], asked(file, photometry=True)[0]
    assert "sspp_flag" not in plain.meta and with_row.meta["sspp_flag"] == known.meta["sspp_flag"]
    np.testing.assert_array_equal(with_row.photometry.psf_mag, known.photometry.psf_mag)
    np.testing.assert_array_equal(with_row.flux, plain.flux)


def test_files_need_the_catalogue_only_on_request(asked, sdss, file):
    sdss.replies[SQL_PAGE] = (503, "text/html", b"<html>busy</html>")
    assert isinstance(asked(file, photometry=True)[0], TransientError) and not isinstance(asked(file)[0], StellarError)


def test_a_file_of_another_survey_is_not_queried(asked, file, monkeypatch):
    from astropy.table import Table

    spectrum = asked(file)[0]
    path = file.replace("spec-", "mine-")
    Table({"loglam": np.log10(spectrum.wavelength), "flux": spectrum.flux, "ivar": spectrum.ivar}).write(path)
    monkeypatch.setattr(SkyServer, "query", None)
    np.testing.assert_array_equal(asked(path, photometry=True)[0].flux, spectrum.flux)
    impossible = replace(spectrum, meta={"plate": 99_999_999, "mjd": 51602, "fiber": 1})
    assert identifier_chunk._star_of_file(impossible) is None
