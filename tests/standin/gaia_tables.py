"""Tables in the formats of the Gaia archive."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Mapping

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
#: Columns of other tables.
BESIDE = {"star": ("int", "", ""), "sdss_objid": ("long", "", "meta.id.cross")}
_BYTES = {"long": ">q", "double": ">d", "float": ">f", "short": ">h", "int": ">i"}


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
