"""Selections: restored from URL parameters and from the file of saved selections."""

import json

import pytest

from stellar_core.catalogue.selection import MOST, Selection, forget, save, saved
from stellar_core.errors import ParameterError, StorageError

COLUMNS = ("teff", "logg", "feh", "stage")
WHOLE = Selection(
    "sdss", "feh", (("teff", 5000.0, 6000.0), ("feh", -1.5, 0.0)), ("Hot", "Red Giant"), (5100.0, 5900.0, 4.0, 4.75)
)


@pytest.mark.parametrize("selection", [WHOLE, Selection(), Selection(box=(3000.0, 4000.0, 0.0, 5.0))])
def test_url_parameters_restore_a_selection(selection):
    assert Selection.from_query(selection.to_query(), COLUMNS) == selection


def test_a_box_narrows_the_filters():
    assert WHOLE.chosen == {"teff": (5100.0, 5900.0), "feh": (-1.5, 0.0), "logg": (4.0, 4.75)}
    assert Selection(ranges=(("teff", 5000.0, 5500.0),), box=(5100.0, 5900.0, 4.0, 5.0)).chosen["teff"] == (
        5100.0,
        5500.0,
    )


@pytest.mark.parametrize(
    "words",
    [
        {"colour": "x; DROP TABLE stars", "filter": "teff:a:b;none:1:2;teff:1;;:::", "stages": "Warm", "box": "1:2:3"},
        {"filter": "teff:nan:inf", "box": "nan:1:2:3", "survey": "../x", "colour": "mass"},
        {"filter": ";".join(["teff"] * 10_000), "box": "", "other": "1"},
    ],
)
def test_invalid_parameters_are_ignored(words):
    assert Selection.from_query(words, COLUMNS) == Selection()


def test_limits_may_come_in_any_order():
    found = Selection.from_query({"filter": "teff:6000:5000", "box": "6000:5000:5:4"}, COLUMNS)
    assert found.ranges == (("teff", 5000.0, 6000.0),) and found.box == (5000.0, 6000.0, 4.0, 5.0)


def test_selections_are_saved_and_deleted_by_name(tmp_path):
    path = tmp_path / "folder" / "selections.json"
    assert saved(path) == {}
    save(path, " solar twins ", WHOLE)
    save(path, "all", Selection())
    save(path, "all", Selection(colour="feh"))
    assert Selection.from_query(saved(path)["solar twins"], COLUMNS) == WHOLE and saved(path)["all"] == {
        "colour": "feh"
    }
    forget(path, "solar twins")
    forget(path, "never there")
    assert list(saved(path)) == ["all"] and sorted(item.name for item in path.parent.iterdir())[0] == "selections.json"


def test_bad_names_too_many_and_damaged_files_give_an_error(tmp_path):
    path = tmp_path / "selections.json"
    for name in ("", " ", "a\nb", "x" * 61):
        with pytest.raises(ParameterError, match="characters"):
            save(path, name, WHOLE)
    path.write_text(json.dumps({str(k): {} for k in range(MOST)}))
    with pytest.raises(ParameterError, match="100"):
        save(path, "one more", WHOLE)
    save(path, "7", WHOLE)
    for text in ("{", "[1]", '{"a": 1}'):
        path.write_text(text)
        with pytest.raises(StorageError, match="cannot be read"):
            save(path, "a", WHOLE)
    with pytest.raises(StorageError):
        save(path / "below" / "a file", "a", WHOLE)


def test_further_limits_narrow_the_selection_but_never_to_nothing():
    found = Selection(colour="feh", ranges=(("teff", 5000.0, 6000.0),)).narrowed(
        {"teff": (5500.0, 7000.0), "feh": (-1.0, 0.0)}
    )
    assert found.filters == {"teff": (5500.0, 6000.0), "feh": (-1.0, 0.0)} and found.colour == "feh"
    assert found.narrowed({"teff": (6500.0, 7000.0)}) == found
    assert found.without(["teff"]).filters == {"feh": (-1.0, 0.0)}
