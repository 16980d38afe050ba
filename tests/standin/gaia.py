"""The Gaia archive of the stand-in: ``gaiadr3.gaia_source`` in DuckDB, queried in ADQL by synchronous TAP requests."""

from __future__ import annotations

import base64
import json
import re
import struct
import threading
import urllib.parse
import xml.etree.ElementTree
from collections.abc import Iterable, Mapping

import duckdb
import numpy as np
import pandas as pd

from stellar_core.constants import POGSON
from stellar_core.gaia.magnitudes import ZERO_POINT_ERRORS, predicted_g
from stellar_core.gaia.source import FIVE, TWO, GaiaSource
from stellar_core.gaia.zero_point import MEAN_ZERO_POINT, SYSTEMATIC, error_factor, zero_points
from stellar_core.mock.gaia import GaiaBatch

#: Columns as in the real archive's tables: type of VOTable, unit, UCD.
FIELDS: dict[str, tuple[str, str, str]] = {
    "source_id": ("long", "", "meta.id"),
    "ra": ("double", "deg", "pos.eq.ra;meta.main"),
    "dec": ("double", "deg", "pos.eq.dec;meta.main"),
    "pm": ("float", "mas.yr**-1", "pos.pm;pos.eq"),
    "pmra": ("double", "mas.yr**-1", "pos.pm;pos.eq.ra"),
    "pmdec": ("double", "mas.yr**-1", "pos.pm;pos.eq.dec"),
    "parallax": ("double", "mas", "pos.parallax.trig"),
    "parallax_error": ("float", "mas", "stat.error;pos.parallax.trig"),
    "ruwe": ("float", "", "stat.error"),
    "phot_g_mean_mag": ("float", "mag", "phot.mag;em.opt"),
    "phot_g_mean_flux_over_error": ("float", "", "stat.snr;phot.flux;em.opt"),
    "phot_bp_mean_mag": ("float", "mag", "phot.mag;em.opt.B"),
    "phot_bp_mean_flux_over_error": ("float", "", "stat.snr;phot.flux;em.opt.B"),
    "phot_rp_mean_mag": ("float", "mag", "phot.mag;em.opt.R"),
    "phot_rp_mean_flux_over_error": ("float", "", "stat.snr;phot.flux;em.opt.R"),
    "phot_bp_rp_excess_factor": ("float", "", "arith.factor;phot.flux;em.opt"),
    "nu_eff_used_in_astrometry": ("float", "um**-1", "em.wavenumber"),
    "pseudocolour": ("float", "um**-1", "em.wavenumber"),
    "ecl_lat": ("double", "deg", "pos.ecliptic.lat"),
    "astrometric_params_solved": ("short", "", "meta.number"),
    "non_single_star": ("short", "", "meta.code.status"),
    "ipd_frac_multi_peak": ("short", "", "stat.value"),
}
_BESIDE = {"star": ("int", "", ""), "sdss_objid": ("long", "", "meta.id.cross")}
_SQL = {"long": "BIGINT", "double": "DOUBLE", "float": "FLOAT", "short": "SMALLINT", "int": "INTEGER"}
_BYTES = {"long": ">q", "double": ">d", "float": ">f", "short": ">h", "int": ">i"}
_MACROS = """
CREATE SCHEMA gaiadr3;
CREATE SCHEMA tap_upload;
CREATE TABLE gaiadr3.sdssdr13_best_neighbour (source_id BIGINT, original_ext_source_id BIGINT);
CREATE MACRO POINT(frame, lon, lat) AS {'lon': lon, 'lat': lat};
CREATE MACRO CIRCLE(frame, lon, lat, r) AS {'lon': lon, 'lat': lat, 'r': r};
CREATE MACRO DISTANCE(a, b) AS degrees(2.0 * asin(sqrt(least(1.0, pow(sin(radians(a.lat - b.lat) / 2.0), 2)
  + cos(radians(a.lat)) * cos(radians(b.lat)) * pow(sin(radians(a.lon - b.lon) / 2.0), 2)))));
CREATE MACRO INSIDE(a, b) AS CASE WHEN abs(a.lat - b.lat) <= b.r AND DISTANCE(a, b) <= b.r THEN 1 ELSE 0 END;
"""
_NAMESPACE = "{http://www.ivoa.net/xml/VOTable/v1.3}"


