"""A finished job becomes a model of the app."""

from __future__ import annotations

import os
import re
import secrets
import shutil

from stellar_core.errors import ArchiveError, ModelError, ParameterError
from stellar_core.files import read_json, write_text
from stellar_core.jobs.folder import Job
from stellar_core.model_store import adopted_models, card_text, read_model
from stellar_core.paths import TRAINED_DIR, adopted_folder

#: What names of models look like: they stand in addresses and are names of folders.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


def model_name(text: str) -> str:
    """``text`` as the name of a model: lower case, no spaces."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:60]


def adopt(job: Job, name: str = "") -> str:
    """Copy the model of a finished job to the app's models.

    Parameters
    ----------
    job : Job
    name : str
        The job's own by default. Models that are there, shipped or adopted, are never replaced.

    Returns
    -------
    str
        The name of the model.

    Raises
    ------
    ParameterError
        If the job is not done, or the name is no name or taken.
    ModelError
        If the job's model is damaged.
    ArchiveError
        If it cannot be written.
    """
    if job.status().state != "done":
        raise ParameterError(f"Job {job.id} is not done; only a finished run can be adopted.", value=job.id)
    name = name.strip() or model_name(job.name)
    if not _NAME.fullmatch(name):
        raise ParameterError(
            f"{name[:60]!r} cannot be the name of a model.",
            value=name,
            remedy="Use lower-case letters, digits, dots, dashes and underscores.",
        )
    target = adopted_folder() / name
    if (TRAINED_DIR / name).exists() or target.exists():
        raise ParameterError(f"There is a model {name} already.", value=name, remedy="Choose another name.")
    _, card = read_model(job.model)
    if "architecture" not in card:
        raise ModelError(f"The model of job {job.id} is no network.", value=job.id)
    draft = adopted_folder() / f".{name}-{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        for file in ("weights.safetensors", "config.json", "history.json"):
            if (job.model / file).exists():
                shutil.copy2(job.model / file, draft / file)
        write_text(draft / "card.json", card_text({**card, "name": name, "adopted_from_job": job.id}))
        os.rename(draft, target)  # fails where another has come first: a folder that holds files is never replaced
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise ArchiveError(f"The model {name} cannot be written: {error}.", value=name) from None
    return name


def adopted_from(job: Job) -> list[str]:
    """Names of the models that were adopted from ``job``."""
    return [name for name, card in adopted_models().items() if card.get("adopted_from_job") == job.id]


def describe(job: Job) -> None:
    """Say on the card of a job's model what it was taught on, and in which job."""
    path = job.model / "card.json"
    try:
        card = dict(read_json(path))
        was = str(card["what"]).partition(", trained on")[0]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"The card of job {job.id} cannot be read ({type(error).__name__}).", value=job.id) from None
    source, training = job.config.source, job.config.training
    if source.kind == "table":
        learned = "learned from the stars of a labelled table"
    elif source.kind == "catalogue":
        learned = "learned from stars of the survey store" if source.store else "learned from stars of the MOCK survey"
    elif source.labels == "truth":
        learned = "learned from MOCK stars what they truly are"
    else:
        learned = "learned from MOCK stars"
    words = [learned, *(f"{name} {low:g} to {high:g}" for name, (low, high) in source.ranges.items())]
    if training.start_from:
        words.append(f"started from the weights of {training.start_from}")
    words.append("calibrated and tested on other MOCK stars")
    what = {"what": f"{was}; {', '.join(words)}"}
    if source.labels == "truth":
        what["data"] = (
            "MOCK: emulated spectra of stars drawn from MIST; taught the true age, lifetime and stage of each"
        )
    told = ("kind", "ranges", "labels")
    job_words = {
        "id": job.id,
        "name": job.name,
        "source": {name: getattr(source, name) for name in told},
        "threads": job.config.threads,
    }
    write_text(path, card_text({**card, **what, "job": job_words}))
