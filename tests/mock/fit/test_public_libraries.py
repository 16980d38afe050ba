"""Public library files, written in the format of their authors and read onto the common grid."""

import csv

import numpy as np
import pytest
from astropy.io import fits

from stellar_core.errors import ParameterError
from stellar_core.mock.fit.library import load_library
from stellar_core.mock.fit.library_folder import Sources, data_folder, gather, read_ck04
from stellar_core.mock.fit.public_libraries import (
    read_boss_templates,
    read_kurucz_standards,
    read_miles,
    read_stelib,
    to_grid,
)
from stellar_core.preprocessing.grid import GRID
from stellar_core.spectral_lines import air_to_vacuum, vacuum_to_air

#: The head and three lines in the layout of paramsMILES_v9.1.txt; the second has no labels, the third the typo of 0221.
MILES_LINE = "{name:<23}{file:<7}{cat:<5}{type:<16}{teff:<6} {logg:<6} {feh:<7}{ref:<5}{libs}\n"


def lines_at(centre: float):
    """A smooth spectrum with one absorption line, as a function of vacuum wavelength."""
    return lambda w: (1 + (w - 5500) / 9000) * (1 - 0.6 * np.exp(-0.5 * ((w - centre) / 2.0) ** 2))


def write_image(path, start, step, count, shape, **words):
    """A spectrum on air wavelengths in the primary image, with a second axis of length 1 as MILES has it."""
    air = start + step * np.arange(count)
    hdu = fits.PrimaryHDU(shape(air_to_vacuum(air))[None].astype(np.float32))
    hdu.header.update({"CRVAL1": start, "CDELT1": step, "CRPIX1": 1.0} | words)
    hdu.writeto(path)


def write_miles(folder, stars):
    """``stars``: rows of (file, name, teff, logg, feh, function of vacuum wavelength)."""
    folder.mkdir()
    text = "MILES stellar library v9.1: name, number, type, parameters\n\n"
    for file, name, teff, logg, feh, shape in stars:
        write_image(folder / f"s{file.replace('.', '1')}.fits", 3500.0, 0.9, 4445, shape)
        text += MILES_LINE.format(
            name=name, file=file, cat="021", type="K2 III", teff=teff, logg=logg, feh=feh, ref="001", libs="LIS"
        )
    (folder / "paramsMILES_v9.1.txt").write_text(text)
    return folder


@pytest.fixture()
def miles(tmp_path):
    return write_miles(
        tmp_path / "miles",
        [
            ("0001", "HD224930", "5305", "4.49", "-0.75", lines_at(5000.0)),
            ("0015", "NGC 7789 971(946) Cl", "--", "--", "--", lines_at(5200.0)),
            ("022.", "HD083632", "4214", "1.00", "-1.39", lines_at(6000.0)),
        ],
    )


def line_of(flux):
    """Where the deepest point lies, by a parabola, A."""
    window = (GRID > 4600) & (GRID < 6900)
    shape = flux[window] / (1 + (GRID[window] - 5500) / 9000)
    low = int(shape.argmin())
    a, b, _ = np.polyfit([-1, 0, 1], shape[low - 1 : low + 2], 2)
    return GRID[window][low] - b / (2 * a)


def test_miles_is_read_in_vacuum_on_the_grid_with_labels(miles):
    first, second, third = read_miles(miles)
    assert (first.source, first.ident, first.name) == ("MILES", "0001", "HD224930")
    assert first.labels == (5305.0, 4.49, -0.75) and np.isnan(second.labels).all()
    assert second.name == "NGC 7789 971(946) Cl" and third.ident == "0221" and third.labels[2] == -1.39
    for star, centre in ((first, 5000.0), (second, 5200.0), (third, 6000.0)):
        assert line_of(star.flux) == pytest.approx(centre, abs=0.1)
        assert np.nanmedian(star.flux[900:3400]) == pytest.approx(1.0)
    covered = GRID[np.isfinite(first.flux)]
    assert covered[0] == 3600 and covered[-1] == np.floor(air_to_vacuum(np.array([3500 + 0.9 * 4444]))[0])


