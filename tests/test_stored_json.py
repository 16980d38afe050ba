"""Small JSON files: whatever has become of one is a ValueError, and the rest goes on."""

from __future__ import annotations

import json

import pytest

from stellar_core.stored_json import MAX_DEPTH, parse_json, read_json


def test_what_was_written_comes_back(tmp_path):
    value = {"a": [1, 2.5, None, {"b": "ü"}], "c": {}}
    (tmp_path / "x.json").write_text(json.dumps(value))
    assert read_json(tmp_path / "x.json") == value


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b"",
        b"\xff\xfe\xfa",
        b"9" * 5000,
        b"{",
        b'"' + b"x" * 2000 + b'"',
    ],
)
def test_damage_is_a_value_error(tmp_path, content):
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(ValueError):
        read_json(tmp_path / "x.json", most=1000 if len(content) < 3000 else 10**7)


def test_as_deep_as_may_be_is_read():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(ValueError, match="nested"):
        parse_json('{"a":' * 500 + "1" + "}" * 500)
