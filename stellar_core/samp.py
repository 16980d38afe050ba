"""Send tables to other programs (TOPCAT, Aladin, DS9, SPLAT) over SAMP, the IVOA's messaging protocol.

The hub must run on this machine. It is found by a file in the home folder, or by the environment variable SAMP_HUB.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path

from stellar_core.errors import RunError
from stellar_core.files import write_bytes

#: Message by which programs load a table.
LOAD_TABLE = "table.load.votable"


def lock_file() -> Path:
    """Return the file by which a running hub is found."""
    place = os.environ.get("SAMP_HUB", "").removeprefix("std-lockurl:").removeprefix("file://")
    return Path(place) if place else Path.home() / ".samp"


def hub_runs() -> bool:
    """True if a hub replies; without a `lock_file` nothing is imported or contacted."""
    if not lock_file().is_file():
        return False
    from pyvo.samp import SAMPHubError, SAMPHubProxy

    hub = SAMPHubProxy()
    try:
        hub.connect()
        hub.ping()
        hub.disconnect()
    except (SAMPHubError, OSError, ValueError, KeyError):
        return False
    return True


def send_table(votable: bytes, name: str) -> list[str]:
    """Send a table to all programs that read tables.

    Parameters
    ----------
    votable : bytes
        The table as VOTable; it is kept in a temporary file until this process ends.
    name : str
        Name of the table in those programs.

    Returns
    -------
    list of str
        Names of the programs.

    Raises
    ------
    RunError
        If no hub runs, or no program there reads tables.
    """
    from pyvo.samp import SAMPHubError, SAMPIntegratedClient, SAMPProxyError

    client = SAMPIntegratedClient("Stellar Ages Explorer", "Sends spectra and ages of stars", callable=False)
    try:
        client.connect()
    except (SAMPHubError, OSError) as error:
        raise RunError(f"No SAMP hub replied ({error}).", remedy="Start TOPCAT or Aladin, then try again.") from None
    try:
        asked = [client.get_metadata(one).get("samp.name", one) for one in client.get_subscribed_clients(LOAD_TABLE)]
        if not asked:
            raise RunError("No program at the SAMP hub reads tables.", remedy="Start TOPCAT or Aladin, then try again.")
        path = _write(votable, name)
        parameters = {"url": path.as_uri(), "name": name, "table-id": path.stem}
        client.notify_all({"samp.mtype": LOAD_TABLE, "samp.params": parameters})
        return asked
    except (SAMPProxyError, OSError) as error:
        raise RunError(f"The SAMP hub did not forward the table ({error}).") from None
    finally:
        client.disconnect()


@cache
def _folder() -> Path:
    """Return the folder of the tables sent, removed when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="stellar-samp-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _write(data: bytes, name: str) -> Path:
    path = _folder() / (re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80].strip(".") + ".vot")
    write_bytes(path, data, sync=False)
    return path
