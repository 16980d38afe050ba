"""Folders of the project: the repository, the trained models, and those that environment variables can move."""

from __future__ import annotations

import os
from pathlib import Path

#: Folder that holds app.py, stellar_core and trained.
REPOSITORY = Path(__file__).resolve().parents[1]
#: Models and tables that ship with the project.
TRAINED_DIR = REPOSITORY / "trained"


def runs_folder() -> Path:
    """Return the folder of training jobs: STELLAR_RUNS_DIR, else ``runs`` in the repository."""
    return Path(os.environ.get("STELLAR_RUNS_DIR") or REPOSITORY / "runs")


def adopted_folder() -> Path:
    """Return the folder of models adopted from training jobs: ``models`` in `runs_folder`."""
    return runs_folder() / "models"


def cache_folder() -> Path:
    """Return the folder of fetched data: STELLAR_CACHE_DIR, else ``~/.cache/stellar-ages-explorer``."""
    return Path(os.environ.get("STELLAR_CACHE_DIR") or Path.home() / ".cache" / "stellar-ages-explorer")


def survey_folder() -> Path:
    """Return the folder that ``fetch survey`` fills for the app: STELLAR_SURVEY_DIR, else ``survey`` in the cache."""
    return Path(os.environ.get("STELLAR_SURVEY_DIR") or cache_folder() / "survey")


def catalogue_folder() -> Path:
    """Return the folder of the MOCK catalogue and of saved selections: ``catalogue`` in the cache."""
    return cache_folder() / "catalogue"


def tracks_folder() -> Path:
    """Return the folder of MIST archives that the app fetches: ``mist`` in the cache."""
    return cache_folder() / "mist"
