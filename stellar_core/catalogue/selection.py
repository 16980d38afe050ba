"""A visitor's selection of stars in a catalogue: as URL parameters, and saved under a name."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from stellar_core.errors import ParameterError, StellarError, StorageError
from stellar_core.files import locked, read_json, write_text
from stellar_core.stages import STAGES

#: Most saved selections, characters of a name, and filters of a selection.
MOST, LONGEST, MOST_FILTERS = 100, 60, 20
#: Seconds to wait for another process that is saving.
PATIENCE = 5.0


@dataclass(frozen=True)
class Selection:
    """Filters, colour and box of the catalogue page.

    Attributes
    ----------
    survey : str
        Key of the catalogue (`stellar_core.catalogue.surveys.Survey.key`); empty for the first.
    colour : str
        Column shown as colour; empty for the number of stars.
    ranges : tuple of (str, float, float)
        Column, lower and upper limit.
    stages : tuple of str
        Stages shown; empty for all.
    box : (float, float, float, float) or None
        Limits of the box on the Kiel diagram: Teff (K) and log g (dex), lower and upper.
    """

    survey: str = ""
    colour: str = ""
    ranges: tuple[tuple[str, float, float], ...] = ()
    stages: tuple[str, ...] = ()
    box: tuple[float, float, float, float] | None = None

    @property
    def filters(self) -> dict[str, tuple[float, float]]:
        """Limits by column, without the box."""
        return {name: (low, high) for name, low, high in self.ranges}

    @property
    def chosen(self) -> dict[str, tuple[float, float]]:
        """Limits by column, with the box."""
        found = self.filters
        if self.box is not None:
            for name, (low, high) in {"teff": self.box[:2], "logg": self.box[2:]}.items():
                least, greatest = found.get(name, (low, high))
                found[name] = (max(low, least), min(high, greatest))
        return found

    def narrowed(self, limits: Mapping[str, tuple[float, float]]) -> Selection:
        """Return the selection with further limits; unchanged if no star could remain."""
        ranges = self.filters
        for name, (low, high) in limits.items():
            least, greatest = ranges.pop(name, (low, high))
            ranges[name] = (max(low, least), min(high, greatest))
        if len(ranges) > MOST_FILTERS or not all(low <= high for low, high in ranges.values()):
            return self
        return replace(self, ranges=tuple((name, low, high) for name, (low, high) in ranges.items()))

    def without(self, names: Collection[str]) -> Selection:
        """Return the selection without the limits of these columns."""
        return replace(self, ranges=tuple(limit for limit in self.ranges if limit[0] not in names))

    def to_query(self) -> dict[str, str]:
        """Return URL parameters; defaults are left out."""
        words = {
            "survey": self.survey,
            "colour": self.colour,
            "filter": ";".join(f"{name}:{low:.9g}:{high:.9g}" for name, low, high in self.ranges),
            "stages": ";".join(self.stages),
            "box": ":".join(f"{value:.6g}" for value in self.box or ()),
        }
        return {name: word for name, word in words.items() if word}

    @classmethod
    def from_query(cls, words: Mapping[str, str], columns: Collection[str]) -> Selection:
        """Read URL parameters from anyone: other values are ignored.

        Parameters
        ----------
        words : mapping of str to str
            The parameters.
        columns : collection of str
            Columns of the catalogue.
        """
        ranges = {}
        for part in str(words.get("filter", "")).split(";")[:MOST_FILTERS]:
            name, *limits = part.split(":")
            numbers = _numbers(limits, 2)
            if name in columns and numbers:
                ranges[name] = (min(numbers), max(numbers))
        box = _numbers(str(words.get("box", "")).split(":"), 4)
        stages = str(words.get("stages", "")).split(";")
        colour = str(words.get("colour", ""))
        return cls(
            survey=str(words.get("survey", "")) if str(words.get("survey", "")).isalnum() else "",
            colour=colour if colour in columns else "",
            ranges=tuple((name, low, high) for name, (low, high) in ranges.items()),
            stages=tuple(stage for stage in STAGES if stage in stages),
            box=(*sorted(box[:2]), *sorted(box[2:])) if box else None,
        )


def saved(path: Path) -> dict[str, dict[str, str]]:
    """Return the URL parameters of the selections saved in the file ``path``, by name; empty without a file.

    Raises
    ------
    StorageError
        If the file is damaged.
    """
    try:
        found = read_json(path)
        return {str(name): {str(key): str(word) for key, word in words.items()} for name, words in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError):
        raise StorageError(
            f"The file of saved selections cannot be read: {path}.", value=str(path), remedy="Remove it."
        ) from None


def save(path: Path, name: str, selection: Selection) -> None:
    """Save a selection under ``name``, replacing an earlier one of that name.

    Raises
    ------
    ParameterError
        If the name is invalid, or there are too many selections.
    StorageError
        If the file cannot be written.
    """
    name = name.strip()
    if not 1 <= len(name) <= LONGEST or not name.isprintable():
        raise ParameterError(f"A name must have 1 to {LONGEST} characters.", value=name)
    with _locked(path):
        found = saved(path)
        if len(found) >= MOST and name not in found:
            raise ParameterError(f"There are {MOST} saved selections already.", value=name, remedy="Delete one first.")
        write_text(path, json.dumps({**found, name: selection.to_query()}, indent=1, sort_keys=True) + "\n")


def forget(path: Path, name: str) -> None:
    """Delete the selection of this name, if there is one; errors as `save`."""
    with _locked(path):
        kept = {key: words for key, words in saved(path).items() if key != name}
        write_text(path, json.dumps(kept, indent=1, sort_keys=True) + "\n")


def _numbers(parts: list[str], count: int) -> tuple[float, ...]:
    """Return ``count`` finite numbers, or an empty tuple."""
    with contextlib.suppress(ValueError):
        found = tuple(float(part) for part in parts)
        if len(found) == count and all(map(math.isfinite, found)):
            return found
    return ()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time write the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(path.name + ".lock"), "Another process is saving a selection.", PATIENCE):
            yield
    except OSError as error:
        if isinstance(error, StellarError):
            raise
        raise StorageError(
            f"The selection cannot be saved to {path}: {error.strerror or error}.", value=str(path)
        ) from None
