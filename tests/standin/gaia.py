"""The Gaia archive of the stand-in: ``gaiadr3.gaia_source`` in DuckDB, queried in ADQL by synchronous TAP requests."""

from __future__ import annotations

import re
import threading
import urllib.parse
import xml.etree.ElementTree
from collections.abc import Mapping

import duckdb
import pandas as pd

from tests.standin.faults import Fault
from tests.standin.gaia_tables import BESIDE, FIELDS, error_table, json_table, votable

VOTABLE = "application/x-votable+xml"
#: What the Gaia archive sends in place of a table, with status 200 and otherwise: one of several.
FAULTY = {
    Fault.WRONG_TYPE: (
        (200, "application/json", b'{"metadata": [], "data": []}'),
        (200, VOTABLE, error_table("Query timed out. Try again later")),
        (500, VOTABLE, error_table("Connection to the database is not available")),
        (200, VOTABLE, votable({"source_id": ("long", "", "")}, [[4583627001381815936]])),
    ),
    Fault.EMPTY: ((200, VOTABLE, b""), (200, VOTABLE, b'<?xml version="1.0"?>\n<VOTABLE version="1.3"></VOTABLE>')),
}
_SQL = {"long": "BIGINT", "double": "DOUBLE", "float": "FLOAT", "short": "SMALLINT", "int": "INTEGER"}
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
        fields = {name: FIELDS.get(name) or BESIDE[name] for name in names}
        if form == "json":
            return 200, "application/json", json_table(fields, rows[:most])
        return 200, VOTABLE, votable(fields, rows[:most], form, overflow=len(rows) > most)

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


def _refusal(words: str) -> tuple[int, str, bytes]:
    return 400, VOTABLE, error_table(words)


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
