"""Faults of the stand-in, chosen by seed."""

from __future__ import annotations

import enum
import hashlib
from dataclasses import dataclass


class Fault(enum.Enum):
    """A kind of fault."""

    UNAVAILABLE = "status 503 with a web page"
    OUTAGE = "a web page with status 200"
    THROTTLED = "too many queries: a row named error_message on SkyServer, status 429 elsewhere"
    TRUNCATED = "the connection ends before the declared length"
    CUT_SHORT = "the body ends early, and the declared length says the same"
    STALL = "half of the body, then silence"
    WRONG_TYPE = "JSON in place of what was asked for"
    MISSING = "status 404"
    RESET = "the connection is reset"
    EMPTY = "status 200 and no body"


@dataclass(frozen=True)
class Faults:
    """Choice of requests that fail; it does not depend on the order of the requests.

    Attributes
    ----------
    rate : float
        Fraction of the requests that fail.
    seed : int
    kinds : tuple of Fault
        Drawn with equal probability.
    service : str
        "sas", "skyserver", "casjobs" or "gaia"; empty for all.
    first : int or None
        Number of first requests of each resource that may fail; None for all.
    """

    rate: float = 0.0
    seed: int = 0
    kinds: tuple[Fault, ...] = tuple(Fault)
    service: str = ""
    first: int | None = None

    def choose(self, service: str, resource: str, time: int) -> tuple[Fault | None, float]:
        """Return the fault of the ``time``-th request (from 0) of a resource, and its position in the body (0 to 1)."""
        digest = hashlib.sha256(f"{self.seed} {service} {resource} {time}".encode()).digest()
        draw, kind, place = (int.from_bytes(digest[i : i + 8], "big") / 2.0**64 for i in (0, 8, 16))
        if self.service not in ("", service) or (self.first is not None and time >= self.first) or draw >= self.rate:
            return None, place
        return self.kinds[int(kind * len(self.kinds))], place
