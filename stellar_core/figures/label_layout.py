"""Places for line labels, so that none lies on another."""

from __future__ import annotations

from collections.abc import Sequence


def group_lines(lines: Sequence[tuple[float, str]], reach: float = 300.0) -> list[tuple[float, str, tuple[float, ...]]]:
    """Lines of the same label as one flag each.

    Parameters
    ----------
    lines : sequence of (wavelength, label)
        Wavelengths in Angstrom, any order.
    reach : float
        Lines of one label further apart than this get flags of their own, Angstrom.

    Returns
    -------
    list of (wavelength, label, members)
        Sorted by the first wavelength of each group, at which its flag stands.
    """
    groups: list[tuple[str, list[float]]] = []
    for wavelength, label in sorted(lines):
        home = next((members for name, members in groups if name == label and wavelength - members[0] <= reach), None)
        if home is None:
            groups.append((label, [wavelength]))
        else:
            home.append(wavelength)
    return [(members[0], label, tuple(members)) for label, members in groups]


def flag_rows(positions: Sequence[float], widths: Sequence[float], n_rows: int) -> list[int | None]:
    """Row of each flag, so that neither texts nor poles cross.

    A flag flies to the right of a pole that passes through all rows below its own. Flags
    are taken from left to right and each gets the topmost row in which its pole is free.

    Parameters
    ----------
    positions : sequence of float
        Ascending positions of the poles.
    widths : sequence of float
        Widths of the texts, in the unit of ``positions``.
    n_rows : int
        Rows at hand; row 0 is the topmost.

    Returns
    -------
    list of int or None
        None where no row is free: the line is drawn, its label is left out.
    """
    ends = [float("-inf")] * n_rows
    rows: list[int | None] = []
    for position, width in zip(positions, widths):
        row = next((row for row in range(n_rows) if all(end <= position for end in ends[row:])), None)
        if row is not None:
            ends[row] = position + width
        rows.append(row)
    return rows
