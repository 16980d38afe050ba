"""A model that is trained in several stages, each from the weights of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.models.isochrone_config import IsochroneConfig
from stellar_core.paths import TRAINED_DIR
from stellar_core.pipeline.train_model import STARS, train_model
from stellar_core.training.checkpoint import NEWEST
from stellar_core.training.config import TrainingConfig


def stages(folder: Path) -> list[TrainingConfig]:
    """Return the configurations of a model's folder in order: ``stage-1.json``, ..., and last ``config.json``.

    Raises
    ------
    ParameterError
        If a configuration is absent or invalid, or starts from a model that is neither an earlier stage nor
        another model in ``trained/``.
    """
    found = [TrainingConfig.read(path) for path in [*sorted(folder.glob("stage-*.json")), folder / "config.json"]]
    made: list[str] = []
    for config in found:
        start = config.start_from
        last = found[-1].name
        if start and start not in made and (start == last or not (TRAINED_DIR / start / "card.json").exists()):
            raise ParameterError(
                f"The configuration {config.name} in {folder.name} starts from {start}, which no earlier stage makes.",
                value=start,
            )
        made.append(config.name)
    return found


def train_chain(folder: Path, out: Path | None = None, **callbacks: Callable) -> dict[str, object] | None:
    """Train all stages of a model, then calibrate and test the last one on as many stars as `recalibrate`.

    Parameters
    ----------
    folder : Path
        As in `stages`.
    out : Path, optional
        Folder of the finished model, ``trained/<name>`` by default; the earlier stages are written beside it. An
        interrupted chain continues from there.
    **callbacks
        ``say``, ``report``, ``progress`` and ``stop`` of `train_model`.

    Returns
    -------
    dict or None
        The card of the last stage; None if stopped.
    """
    configs = stages(Path(folder))
    out = TRAINED_DIR / configs[-1].name if out is None else Path(out)
    for config in configs[:-1]:
        target = out.parent / config.name
        if not _is_finished(target, config) and train_model(config, target, **callbacks) is None:
            return None
    last = configs[-1]
    n = STARS["isochrone" if isinstance(last.model, IsochroneConfig) else "dropout"]
    return train_model(replace(last, data=replace(last.data, calibration=n, test=n)), out, **callbacks)


def _is_finished(folder: Path, config: TrainingConfig) -> bool:
    """Whether ``folder`` holds the finished model of ``config``."""
    written = folder / "config.json"
    if not (folder / "card.json").exists() or (folder / NEWEST).exists() or not written.exists():
        return False
    return TrainingConfig.read(written).settings() == config.settings()