def test_a_missing_file_of_miles_gives_one_sentence(miles):
    (miles / "s0015.fits").unlink()
    with pytest.raises(ParameterError, match="s0015.fits"):
        list(read_miles(miles))
    (miles / "paramsMILES_v9.1.txt").unlink()
    with pytest.raises(ParameterError, match="paramsMILES"):
        list(read_miles(miles))


def test_stelib_takes_labels_from_the_table_or_the_header(tmp_path):
    write_image(tmp_path / "STELIB_v3.2_HD002857.fits", 3200.0, 1.0, 6300, lines_at(5000.0))
    write_image(tmp_path / "HD010700.fits", 3200.0, 0.5, 12600, lines_at(6500.0), TEFF=5300.0, LOGG=4.5, FEH=-0.5)
    (tmp_path / "labels.csv").write_text("name,teff_K,logg_dex,feh_dex\nHD 002857,7611,2.67,\n")
    by_name = {star.name: star for star in read_stelib(tmp_path)}
    assert by_name["HD002857"].labels[:2] == (7611.0, 2.67) and np.isnan(by_name["HD002857"].labels[2])
    assert by_name["HD010700"].labels == (5300.0, 4.5, -0.5)
    assert line_of(by_name["HD010700"].flux) == pytest.approx(6500.0, abs=0.1)
    assert not np.isfinite(by_name["HD002857"].flux[GRID > 9600]).any()


def test_a_logarithmic_axis_is_read_as_one(tmp_path):
    loglam = 3.5 + 1e-4 * np.arange(5200)
    hdu = fits.PrimaryHDU(lines_at(5000.0)(air_to_vacuum(10**loglam)))
    hdu.header.update({"CRVAL1": 3.5, "CD1_1": 1e-4, "DC-FLAG": 1})
    hdu.writeto(tmp_path / "x.fits")
    (star,) = read_stelib(tmp_path)
    assert line_of(star.flux) == pytest.approx(5000.0, abs=0.1)


def test_boss_templates_and_kurucz_standards(tmp_path):
    loglam = 3.5622 + 1e-4 * np.arange(4470)
    for name in ("G2_+0.0_Dwarf", "A1", "K3_-0.5_Giant"):
        columns = [
            fits.Column("LogLam", "E", array=loglam),
            fits.Column("Flux", "E", array=lines_at(5000.0)(10**loglam)),
        ]
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)]).writeto(tmp_path / f"{name}.fits")
    (tmp_path / "labels.csv").write_text("name,teff_K,logg_dex,feh_dex\nG2_+0.0_Dwarf,5800,4.3,\n")
    stars = {star.name: star for star in read_boss_templates(tmp_path)}
    assert set(stars) == {"G2_+0.0_Dwarf", "A1"}
    assert stars["G2_+0.0_Dwarf"].labels == (5800.0, 4.3, 0.0) and np.isnan(stars["A1"].labels).all()
    assert line_of(stars["A1"].flux) == pytest.approx(5000.0, abs=0.1)

    axis = 3.45 + 1e-4 * np.arange(6000)
    image = fits.PrimaryHDU(np.stack([lines_at(5000.0)(10**axis), lines_at(6000.0)(10**axis)]))
    image.header.update({"CRVAL1": 3.45, "CD1_1": 1e-4})
    columns = [fits.Column("MODEL", "20A", array=["am05k2_5000_4.0", "ap00k2_7000_4.5"])]
    columns += [
        fits.Column(n, "E", array=v) for n, v in (("TEFF", [5000, 7000]), ("G", [4.0, 4.5]), ("FEH", [-0.5, 0.0]))
    ]
    path = tmp_path / "kurucz_stds_v5.fit"
    fits.HDUList([image, fits.BinTableHDU.from_columns(columns)]).writeto(path)
    first, second = read_kurucz_standards(path)
    assert first.name == "am05k2_5000_4.0" and first.labels == (5000.0, 4.0, -0.5)
    assert line_of(second.flux) == pytest.approx(6000.0, abs=0.1)
    with pytest.raises(ParameterError, match="cannot be read"):
        list(read_kurucz_standards(tmp_path / "none.fit"))


