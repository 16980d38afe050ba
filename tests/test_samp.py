"""Tables are sent through a SAMP hub and received by a client, both of pyvo."""

import threading
import urllib.parse
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from pyvo.samp import SAMPHubServer, SAMPIntegratedClient

from stellar_core import samp
from stellar_core.errors import RunError
from stellar_core.export import table_bytes
from stellar_core.inference.result_tables import spectrum_table
from stellar_core.spectrum import Spectrum


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:file://{tmp_path / 'samp'}")
    server = SAMPHubServer(web_profile=False, mode="single", addr="127.0.0.1")
    server.start()
    yield server
    server.stop()


def test_without_a_hub_sending_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:file://{tmp_path / 'none'}")
    assert not samp.hub_runs()
    with pytest.raises(RunError, match="No SAMP hub"):
        samp.send_table(b"", "x")
    (tmp_path / "none").write_text("samp.hub.xmlrpc.url=http://127.0.0.1:9/\nsamp.secret=x\n")
    assert not samp.hub_runs(), "the file of a hub that died remains"


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_a_client_receives_the_spectrum(hub):
    assert samp.hub_runs()
    with pytest.raises(RunError, match="No program"):
        samp.send_table(b"", "x")
    program = SAMPIntegratedClient("listener", addr="127.0.0.1")
    program.connect()
    got, arrived = {}, threading.Event()

    def receive(private_key, sender_id, mtype, params, extra):
        got.update(params)
        arrived.set()

    program.bind_receive_notification(samp.LOAD_TABLE, receive)
    spectrum = Spectrum(
        np.linspace(4000, 5000, 30), np.arange(30.0), np.ones(30), name="MOCK ../../star", meta={"plate": 1}
    )
    try:
        assert samp.send_table(table_bytes(".vot", spectrum_table(spectrum)), spectrum.name) == ["listener"]
        assert arrived.wait(10) and got["name"] == "MOCK ../../star"
    finally:
        program.disconnect()
    path = Path(urllib.parse.unquote(urllib.parse.urlsplit(got["url"]).path))
    assert path.parent == samp._folder() and not list(path.parent.glob("*.tmp"))
    table = Table.read(path, format="votable")
    np.testing.assert_allclose(table["flux"], spectrum.flux)
    assert table["wavelength"].description == "vacuum wavelength as observed"
