"""Tables to the programs of the same desktop (TOPCAT, Aladin, DS9, SPLAT) over SAMP, the IVOA's messaging protocol.

A hub says where it is by a file in the home folder, or by SAMP_HUB. It must run where this program runs.
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

#: How programs are asked to load a table.
LOAD_TABLE = "table.load.votable"


def lock_file() -> Path:
    """File in which a running hub would say where it is."""
    place = os.environ.get("SAMP_HUB", "").removeprefix("std-lockurl:").removeprefix("file://")
    return Path(place) if place else Path.home() / ".samp"


def hub_runs() -> bool:
    """Whether a hub answers; where there is no `lock_file`, nothing is loaded and nobody asked."""
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
    """Ask all programs that read tables to load one.

    Parameters
    ----------
    votable : bytes
        The table as VOTable; it is kept in a file of this process for them to fetch.
    name : str
        What they call it.

    Returns
    -------
    list of str
        Names of the programs that were asked.

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
        raise RunError(
            f"No SAMP hub answers ({error}).", remedy="Start TOPCAT or Aladin, then try again."
        ) from None
    try:
        asked = [client.get_metadata(one).get("samp.name", one) for one in client.get_subscribed_clients(LOAD_TABLE)]
        if not asked:
            raise RunError(
                "No program at the SAMP hub reads tables.", remedy="Start TOPCAT or Aladin, then try again."
            )
        path = _write(votable, name)
        parameters = {"url": path.as_uri(), "name": name, "table-id": path.stem}
        client.notify_all({"samp.mtype": LOAD_TABLE, "samp.params": parameters})
        return asked
    except (SAMPProxyError, OSError) as error:
        raise RunError(f"The SAMP hub did not pass the table on ({error}).") from None
    finally:
        client.disconnect()


@cache
def _folder() -> Path:
    """Folder for what was sent, gone with this process."""
    folder = Path(tempfile.mkdtemp(prefix="stellar-samp-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _write(data: bytes, name: str) -> Path:
    path = _folder() / (re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80].strip(".") + ".vot")
    write_bytes(path, data, sync=False)
    return path
