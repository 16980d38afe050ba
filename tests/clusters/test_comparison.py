"""Clusters against the stand-in: members, predictions, and the comparison with a given age."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from stellar_core.__main__ import app
from stellar_core.batch import worker
from stellar_core.clusters.comparison import compare_clusters, report
from stellar_core.clusters.literature import Cluster, read_clusters
from stellar_core.clusters.members import LEAST_SNR, find_members
from stellar_core.constants import SPEED_OF_LIGHT
from stellar_core.errors import ArchiveError, ParameterError
from stellar_core.mock.plates import make_plate
from stellar_core.mock.survey import SEED
from tests.batch.test_job import Quick
from tests.sdss.test_archive import asked, client
from tests.standin import Fault, Faults


def mock_cluster(plate: int = 16000, **changes: object) -> Cluster:
    """Part of a MOCK plate as a cluster."""
    held = make_plate(SEED, plate)
    velocity = float(np.median(held.redshift[0])) * SPEED_OF_LIGHT
    values = {
        **{"name": f"Plate {plate}", "kind": "open", "ra_deg": float(held.ra[3]), "dec_deg": float(held.dec[3])},
        **{"radius_arcmin": 25.0, "velocity_kms": velocity, "window_kms": 40.0},
        **{"age_gyr": 5.0, "age_err_gyr": 1.0, "reference": "none: MOCK"},
    }
    return Cluster(**{**values, **changes})


def expected_members(cluster: Cluster, plate: int = 16000, low: float = 0.0, high: float = 1.0) -> list[int]:
    """Members by the definition, computed independently."""
    held = make_plate(SEED, plate)
    ra, dec, ra0, dec0 = map(np.radians, (held.ra, held.dec, cluster.ra_deg, cluster.dec_deg))
    cosine = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(ra - ra0)
    near = np.degrees(np.arccos(np.clip(cosine, -1, 1))) * 60 <= cluster.radius_arcmin
    away = np.abs(held.redshift[0] * SPEED_OF_LIGHT - cluster.velocity_kms) / cluster.window_kms
    good = (held.snr[0] >= LEAST_SNR) & near & (away > low) & (away <= high)
    return [int(fiber) for fiber in held.fibers[good]]


def test_members_are_chosen_by_position_velocity_and_quality_in_one_query(sdss, tmp_path):
    cluster, server = mock_cluster(), client(sdss, tmp_path).skyserver
    found = find_members(cluster, server, tmp_path / "members")
    fibers = [(specobjid >> 38 & 0xFFF) for specobjid in found.specobjids]
    assert len(fibers) > 5 and sorted(fibers) == expected_members(cluster)
    assert found.field == len(expected_members(cluster, low=2.0, high=4.0)) / 2
    before = len(asked(sdss, "skyserver"))
    assert find_members(cluster, server, tmp_path / "members") == found and len(asked(sdss, "skyserver")) == before
    wider = mock_cluster(radius_arcmin=60.0, name="../../evil\x00" + "x" * 300)
    assert len(find_members(wider, server, tmp_path / "members").specobjids) > len(found.specobjids)
    other = mock_cluster(radius_arcmin=30.0)
    assert sorted(
        s >> 38 & 0xFFF for s in find_members(other, server, tmp_path / "members").specobjids
    ) == expected_members(other)
    assert len(list(tmp_path.rglob("*.csv"))) == len(list((tmp_path / "members").glob("*.csv"))) == 3
    kept = next((tmp_path / "members").glob("Plate*.csv"))
    kept.write_bytes(kept.read_bytes()[:-9])
    assert find_members(cluster, server, tmp_path / "members") == found, "a damaged file is queried again"


@pytest.mark.slow
def test_the_comparison_agrees_with_the_table_of_predictions(sdss, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_load", lambda model, sha256: Quick())
    near, empty = mock_cluster(), mock_cluster(name="Nowhere", ra_deg=10.0, dec_deg=-80.0)
    server = client(sdss, tmp_path).skyserver
    found = compare_clusters([near, empty], tmp_path / "out", server=server)
    row, none = found["clusters"]
    assert (
        found["mock"] is True
        and row["stars"] == len(expected_members(near))
        and none["stars"] == 0
        and "median_gyr" not in none
    )
    assert 0 < row["in_domain"] <= row["stars"] and row["p16_gyr"] <= row["median_gyr"] <= row["p84_gyr"]
    import pyarrow.parquet as pq

    table = pq.read_table(next((tmp_path / "out").glob("answers-*.parquet"))).to_pandas()
    used = table[table["in_domain"] == True]  # noqa: E712 - None is neither
    assert row["median_gyr"] == pytest.approx(10 ** (used["log_age_median"].median() - 9), abs=6e-4)
    holds = (used["log_age_p025"] <= near.log_age) & (used["log_age_p975"] >= near.log_age)
    assert row["holds_95"] == pytest.approx(holds.mean(), abs=6e-4)
    assert table["sspp_teff"].notna().all(), "SDSS's parameters are columns too"
    assert (
        found["rmse_dex"] == pytest.approx(abs(row["median_log_age"] - near.log_age), abs=6e-4)
        and found["rmse_constant_dex"] == 0.0
    )
    words = report(found)
    assert words.startswith("MOCK") and "Nowhere" in words and "baseline: mean" in words
    before = len(sdss.served)
    assert compare_clusters([near, empty], tmp_path / "out", server=server) == found and len(sdss.served) == before
    other = compare_clusters([mock_cluster(16001)], tmp_path / "out", server=server)
    assert other["clusters"][0]["in_domain"] > 0, "other stars in the same folder get a table of their own"


def test_command_line(sdss, tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_load", lambda model, sha256: Quick())
    cluster = mock_cluster(name="Test 1")
    with (tmp_path / "mine.csv").open("w", newline="") as out:
        writer = csv.DictWriter(out, list(vars(cluster)))
        writer.writeheader()
        writer.writerow(vars(cluster))
    call = ["clusters", "test1", "--table", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*call, "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "clusters.json").read_text())
    assert "Test 1" in CliRunner().invoke(app, call).stdout
    done = CliRunner().invoke(app, ["clusters", "M67", "--out", str(tmp_path / "none")])
    assert isinstance(done.exception, ArchiveError) and "no good spectrum" in str(done.exception)


def test_an_outage_gives_one_sentence_and_leaves_no_file(sdss, tmp_path):
    sdss.faults = Faults(1.0, 1, (Fault.OUTAGE,))
    with pytest.raises(ArchiveError, match="web page") as caught:
        compare_clusters([mock_cluster()], tmp_path, server=client(sdss, tmp_path, attempts=2).skyserver)
    assert "\n" not in str(caught.value) and not list(tmp_path.glob("members/*"))


def test_the_shipped_table(tmp_path):
    found = read_clusters()
    assert {"M67", "NGC 2420", "M13", "M15", "M92"} <= {cluster.name for cluster in found} and len(found) == 14
    for cluster in found:
        assert (cluster.kind == "globular") == (cluster.age_gyr > 10) and cluster.reference
    assert [cluster.name for cluster in read_clusters(names=["ngc2420", "m 13"])] == ["NGC 2420", "M13"]


@pytest.mark.parametrize("text", [None, "name,kind\nM1,open\n", "\xff", "name\n"])
def test_invalid_tables_give_one_sentence(tmp_path, text):
    path = tmp_path / "t.csv"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ParameterError) as caught:
        read_clusters(path, ["M67"])
    assert "\n" not in str(caught.value)
    with pytest.raises(ParameterError, match="must be between"):
        mock_cluster(radius_arcmin=1e4)
