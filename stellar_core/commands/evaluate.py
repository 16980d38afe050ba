"""The command that tests a network: ``evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.terminal import emit, show

commands = typer.Typer()


@commands.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    stars: Annotated[
        int | None, typer.Option(min=2, help="Number of MOCK test stars: 300 by default, 600 for the suite limit.")
    ] = None,
    suite: Annotated[
        str,
        typer.Option(
            help="Run this suite instead: headline, real-stars, photometry, template-fit, corruption, realism, "
            "agreement, limit, labels or real-ages."
        ),
    ] = "",
    data: Annotated[
        Path | None, typer.Option(help="Suite: folder of public data with REAL stars; see trained/README.md.")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Suite: also write the figures into the card.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write the model's stored test as one HTML page instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Accuracy and coverage on MOCK test stars, beside the constant predictor and the exact posterior."""
    if report is not None:
        from stellar_core.evaluation.html_report import write_report
        from stellar_core.evaluation.stored_predictions import read_test

        write_report(read_test(model), report)
        emit({"report": str(report)}) if as_json else typer.echo(f"The report is in {report}.")
    elif suite:
        from stellar_core.pipeline.suites import TEXTS

        found = _run_suite(model, suite, data, record, stars)
        emit(found) if as_json or suite not in TEXTS else typer.echo(TEXTS[suite](found))
    else:
        from stellar_core.evaluation.mock_evaluation import evaluate as evaluate_model
        from stellar_core.inference.estimator import Estimator

        found = evaluate_model(Estimator.load(model), stars or 300)
        if as_json:
            emit(found)
        else:
            show({name: value for name, value in found.items() if name not in ("details", "exact_posterior")})


def _run_suite(model: str, suite: str, data: Path | None, record: bool, stars: int | None) -> dict[str, object]:
    from stellar_core.errors import ParameterError
    from stellar_core.pipeline import suites
    from stellar_core.progress import ProgressLine

    if suite not in suites.SUITES:
        names = ", ".join(suites.SUITES)
        raise ParameterError(f"There is no suite {suite!r}.", value=suite, remedy=f"There are {names}.")
    line = ProgressLine(sys.stderr)
    sized = {"stars": stars} if stars is not None and suite in suites.SIZED else {}
    found = suites.SUITES[suite](model, data, line, **sized)
    line.close()
    if record:
        suites.record(suite, model, found)
    return found
