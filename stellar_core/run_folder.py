"""The folder of a run: claimed by its description, locked while a process works in it, resumed by the same run only."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stellar_core.errors import RunError, StellarError, StorageError
from stellar_core.files import locked, read_json, remove_drafts, write_bytes


@dataclass(frozen=True)
class RunFolder:
    """A folder that belongs to one run.

    The first call writes the description into the folder. A later call with an equal description continues there,
    one with another description is refused.

    Attributes
    ----------
    folder : Path
    description : mapping
        Values that JSON can hold; runs are the same where all of them are equal.
    record : str
        Name of the file that holds the description.
    shown : str
        Name of the folder in messages; its path by default.
    remedy : str
        What to do about a folder of another run.
    ignored : collection of str
        Entries of the description that are not compared.
    words : mapping of str to str
        Words for entries of the description in messages; their own names by default.
    """

    folder: Path
    description: Mapping[str, object]
    record: str = "plan.json"
    shown: str = ""
    remedy: str = "Choose another folder with --out, or the settings that this one was begun with."
    ignored: Collection[str] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the folder in messages."""
        return self.shown or str(self.folder)

    def check(self, found: object) -> None:
        """Compare a description that was read with that of this run; other entries of it do not matter.

        Raises
        ------
        RunError
            If they differ.
        StorageError
            If it is no description.
        """
        if not isinstance(found, dict):
            raise StorageError(f"The record of the run in {self.name} is damaged.", value=self.name, remedy=self.remedy)
        mine = json.loads(json.dumps(self.description))
        other = [key for key in mine if key not in self.ignored and found.get(key) != mine[key]]
        if other:
            differing = ", ".join(self.words.get(key, key) for key in other)
            raise RunError(
                f"{self.name} belongs to another run: it differs in {differing}.", value=other, remedy=self.remedy
            )

    def claim(self) -> None:
        """Write the description into the folder, which is made if absent, or `check` the one that is there."""
        path = self.folder / self.record
        if not path.exists():
            write_bytes(path, (json.dumps(self.description, indent=1) + "\n").encode())
            return
        try:
            found = read_json(path)
        except ValueError:
            found = None
        self.check(found)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold the folder's lock, after removing the temporary files that a killed process left.

        Raises
        ------
        RunError
            If another process works in the folder.
        StorageError
            If the disk does not allow it, here or in the block.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with locked(self.folder / ".lock", f"Another process is working on {self.name}."):
                remove_drafts(self.folder)
                yield
        except StellarError:
            raise
        except OSError as error:
            words = error.strerror or error
            raise StorageError(f"{self.name} cannot be written: {words}.", value=self.name) from None


def unfinished(chunks: Sequence[Path]) -> list[int]:
    """Return the numbers of the chunks whose files do not exist yet."""
    return [number for number, path in enumerate(chunks) if not path.exists()]
