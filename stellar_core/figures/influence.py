"""Change of a result when each range of wavelength is hidden, as shading behind the spectrum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stellar_core.quantities import Quantity
from stellar_core.spectral_lines import FEATURES


@dataclass(frozen=True)
class Shading:
    """Effect of hiding each range on one number.

    Attributes
    ----------
    title : str
        The number: "log age", "error of log age".
    edges : (n_range, 2) float
        First and last rest wavelength of each range, Angstrom.
    values : (n_range,) float
        Change of the number.
    features : (n_range,) tuple of str
        Lines or bands in each range, "" where there is none.
    words : (n_range,) tuple of str
        One sentence for each range.
    amounts : (n_range,) tuple of str
        Change with its sign and unit.
    """

    title: str
    edges: np.ndarray
    values: np.ndarray
    features: tuple[str, ...]
    words: tuple[str, ...]
    amounts: tuple[str, ...]

    @property
    def strongest(self) -> int:
        """Index of the range with the largest change."""
        return int(np.abs(self.values).argmax())


def features_in(low: float, high: float, lines: Sequence[tuple[float, str]]) -> str:
    """Names of up to two lines between two wavelengths, Angstrom; without any, of bands centred there."""
    found = [label for wavelength, label in lines if low <= wavelength <= high]
    found = found or [band.label for band in FEATURES if low <= (band.low + band.high) / 2 <= high]
    return ", ".join(list(dict.fromkeys(found))[:2])


def quantity_shading(
    quantity: Quantity, edges: np.ndarray, shift: np.ndarray, error: float, lines: Sequence[tuple[float, str]]
) -> Shading:
    """Shading for the estimate of one quantity.

    Parameters
    ----------
    quantity : Quantity
    edges : (n_range, 2) float
        First and last wavelength of each hidden range, Angstrom.
    shift : (n_range,) float
        Change of the mean estimate, in the unit of its error.
    error : float
        Standard deviation of the estimate, same unit.
    lines : sequence of (wavelength, label)
        Vacuum wavelengths at rest, Angstrom.
    """
    sizes = [f"{quantity.write(abs(value)).lstrip('+')} {quantity.error_unit}" for value in shift]
    changes = [f"{quantity.title} by {size} ({abs(value) / error:.1f}σ)" for size, value in zip(sizes, shift)]
    return _shading(quantity.title, quantity.title, edges, np.asarray(shift, float), changes, sizes, lines)


def error_shading(
    quantity: Quantity, edges: np.ndarray, widening: np.ndarray, lines: Sequence[tuple[float, str]]
) -> Shading:
    """Shading for the error of one quantity; ``widening`` (n_range,) is its relative change."""
    sizes = [f"{abs(value):.0%}" for value in widening]
    title = f"error of {quantity.title}"
    changes = [f"the {title} by {size}" for size in sizes]
    return _shading(title, f"the {title}", edges, np.asarray(widening, float), changes, sizes, lines)


def _shading(
    title: str,
    subject: str,
    edges: np.ndarray,
    values: np.ndarray,
    changes: Sequence[str],
    sizes: Sequence[str],
    lines: Sequence[tuple[float, str]],
) -> Shading:
    features = tuple(features_in(low, high, lines) for low, high in edges)
    words, amounts = [], []
    for (low, high), feature, value, size, change in zip(edges, features, values, sizes, changes):
        hidden = f"Hiding {low:.0f}–{high:.0f} Å{f' ({feature})' if feature else ''}"
        if not any(digit in size for digit in "123456789"):
            words.append(f"{hidden} does not change {subject}.")
            amounts.append(size)
            continue
        words.append(f"{hidden} {'raises' if value > 0 else 'lowers'} {change}.")
        amounts.append(f"{'+' if value > 0 else '−'}{size}")
    return Shading(title, np.asarray(edges, float), values, features, tuple(words), tuple(amounts))