class GaiaSky:
    """The table of sources, and Gaia's own cross-match of it with SDSS.

    Parameters
    ----------
    sources : DataFrame
        Columns of `FIELDS`, and ``sdss_objid``; what is absent is NULL.
    """

    def __init__(self, sources: pd.DataFrame) -> None:
        self._connection = duckdb.connect(config={"threads": 1})
        self._do(_MACROS)
        columns = ", ".join(f'"{name}" {_SQL[kind]}' for name, (kind, _, _) in FIELDS.items())
        self._do(f"CREATE TABLE gaiadr3.gaia_source ({columns})")
        self._mutex = threading.Lock()
        self._answers: dict[bytes, tuple[int, str, bytes]] = {}
        self._changed = False
        self.sources = sources
        self._insert(sources)

    def close(self) -> None:
        self._connection.close()

    def add(self, *rows: Mapping[str, object]) -> None:
        """Add sources until `forget`; what a row lacks is NULL."""
        with self._mutex:
            self._changed = True
            self._insert(pd.DataFrame(rows))

    def remove(self, source_id: int) -> None:
        """Remove a source until `forget`."""
        with self._mutex:
            self._changed = True
            self._answers.clear()
            self._do(f"DELETE FROM gaiadr3.gaia_source WHERE source_id = {int(source_id)}")

    def forget(self) -> None:
        """Return to the sources of the start."""
        with self._mutex:
            if self._changed:
                self._changed = False
                self._do("DELETE FROM gaiadr3.gaia_source")
                self._do("DELETE FROM gaiadr3.sdssdr13_best_neighbour")
                self._insert(self.sources)

    def answer(self, content_type: str, body: bytes) -> tuple[int, str, bytes]:
        """Return status, content type and body of the reply to one request to ``sync``."""
        with self._mutex:
            if body not in self._answers:
                self._answers[body] = self._run(content_type, body)
            return self._answers[body]

    def _run(self, content_type: str, body: bytes) -> tuple[int, str, bytes]:
        values, uploads = _form(content_type, body)
        if (values.get("REQUEST"), values.get("LANG")) != ("doQuery", "ADQL"):
            return _refusal("Missing or unknown REQUEST or LANG")
        try:
            for name, place in re.findall(r"(\w+),param:(\w+)", values.get("UPLOAD", "")):
                self._upload(name, uploads[place])
            result = self._connection.execute(re.sub(r"\bCONTAINS\(", "INSIDE(", values["QUERY"]))
            names = [item[0] for item in result.description]
            rows = result.fetchall()
        except (duckdb.Error, KeyError, xml.etree.ElementTree.ParseError) as error:
            return _refusal(f"Cannot parse query: {str(error).splitlines()[0]}")
        most = int(values.get("MAXREC", 2000))
        form = values.get("FORMAT", "votable")
        fields = {name: FIELDS.get(name) or _BESIDE[name] for name in names}
        if form == "json":
            return 200, "application/json", json_table(fields, rows[:most])
        return 200, "application/x-votable+xml", votable(fields, rows[:most], form, overflow=len(rows) > most)

    def _do(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement to its end; DuckDB takes no other before."""
        return self._connection.execute(sql).fetchall()

    def _insert(self, sources: pd.DataFrame) -> None:
        self._answers.clear()
        names = [name for name in FIELDS if name in sources]
        incoming = sources[names].astype({name: float for name in names if name != "source_id"})
        chosen = ", ".join(
            "source_id" if name == "source_id" else f"CASE WHEN isnan({name}) THEN NULL ELSE {name} END"
            for name in names
        )
        self._connection.register("incoming", incoming)
        self._do(f"INSERT INTO gaiadr3.gaia_source ({', '.join(names)}) SELECT {chosen} FROM incoming")
        self._connection.unregister("incoming")
        if "sdss_objid" in sources:
            pairs = [
                f"({int(number)}, {int(other)})"
                for number, other in zip(sources["source_id"], sources["sdss_objid"])
                if isinstance(other, int | str) and int(other)
            ]
            if pairs:
                self._do(f"INSERT INTO gaiadr3.sdssdr13_best_neighbour VALUES {', '.join(pairs)}")

    def _upload(self, name: str, table: bytes) -> None:
        """Make a table of an uploaded VOTable."""
        root = xml.etree.ElementTree.fromstring(table)
        fields = [(item.get("name"), item.get("datatype")) for item in root.iter(f"{_NAMESPACE}FIELD")]
        rows = [[cell.text for cell in row] for row in root.iter(f"{_NAMESPACE}TR")]
        columns = ", ".join(f'"{column}" {_SQL[kind]}' for column, kind in fields)
        self._do(f"CREATE OR REPLACE TABLE tap_upload.{name} ({columns})")
        values = ", ".join(f"({', '.join(row)})" for row in rows)
        self._do(f"INSERT INTO tap_upload.{name} VALUES {values}")


def sources_at(stars: pd.DataFrame, gaia: GaiaBatch, seed: int = 0) -> pd.DataFrame:
    """Put the values of Gaia's stars into the form of the archive: before the zero point and with formal errors.

    Parameters
    ----------
    stars : DataFrame
        ra, dec, bestObjID.
    gaia : GaiaBatch
        The same stars.
    seed : int
        Of the proper motions, which have a scatter of 10 mas/yr; the positions are moved by them for the 12 years
        from SDSS to Gaia.
    """
    rng = np.random.default_rng(seed)
    n = len(stars)
    pmra, pmdec = np.where(gaia.has_parallax, rng.normal(0.0, 10.0, (2, n)), np.nan)
    dec = stars["dec"].to_numpy(float) + np.nan_to_num(pmdec) * 12.0 / 3.6e6
    east = np.nan_to_num(pmra) * 12.0 / 3.6e6 / np.cos(np.radians(dec))
    g, bp, rp = gaia.magnitudes.T
    least = np.array(list(ZERO_POINT_ERRORS.values()))
    ratios = POGSON / np.sqrt(np.maximum(gaia.magnitude_errors**2 - least**2, 1e-8)).T
    factor = [error_factor(*row) for row in zip(g.tolist(), gaia.ruwe.tolist(), gaia.parallax.tolist())]
    table = pd.DataFrame(
        {
            "source_id": 128 * (np.arange(n, dtype=np.int64) + 1) + (np.int64(seed % 1000 + 1) << 45),
            **{"ra": (stars["ra"].to_numpy(float) + east) % 360.0, "dec": dec},
            **{"pm": np.hypot(pmra, pmdec), "pmra": pmra, "pmdec": pmdec, "parallax": gaia.parallax},
            "parallax_error": np.sqrt(np.maximum(gaia.parallax_error**2 - SYSTEMATIC**2, 1e-6)) / factor,
            **{"ruwe": gaia.ruwe, "phot_g_mean_mag": g, "phot_bp_mean_mag": bp, "phot_rp_mean_mag": rp},
            **{f"phot_{band}_mean_flux_over_error": ratio for band, ratio in zip(("g", "bp", "rp"), ratios)},
            "phot_bp_rp_excess_factor": np.polyval([-0.005879, 0.049255, 0.011464, 1.162004], bp - rp),
            "nu_eff_used_in_astrometry": np.clip(1.76 - 0.29 * (bp - rp), 1.2, 1.7),
            **{"pseudocolour": np.nan, "ecl_lat": np.clip(dec, -80.0, 80.0)},
            "astrometric_params_solved": np.where(gaia.has_parallax, FIVE, TWO),
            **{"non_single_star": gaia.non_single_star, "ipd_frac_multi_peak": 0},
            "sdss_objid": [str(value) if str(value).isdecimal() else "0" for value in stars["bestObjID"]],
        }
    )
    columns = [name for name in table if name not in ("pm", "sdss_objid")]
    rows = [dict(zip(columns, row)) for row in table[columns].itertuples(index=False)]
    zero = zero_points([GaiaSource(**row | {"source_id": int(row["source_id"])}) for row in rows])
    table["parallax"] += np.where(np.isnan(zero), MEAN_ZERO_POINT, zero)
    return table


def invented(stars: pd.DataFrame, seed: int = 0) -> GaiaBatch:
    """Invent Gaia's values for stars of a catalogue: their brightness, and the distance of dwarfs of 5 kpc at G 20.

    Parameters
    ----------
    stars : DataFrame
        psfMag_g, psfMag_r, psfMag_i.
    """
    rng = np.random.default_rng(seed)
    n = len(stars)
    g = np.array([predicted_g(*row) for row in zip(*(stars[f"psfMag_{band}"].to_numpy(float) for band in "gri"))])
    colour = np.clip(stars["psfMag_g"].to_numpy(float) - stars["psfMag_i"].to_numpy(float), 0.2, 3.0)
    error = 0.02 * 10 ** (0.2 * np.maximum(g - 14.5, 0.0))
    parallax = 0.2 * 10 ** (0.2 * (20.0 - g)) + error * rng.standard_normal(n)
    return GaiaBatch(
        parallax,
        np.hypot(1.2 * error, SYSTEMATIC),
        np.stack([g, g + 0.43 * colour, g - 0.57 * colour], axis=1),
        np.tile([0.004, 0.02, 0.02], (n, 1)),
        np.ones(n),
        np.zeros(n, np.int64),
    )


def votable(
    fields: Mapping[str, tuple[str, str, str]],
    rows: Iterable[Iterable[object]],
    form: str = "votable",
    overflow: bool = False,
) -> bytes:
    """Format rows as the archive does: BINARY2 (``votable``) or TABLEDATA (``votable_plain``)."""
    described = "".join(
        f'<FIELD datatype="{kind}" name="{name}"'
        + (f' ucd="{ucd}"' if ucd else "")
        + (f' unit="{unit}"' if unit else "")
        + f">\n<DESCRIPTION>{name}</DESCRIPTION>\n</FIELD>\n"
        for name, (kind, unit, ucd) in fields.items()
    )
    kinds = [kind for kind, _, _ in fields.values()]
    data = _tabledata(kinds, rows) if form == "votable_plain" else _binary2(kinds, rows)
    end = '<INFO name="QUERY_STATUS" value="OVERFLOW"/>\n' if overflow else ""
    return (
        '<?xml version="1.0"?>\n<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        '<RESOURCE type="results">\n<INFO name="QUERY_STATUS" value="OK"/>\n'
        '<INFO name="CAPTION" value=""/>\n<COOSYS ID="GAIADR3" epoch="J2016.0" system="ICRS"/>\n'
        f"<TABLE>\n{described}<DATA>\n{data}</DATA>\n</TABLE>\n"
        f"{end}</RESOURCE>\n</VOTABLE>\n"
    ).encode()


def json_table(fields: Mapping[str, tuple[str, str, str]], rows: Iterable[Iterable[object]]) -> bytes:
    """Format rows as the archive's JSON."""
    described = [
        {
            **{"name": name, "datatype": kind, "xtype": None, "arraysize": None},
            **{"description": name, "unit": unit or None, "ucd": ucd or None, "utype": None},
        }
        for name, (kind, unit, ucd) in fields.items()
    ]
    return json.dumps({"metadata": described, "data": [list(row) for row in rows]}).encode()


def error_table(words: str) -> bytes:
    """Format the archive's report of an error."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
        f'<RESOURCE type="results">\n<INFO name="QUERY_STATUS" value="ERROR"><![CDATA[{words}]]></INFO>\n'
        "</RESOURCE>\n</VOTABLE>\n"
    ).encode()


def _refusal(words: str) -> tuple[int, str, bytes]:
    return 400, "application/x-votable+xml", error_table(words)


def _binary2(kinds: list[str], rows: Iterable[Iterable[object]]) -> str:
    packed = bytearray()
    for row in rows:
        cells = list(row)
        missing = "".join("1" if cell is None else "0" for cell in cells).ljust(8 * ((len(cells) + 7) // 8), "0")
        packed += int(missing, 2).to_bytes(len(missing) // 8, "big")
        for kind, cell in zip(kinds, cells):
            packed += struct.pack(_BYTES[kind], 0 if cell is None else cell)
    text = base64.encodebytes(bytes(packed)).decode()
    return f"<BINARY2>\n<STREAM encoding='base64'>\n{text}</STREAM>\n</BINARY2>\n"


def _tabledata(kinds: list[str], rows: Iterable[Iterable[object]]) -> str:
    def cell(kind: str, value: object) -> str:
        return ("NaN" if kind in ("float", "double") else "") if value is None else str(value)

    lines = ("".join(f"    <TD>{cell(kind, value)}</TD>\n" for kind, value in zip(kinds, row)) for row in rows)
    return "<TABLEDATA>\n" + "".join(f"  <TR>\n{line}  </TR>\n" for line in lines) + "</TABLEDATA>\n"


def _form(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """Return the fields and the files of a request."""
    boundary = re.search(r"multipart/form-data; boundary=(\S+)", content_type)
    if not boundary:
        return dict(urllib.parse.parse_qsl(body.decode())), {}
    values, files = {}, {}
    for part in body.split(f"--{boundary[1]}".encode())[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="(\w+)"', head)[1].decode()
        if b"filename=" in head:
            files[name] = content
        else:
            values[name] = content.decode()
    return values, files
