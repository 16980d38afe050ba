"""The command that tests a network: ``evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.terminal import emit, show

commands = typer.Typer()


@commands.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    stars: Annotated[int, typer.Option(help="Number of MOCK test stars.")] = 300,
    report: Annotated[Path | None, typer.Option(help="Write the model's stored test as one HTML page instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Accuracy and coverage on MOCK test stars, beside the constant predictor and the exact posterior."""
    if report is not None:
        from stellar_core.evaluation.html_report import write_report
        from stellar_core.evaluation.stored_predictions import read_test

        write_report(read_test(model), report)
        emit({"report": str(report)}) if as_json else typer.echo(f"The report is in {report}.")
        return
    from stellar_core.evaluation.mock_evaluation import evaluate as evaluate_model
    from stellar_core.inference.estimator import Estimator

    found = evaluate_model(Estimator.load(model), stars)
    if as_json:
        emit(found)
    else:
        show({name: value for name, value in found.items() if name not in ("details", "exact_posterior")})
