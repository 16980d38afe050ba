"""Clusters and their ages in the literature, from the shipped table or a user's own."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from stellar_core.errors import ParameterError

TABLE = Path(__file__).with_name("literature.csv")


@dataclass(frozen=True)
class Cluster:
    """A cluster with its age and the criteria of membership.

    Attributes
    ----------
    name, kind : str
        Kind is "open" or "globular".
    ra_deg, dec_deg : float
        Centre, J2000.
    radius_arcmin : float
        Up to 180.
    velocity_kms, window_kms : float
        Heliocentric velocity; members deviate from it by at most the window.
    age_gyr, age_err_gyr : float
        Age and its error in the literature.
    reference : str
        Source of the age.

    Raises
    ------
    ParameterError
        If a number is out of range.
    """

    name: str
    kind: str
    ra_deg: float
    dec_deg: float
    radius_arcmin: float
    velocity_kms: float
    window_kms: float
    age_gyr: float
    age_err_gyr: float
    reference: str

    def __post_init__(self) -> None:
        limits = {
            **{"ra_deg": (0, 360), "dec_deg": (-90, 90), "radius_arcmin": (0.01, 180), "velocity_kms": (-1000, 1000)},
            **{"window_kms": (0.1, 500), "age_gyr": (1e-3, 14), "age_err_gyr": (0, 14)},
        }
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                raise ParameterError(
                    f"{name} of {self.name} is {getattr(self, name):g}; it must be between {low:g} and {high:g}."
                )

    @property
    def log_age(self) -> float:
        """log10(yr)."""
        return math.log10(self.age_gyr) + 9.0


def read_clusters(path: Path = TABLE, names: Sequence[str] = ()) -> list[Cluster]:
    """Read the clusters of a table; only those in ``names`` (any case, blanks ignored) where some are given.

    Raises
    ------
    ParameterError
        If the table cannot be read, or has no cluster of that name.
    """
    kinds = {field.name: str if field.type == "str" else float for field in fields(Cluster)}
    try:
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
        found = [Cluster(**{name: kind(row[name]) for name, kind in kinds.items()}) for row in rows]
    except (OSError, UnicodeDecodeError):
        raise ParameterError(f"The table of clusters {path} cannot be read.", value=str(path)) from None
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, ParameterError):
            raise
        columns = ", ".join(kinds)
        raise ParameterError(
            f"The table of clusters {path} must have the columns {columns}.", value=str(path)
        ) from None
    known = {_plain(cluster.name): cluster for cluster in found}
    for name in names:
        if _plain(name) not in known:
            listed = ", ".join(cluster.name for cluster in found)
            raise ParameterError(f"{name[:40]!r} is not in the table of clusters: {listed}.", value=name)
    return [known[_plain(name)] for name in names] if names else found


def _plain(name: str) -> str:
    return "".join(name.lower().split())