def test_gaps_stay_gaps():
    wavelength = np.arange(3600.0, 8000.0, 0.7)
    flux = np.where((wavelength > 5000) & (wavelength < 5020), 0.0, 2.0)
    out = to_grid(wavelength, flux)
    assert np.isnan(out[(GRID >= 5001) & (GRID <= 5019)]).all() and np.isnan(out[GRID > 8000]).all()
    assert np.nanmax(np.abs(out - 1)) == 0 and np.isfinite(out[(GRID >= 5022) & (GRID < 7990)]).all()
    with pytest.raises(ParameterError, match="covers nothing"):
        to_grid(np.arange(8000.0, 9000.0), np.ones(1000))


def write_ck04(folder):
    wavelength = np.concatenate(
        [np.arange(1000, 2900, 10), np.arange(2910, 10000, 20), np.arange(10050, 20000, 50)]
    ).astype(float)
    for metals in ("p00", "m05"):
        (folder / f"ck{metals}").mkdir(parents=True)
        for teff in (3500, 5500, 20000):
            columns = [fits.Column("WAVELENGTH", "D", array=wavelength)]
            columns += [
                fits.Column("g00", "E", array=0 * wavelength),
                fits.Column("g45", "E", array=1e5 * teff / wavelength),
            ]
            table = fits.BinTableHDU.from_columns(columns)
            fits.HDUList([fits.PrimaryHDU(), table]).writeto(folder / f"ck{metals}" / f"ck{metals}_{teff}.fits")
    return folder


def test_castelli_kurucz_tables(tmp_path):
    found = read_ck04(write_ck04(tmp_path / "ck04models"))
    labels = {tuple(np.round(row, 2)) for row in found["teff_logg_mh"].tolist()}
    assert labels == {(3500, 4.5, 0.0), (5500, 4.5, 0.0), (3500, 4.5, -0.5), (5500, 4.5, -0.5)}
    assert found["surface_flux"].shape == (4, found["wavelength_A"].size) and found["surface_flux"].min() > 0
    assert 2900 <= found["wavelength_A"].min() and found["wavelength_A"].max() <= 11500
    with pytest.raises(ParameterError, match="ckp00"):
        read_ck04(tmp_path / "none")


def test_a_folder_from_public_files_alone(miles, tmp_path):
    stelib = tmp_path / "stelib"
    stelib.mkdir()
    write_image(stelib / "HD010700.fits", 3200.0, 1.0, 6500, lines_at(6500.0), TEFF=5300.0, LOGG=4.5, FEH=-0.5)
    notes = gather(Sources(None, {"miles": miles, "stelib": stelib}, write_ck04(tmp_path / "ck")), tmp_path / "out")
    assert [note.split(":")[0] for note in notes] == ["MILES", "STELIB", "BOSS_TEMPLATE", "KURUCZ_STD"]
    assert "3 spectra" in notes[0] and "left out" in notes[2]
    assert (tmp_path / "out" / "photometry" / "ck04_sed.npz").exists()
    with open(tmp_path / "out" / "library" / "stellar_library.csv", newline="") as rows:
        table = list(csv.DictReader(rows))
    assert [row["name"] for row in table] == ["HD224930", "NGC 7789 971(946) Cl", "HD083632", "HD010700"]
    assert table[1]["teff_K"] == "" and table[0]["fwhm_A"] == "2.5"
    library = load_library(tmp_path / "out" / "library")
    assert list(library.name) == ["HD224930", "HD083632", "HD010700"] and np.isfinite(library.flux).all()
    assert (library.weight[0, GRID > 7380] == 0).all() and (library.weight[2, GRID == 8500] > 0).all()


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ({"base": None}, "needs MILES"),
        ({"base": None, "libraries": {"miles": "m"}}, "--stelib or --boss"),
        ({"base": None, "libraries": {"miles": "m", "stelib": "s"}}, "--ck04"),
        ({"base": "d", "libraries": {"elodie": "e"}}, "no library 'elodie'"),
    ],
)
def test_missing_sources_are_named(sources, words):
    with pytest.raises(ParameterError, match=words):
        Sources(**sources)


