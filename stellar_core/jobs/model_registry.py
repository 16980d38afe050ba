"""Adoption of finished jobs as models of the app."""

from __future__ import annotations

import os
import re
import secrets
import shutil

from stellar_core.errors import ModelError, ParameterError, StorageError
from stellar_core.files import read_json, write_text
from stellar_core.jobs.folder import Job
from stellar_core.model_store import adopted_models, card_text, read_model
from stellar_core.paths import TRAINED_DIR, adopted_folder

#: Valid names of models; they are parts of URLs and names of folders.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


def model_name(text: str) -> str:
    """Turn ``text`` into a valid name of a model: lower case, no spaces."""
    return re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")[:60]


def adopt(job: Job, name: str = "") -> str:
    """Copy the model of a finished job to the app's models under ``name``.

    Parameters
    ----------
    job : Job
    name : str
        The job's name by default. Existing models, shipped or adopted, are never replaced.

    Returns
    -------
    str
        The name of the model.

    Raises
    ------
    ParameterError
        If the job is not done, or the name is invalid or taken.
    ModelError
        If the job's model is damaged.
    StorageError
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
        raise ModelError(f"The model of job {job.id} is not a network.", value=job.id)
    draft = adopted_folder() / f".{name}-{secrets.token_hex(4)}"
    try:
        draft.mkdir(parents=True)
        for file in ("weights.safetensors", "config.json", "history.json"):
            if (job.model / file).exists():
                shutil.copy2(job.model / file, draft / file)
        write_text(draft / "card.json", card_text({**card, "name": name, "adopted_from_job": job.id}))
        os.rename(draft, target)  # fails if another process was first: a folder with files is never replaced
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise StorageError(f"The model {name} cannot be written: {error}.", value=name) from None
    return name


def adopted_from(job: Job) -> list[str]:
    """Return the names of the models adopted from ``job``."""
    return [name for name, card in adopted_models().items() if card.get("adopted_from_job") == job.id]


def describe(job: Job) -> None:
    """Add the training stars and the job to the card of the job's model."""
    path = job.model / "card.json"
    try:
        card = dict(read_json(path))
        was = str(card["what"]).partition(", trained on")[0]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(f"The card of job {job.id} cannot be read ({type(error).__name__}).", value=job.id) from None
    source, training = job.config.source, job.config.training
    if source.kind == "table":
        learned = "trained on the stars of a labelled table"
    elif source.kind == "catalogue":
        learned = (
            f"trained on stars of the survey {card['survey']}"
            if source.store
            else "trained on stars of the MOCK survey"
        )
    elif source.labels == "truth":
        learned = "trained on the true parameters of MOCK stars"
    else:
        learned = "trained on MOCK stars"
    words = [learned, *(f"{name} {low:g} to {high:g}" for name, (low, high) in source.ranges.items())]
    if training.start_from:
        words.append(f"started from the weights of {training.start_from}")
    words.append(str(card.get("tested_on", "calibrated and tested on other MOCK stars")))
    what: dict[str, object] = {"what": f"{was}; {', '.join(words)}"}
    if source.labels == "truth":
        what["data"] = (
            "MOCK: emulated spectra of stars drawn from MIST; trained on the true age, lifetime and stage of each"
        )
    job_words = {
        "id": job.id,
        "name": job.name,
        "source": {name: getattr(source, name) for name in ("kind", "ranges", "labels")},
        "threads": job.config.threads,
    }
    write_text(path, card_text({**card, **what, "job": job_words}))
