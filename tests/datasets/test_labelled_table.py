"""Labelled tables: accepted layouts, one-line errors, limits."""

from __future__ import annotations

import pytest

from stellar_core.datasets.labelled_table import read_star_table
from stellar_core.errors import ParameterError


def table(rows: int = 190, header: str = "star,teff,logg,feh", row: str = "16000-{mjd}-{fiber},5800,4.4,0.0") -> bytes:
    return "\n".join([header, *(row.format(mjd=55000, fiber=fiber) for fiber in range(1, rows + 1))]).encode()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "cannot be read as CSV"),
        (b"\x00\xff\xfe", "table"),
        (b"star,teff\n1,2", "lacks logg, feh"),
        (table(20), "100 to 166,625 stars; this one has 20"),
        (table(130, row="16000-{mjd}-1,5800,4.4,0.0"), "twice"),
        (table(130, row="16000-{mjd}-{fiber},hot,4.4,0.0"), "Row 1 of the table has teff 'hot'"),
        (table(130, row="16000-{mjd}-{fiber},5800,44,0.0"), "logg '44'"),
        (table(130, row="star {fiber},5800,4.4,0.0"), "invalid identifier"),
        (table(130, row="../secret/{fiber},5800,4.4,0.0"), "invalid identifier"),
        (
            table(130, header="star,teff,logg,feh,stage", row="16000-{mjd}-{fiber},5800,4.4,0.0,Nova"),
            "A stage is one of",
        ),
        (table(130, header="star,teff,logg,feh,log_age", row="16000-{mjd}-{fiber},5800,4.4,0.0,4.6"), "log_age '4.6'"),
    ],
)
def test_a_bad_table_gives_a_one_line_error(content, message):
    with pytest.raises(ParameterError, match=message) as caught:
        read_star_table(content)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a," * 1_000_000 + b"\n", "letters"),
        (b"star,teff,logg,feh\n" + b"1," * 900_000 + b"\n", "900,001 cells"),
        (b'star,teff,logg,feh\n"' + b"1,2,3,4\n" * 200_000, "quote"),
        (b"star,teff,logg,feh\n" + b"1,2,3,4\n" * 200_000, "this one has more"),
        (b"star,teff,logg,feh\n\xff\xfe", "UTF-8"),
    ],
)
def test_a_hostile_table_gives_a_one_line_error_and_takes_little_memory(content, message):
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(ParameterError, match=message) as caught:
        read_star_table(content)
    assert tracemalloc.get_traced_memory()[1] < 250_000_000 and "\n" not in str(caught.value)
    tracemalloc.stop()


def test_a_table_may_have_comments_blanks_empty_lines_and_a_byte_order_mark():
    plain = table(130).decode().splitlines()
    lines = [
        "# mine",
        plain[0].replace(",", ", ").upper() + ",more",
        "",
        *(f"{line}, # a remark" for line in plain[1:]),
    ]
    found, same = read_star_table("\ufeff".encode() + "\r\n".join(lines).encode()), read_star_table(table(130))
    assert found[list(same)].equals(same)
