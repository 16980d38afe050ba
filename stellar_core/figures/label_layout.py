"""Layout of line labels without overlaps."""

from __future__ import annotations

from collections.abc import Sequence


def group_lines(lines: Sequence[tuple[float, str]], reach: float = 300.0) -> list[tuple[float, str, tuple[float, ...]]]:
    """Group neighbouring lines with the same label.

    Parameters
    ----------
    lines : sequence of (wavelength, label)
        Wavelengths in Angstrom, any order.
    reach : float
        Largest extent of a group, Angstrom.

    Returns
    -------
    list of (wavelength, label, members)
        Sorted by the first wavelength of each group, the position of its label.
    """
    groups: list[tuple[str, list[float]]] = []
    for wavelength, label in sorted(lines):
        home = next((members for name, members in groups if name == label and wavelength - members[0] <= reach), None)
        if home is None:
            groups.append((label, [wavelength]))
        else:
            home.append(wavelength)
    return [(members[0], label, tuple(members)) for label, members in groups]


def label_rows(positions: Sequence[float], widths: Sequence[float], n_rows: int) -> list[int | None]:
    """Assign rows to labels, so that neither texts nor their vertical strokes overlap.

    A label is written to the right of a stroke that passes through all lower rows. From left to right, each
    gets the topmost row in which its stroke is free.

    Parameters
    ----------
    positions : sequence of float
        Ascending positions of the strokes.
    widths : sequence of float
        Widths of the texts, in the unit of ``positions``.
    n_rows : int
        Number of rows; row 0 is the topmost.

    Returns
    -------
    list of int or None
        None if no row is free.
    """
    ends = [float("-inf")] * n_rows
    rows: list[int | None] = []
    for position, width in zip(positions, widths):
        row = next((row for row in range(n_rows) if all(end <= position for end in ends[row:])), None)
        if row is not None:
            ends[row] = position + width
        rows.append(row)
    return rows