def test_data_folder_is_the_base_without_public_libraries(miles, tmp_path):
    with data_folder(Sources(tmp_path)) as folder:
        assert folder == tmp_path
    with pytest.raises(ParameterError, match="--ck04"):
        Sources(None, {"miles": miles, "stelib": miles})


def test_stars_are_unchanged_by_the_public_format(shared_data, tmp_path):
    """Eight stars of MILES and three of STELIB, written as public files, are the data folder's again."""
    ours = load_rows(shared_data, ("MILES", "STELIB"))
    miles, stelib = tmp_path / "m", tmp_path / "s"
    write_miles(
        miles,
        [
            (ident, name, f"{t:.0f}", f"{g:.2f}", f"{f:.2f}", shape)
            for ident, name, (t, g, f), shape, _ in ours["MILES"]
        ],
    )
    stelib.mkdir()
    for ident, _, (teff, logg, feh), shape, _ in ours["STELIB"]:
        write_image(stelib / ident, 3500.0, 0.5, 12800, shape, TEFF=teff, LOGG=logg, FEH=feh)
    notes = []
    with data_folder(Sources(shared_data, {"miles": miles, "stelib": stelib}), notes.append) as folder:
        library = load_library(folder / "library")
        assert {"BOSS_TEMPLATE", "KURUCZ_STD"} <= set(library.source)
        for source, stars in ours.items():
            rows = np.flatnonzero(library.source == source)
            assert len(rows) == len(stars)
            for row in rows:
                _, _, labels, _, flux = next(star for star in stars if star[1] == library.name[row])
                assert library.labels[row] == pytest.approx(labels, abs=0.006)
    assert "MILES: 8 spectra from its public distribution." in notes
    for reader, source in ((read_miles(miles), "MILES"), (read_stelib(stelib), "STELIB")):
        for star in reader:
            flux = next(one for *_, one in [s for s in ours[source] if s[1] == star.name])
            use = np.isfinite(star.flux) & np.isfinite(flux) & (GRID > 3900) & (GRID < 7300)
            shifted = {s: np.sqrt(np.mean((star.flux[use] - np.roll(flux, s)[use]) ** 2)) for s in (-1, 0, 1)}
            assert use.sum() > 3000 and shifted[0] < 0.01 and shifted[0] < 0.4 * min(shifted[-1], shifted[1])


def load_rows(shared_data, sources):
    """A few well covered stars of each source: (id, name, labels, function of vacuum wavelength, flux)."""
    import pandas as pd
    from scipy.interpolate import CubicSpline

    table = pd.read_csv(shared_data / "library" / "stellar_library.csv", dtype={"id": str})
    flux = np.load(shared_data / "library" / "stellar_library.npz")["flux"].astype(float)
    found = {}
    for source, count in zip(sources, (8, 3)):
        rows = table[
            (table.source == source) & table.teff_K.between(4500, 7000) & table.logg_dex.notna() & table.feh_dex.notna()
        ]
        rows = rows[[np.isfinite(flux[row][:3700]).all() for row in rows.row]]
        found[source] = []
        for _, row in rows.iloc[:: max(len(rows) // count, 1)].head(count).iterrows():
            known = np.isfinite(flux[row["row"]])
            shape = CubicSpline(GRID[known].astype(float), flux[row["row"]][known], extrapolate=False)
            labels = (row.teff_K, row.logg_dex, row.feh_dex)
            found[source].append(
                (row["id"], row["name"], labels, lambda w, s=shape: np.nan_to_num(s(w)), flux[row["row"]])
            )
    return found


def test_air_wavelengths_are_as_assumed():
    assert vacuum_to_air(np.array([5000.0]))[0] == pytest.approx(4998.6, abs=0.05)
