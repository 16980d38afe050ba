"""The examples are made from SDSS's files."""

from __future__ import annotations

import pytest

from stellar_core import examples
from stellar_core.errors import SpectrumError
from stellar_core.examples.build import CHOSEN, build


def test_the_shipped_files_are_those_that_the_command_makes(shared_data, tmp_path):
    written = build(shared_data, tmp_path)
    assert len(written) == len(CHOSEN)
    for path in written:
        made = path.read_bytes()
        assert made == (examples.SPECTRA / path.name).read_bytes()
        assert (shared_data / "sdss" / path.name).read_bytes().startswith(made), "nothing is changed"
    assert (tmp_path / "examples.csv").read_bytes() == examples.TABLE.read_bytes()


def test_a_missing_file_is_named(tmp_path):
    (tmp_path / "sdss").mkdir()
    (tmp_path / "sdss" / "index.csv").write_text("file,sspp_teff,sspp_logg,sspp_feh\n")
    with pytest.raises(SpectrumError, match=CHOSEN[0][0]):
        build(tmp_path, tmp_path)
