"""Tables written in the format of the ending, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.table import Table

from stellar_core.errors import ParameterError
from stellar_core.export import ENDINGS, ExportTable, check_ending, table_bytes, write_frame, write_table


def example(facts=None) -> ExportTable:
    columns = [
        ("star", ["266-51602-31", "=1+1"], "", "name of the star"),
        ("log_age", np.array([9.5, np.nan], ">f8"), "dex(yr)", "age, log10 of years"),
        ("teff", np.array([5800.0, 4000.0], np.float32), "K", "effective temperature"),
        ("seed", [3, 4], "", "seed"),
    ]
    return ExportTable.from_columns("STARS", columns, facts or {"model": "m"})


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_reads_back(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    write_table(path, example())
    assert path.read_bytes() == table_bytes(ending, example()) and [path] == list(tmp_path.iterdir())
    if ending == ".json":
        found = pd.read_json(path, orient="table")
        assert found["star"].tolist() == ["266-51602-31", "=1+1"] and found["seed"].tolist() == [3, 4]
        assert found["log_age"].isna().tolist() == [False, True] and found["teff"].tolist() == [5800.0, 4000.0]
        assert json.loads(path.read_text())["stellar_ages"] == {"model": "m"}
        return
    if ending == ".parquet":
        found = pq.read_table(path)
        assert found.schema.field("log_age").metadata[b"unit"] == b"dex(yr)"
        assert found.to_pandas()["star"].tolist() == ["266-51602-31", "=1+1"]
        return
    form = "votable" if ending in (".vot", ".votable", ".xml") else f"ascii{ending}".replace("ascii.fits", "fits")
    found = Table.read(path, format=form)
    assert list(found["seed"]) == [3, 4] and found["teff"][1] == 4000.0
    assert str(found["star"][1]) == ("'=1+1" if ending == ".csv" else "=1+1")
    if ending != ".csv":
        assert str(found["teff"].unit) == "K"
        assert found["log_age"].unit == units.dex(units.yr)


def test_facts_in_capitals_become_fits_keywords(tmp_path):
    write_table(tmp_path / "a.fits", example({"NOTE": "MOCK star, Å", "model": "m"}))
    meta = Table.read(tmp_path / "a.fits", format="fits").meta
    assert meta["NOTE"] == "MOCK star, ?" and 'model: "m"' in str(meta)


def test_an_unknown_ending_is_refused():
    with pytest.raises(ParameterError, match=r"\.parquet"):
        check_ending(Path("a.txt"))


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_data_frames_are_written_whole_or_not_at_all(ending, tmp_path):
    path = tmp_path / f"a{ending}"
    path.write_text("before")
    with pytest.raises(OSError):
        write_frame(tmp_path / "none" / f"a{ending}", pd.DataFrame({"a": [1]}))
    write_frame(path, pd.DataFrame({"name": ["=1+1", "b"], "value": [-1.5, 2.0]}))
    found = pd.read_csv(path) if ending == ".csv" else pd.read_parquet(path)
    assert found["value"].tolist() == [-1.5, 2.0] and found["name"].tolist()[1] == "b"
    assert found["name"][0] == ("'=1+1" if ending == ".csv" else "=1+1") and [path] == list(tmp_path.iterdir())
