"""A local stand-in for SDSS: the MOCK survey, and real files if available, at the paths of SDSS.

The Science Archive Server (spec files), SkyServer's SQL page (CSV and JSON, as astroquery asks for them), CasJobs (jobs
and MyDB) and the Gaia archive (TAP, with the MOCK survey's Gaia values, and invented ones for real stars), each with
faults on demand.
"""

from tests.standin.faults import Fault, Faults
from tests.standin.server import StandIn

__all__ = ["Fault", "Faults", "StandIn"]
