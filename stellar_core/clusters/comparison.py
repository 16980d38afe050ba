"""Compare predicted ages of cluster stars with ages of the clusters in the literature."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stellar_core.batch.inputs import Request
from stellar_core.batch.job import Batch, run_batch
from stellar_core.clusters.literature import Cluster
from stellar_core.clusters.members import Members, find_members
from stellar_core.errors import ArchiveError
from stellar_core.files import write_bytes
from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.network.retries import Retries
from stellar_core.progress import Progress
from stellar_core.sdss.skyserver import SkyServer

_COLUMNS = (
    "specobjid",
    "in_domain",
    "source",
    *(f"log_age_{part}" for part in ("p025", "p16", "median", "p84", "p975")),
)


def compare_clusters(
    clusters: Sequence[Cluster],
    out: Path,
    model: str = DEFAULT_MODEL,
    *,
    workers: int = 1,
    give_up: bool = False,
    progress: Progress = lambda *args: None,
    server: SkyServer | None = None,
) -> dict[str, object]:
    """Find members, predict their ages, and compare. The same call continues an interrupted one.

    Parameters
    ----------
    clusters : sequence of Cluster
    out : Path
        Folder for the members of each cluster, the predictions (a table for each choice of stars and model),
        and ``clusters.json`` with the returned values.
    model : str
    workers, give_up, progress
        As `stellar_core.batch.job.run_batch`.
    server : SkyServer, optional

    Returns
    -------
    dict
        ``clusters``: for each cluster its name, kind, ``stars``, ``in_domain`` (numbers of stars), ``field_stars``
        expected among the members, ``literature_gyr``, ``literature_err_gyr``, ``reference``; and of the stars in the
        domain, if any, ``median_gyr`` and ``median_log_age`` of their medians, ``p16_gyr`` and ``p84_gyr`` of these,
        ``typical_error_dex`` (half the 68 % interval of a star), ``holds_68`` and ``holds_95`` (fraction of stars whose
        interval contains the literature's age).
        ``rmse_dex`` of the clusters' medians, ``rmse_constant_dex`` of the constant mean of the literature's ages,
        ``model``, ``mock``.

    Raises
    ------
    ArchiveError
        If SDSS cannot be queried, or has no star of these clusters.
    """
    server = server or SkyServer(timeout=60.0, retries=Retries(attempts=6, first_wait=1.0))
    members = []
    for done, cluster in enumerate(clusters):
        progress("clusters queried", done, len(clusters))
        members.append(find_members(cluster, server, out / "members"))
    listed = sorted({specobjid for found in members for specobjid in found.specobjids})
    if not listed:
        raise ArchiveError("SDSS has no good spectrum of a star in these clusters.")
    text = ("specObjID\n" + "\n".join(map(str, listed)) + "\n").encode()
    name = hashlib.sha256(text + model.encode()).hexdigest()[:10]
    path, table = out / f"members-{name}.csv", out / f"answers-{name}.parquet"
    write_bytes(path, text)
    request = Request(listed=str(path), served=True)
    summary = run_batch(Batch.of(request, model), table, workers=workers, give_up=give_up, progress=progress)
    predictions = _read(table)
    rows = [_compare(found, predictions) for found in members]
    result = {"model": model, "mock": summary["mock"], "clusters": rows, **_scores(rows)}
    write_bytes(out / "clusters.json", (json.dumps(result, indent=1) + "\n").encode())
    return result


def _read(path: Path) -> dict[int, dict[str, object]]:
    """Read the predictions by specObjID, without stars in error."""
    import pyarrow.parquet as pq

    rows = pq.read_table(path, columns=[*_COLUMNS, "error"]).to_pylist()
    return {int(row["specobjid"]): row for row in rows if row["error"] is None}


def _compare(members: Members, predictions: dict[int, dict[str, object]]) -> dict[str, object]:
    """Return the row of one cluster."""
    cluster = members.cluster
    stars = [
        predictions[specobjid]
        for specobjid in members.specobjids
        if specobjid in predictions and predictions[specobjid]["in_domain"]
    ]
    row: dict[str, object] = {
        **{"name": cluster.name, "kind": cluster.kind, "stars": len(members.specobjids), "in_domain": len(stars)},
        **{
            "field_stars": round(members.field, 1),
            "literature_gyr": cluster.age_gyr,
            "literature_err_gyr": cluster.age_err_gyr,
        },
        "reference": cluster.reference,
    }
    if not stars:
        return row
    age = {
        part: np.array([star[f"log_age_{part}"] for star in stars]) for part in ("p025", "p16", "median", "p84", "p975")
    }
    low, middle, high = 10.0 ** (np.quantile(age["median"], [0.16, 0.5, 0.84]) - 9.0)
    return {
        **row,
        **{
            "median_log_age": round(float(np.median(age["median"])), 4),
            "median_gyr": round(float(middle), 3),
            "p16_gyr": round(float(low), 3),
            "p84_gyr": round(float(high), 3),
        },
        "typical_error_dex": round(float(np.median(age["p84"] - age["p16"]) / 2), 3),
        "holds_68": round(float(np.mean((age["p16"] <= cluster.log_age) & (cluster.log_age <= age["p84"]))), 3),
        "holds_95": round(float(np.mean((age["p025"] <= cluster.log_age) & (cluster.log_age <= age["p975"]))), 3),
    }


def _scores(rows: Sequence[dict[str, object]]) -> dict[str, object]:
    """Return the RMSE of the clusters' median log ages, and that of their constant mean."""
    pairs = [(row["median_log_age"], 9.0 + np.log10(row["literature_gyr"])) for row in rows if "median_log_age" in row]
    if not pairs:
        return {}
    ours, theirs = np.array(pairs, dtype=float).T
    return {
        "rmse_dex": round(float(np.sqrt(np.mean((ours - theirs) ** 2))), 3),
        "rmse_constant_dex": round(float(theirs.std()), 3),
    }


def report(found: dict[str, object]) -> str:
    """Format the result of `compare_clusters` as a table for a terminal."""
    text = io.StringIO()
    text.write("MOCK stars in place of SDSS's.\n" if found["mock"] else "")
    text.write(
        "cluster     stars  used  field   ours (Gyr), central 68 %  literature (Gyr)   within 68 %  within 95 %\n"
    )
    for row in found["clusters"]:
        text.write(f"{row['name']:<10} {row['stars']:>6} {row['in_domain']:>5} {row['field_stars']:>6.1f}   ")
        if "median_gyr" in row:
            text.write(f"{row['median_gyr']:>5.2f}, {row['p16_gyr']:>5.2f} to {row['p84_gyr']:>5.2f}      ")
            text.write(f"{row['literature_gyr']:>5.2f} ± {row['literature_err_gyr']:.2f}    ")
            text.write(f"{100 * row['holds_68']:>8.0f} %   {100 * row['holds_95']:>8.0f} %\n")
        else:
            text.write(
                f"{'no star in the domain':<26} {row['literature_gyr']:>5.2f} ± {row['literature_err_gyr']:.2f}\n"
            )
    if "rmse_dex" in found:
        text.write(
            f"RMSE of the clusters in log age: {found['rmse_dex']:.3f} dex; "
            f"baseline: mean, {found['rmse_constant_dex']:.3f} dex."
        )
    return text.getvalue().rstrip()
