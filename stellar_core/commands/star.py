"""The commands that take one star or a few: ``identify``, ``label`` and ``predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from stellar_core.model_store import DEFAULT_MODEL
from stellar_core.terminal import emit, show

commands = typer.Typer()


@commands.command(context_settings={"ignore_unknown_options": True})
def identify(
    text: Annotated[list[str], typer.Argument(help="specObjID, plate-MJD-fiber, plate and fiber, file name or URL.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Find the SDSS spectrum that an identifier names."""
    from stellar_core.lookup import identify as identify_star

    found = identify_star(" ".join(text))
    if as_json:
        emit(found)
    else:
        show(found)


@commands.command()
def label(
    teff: Annotated[float | None, typer.Option(help="Effective temperature, K.")] = None,
    logg: Annotated[float | None, typer.Option(help="log g, dex(cm/s2).")] = None,
    feh: Annotated[float | None, typer.Option(help="Surface [Fe/H], dex.")] = None,
    errors: Annotated[str, typer.Option(help="Standard deviations K,DEX,DEX.")] = "75,0.2,0.1",
    table: Annotated[Path | None, typer.Option(help="CSV or Parquet table of stars instead of one star.")] = None,
    out: Annotated[Path | None, typer.Option(help="File of the labelled table, .parquet or .csv.")] = None,
    imf: Annotated[str, typer.Option(help="Prior on mass: kroupa or chabrier.")] = "kroupa",
    age_prior: Annotated[str, typer.Option(help="Prior on age: uniform or log-uniform.")] = "uniform",
    feh_prior: Annotated[str, typer.Option(help="Prior on [Fe/H]: flat or 'disc and halo'.")] = "flat",
    population: Annotated[
        str, typer.Option(help="flat, or Galaxy: ages and [Fe/H] of the thin disc, thick disc and halo.")
    ] = "flat",
    alpha_fe: Annotated[
        float | None,
        typer.Option(help="[alpha/Fe], dex; 0 is the paper's. By default all that the Galaxy has at that [Fe/H]."),
    ] = None,
    alpha_fe_err: Annotated[float, typer.Option(help="Standard deviation of [alpha/Fe], dex.")] = 0.0,
    parallax: Annotated[
        str | None, typer.Option(help="Parallax and error MAS,MAS, corrected for the zero point; needs --mag.")
    ] = None,
    mag: Annotated[
        list[str] | None, typer.Option(help="Magnitude BAND=MAG,ERR of u g r i z (AB), G BP RP J H Ks (Vega); repeat.")
    ] = None,
    av: Annotated[str | None, typer.Option(help="Extinction A_V and error MAG,MAG; else marginalised.")] = None,
    systematics: Annotated[
        bool, typer.Option(help="Correct the models for their systematic errors, and add those that remain.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Age, mass, lifetime and stage from Teff, log g and [Fe/H], by MIST isochrones."""
    from stellar_core.isochrones.alpha_enhancement import AlphaEnhancement
    from stellar_core.isochrones.label import label_file, label_star, parse_errors, sentences
    from stellar_core.isochrones.photometric_likelihood import parse_light
    from stellar_core.isochrones.priors import Priors
    from stellar_core.progress import ProgressLine

    priors = Priors(imf=imf, age=age_prior, feh=feh_prior, population=population)
    alpha = AlphaEnhancement(alpha_fe, alpha_fe_err)
    if table is not None:
        line = ProgressLine(sys.stderr)
        written = label_file(table, out, priors, alpha, systematics, line)
        line.close()
        emit(written) if as_json else show(written)
        return
    light = parse_light(parallax, mag or [], av)
    found = label_star(teff, logg, feh, parse_errors(errors), priors, alpha, systematics, light)
    emit(found) if as_json else show(sentences(found))


@commands.command(context_settings={"ignore_unknown_options": True})
def predict(
    inputs: Annotated[list[str], typer.Argument(help="Spectrum files or SDSS identifiers.")],
    model: Annotated[str, typer.Option(help="Name of a model in trained/.")] = DEFAULT_MODEL,
    samples: Annotated[int, typer.Option(help="Number of MC dropout passes.")] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the dropout passes.")] = 0,
    isochrones: Annotated[bool, typer.Option(help="Add the exact isochrone posterior to each result.")] = False,
    population: Annotated[
        str, typer.Option(help="Prior of the neural posterior: flat, or Galaxy (then without recalibration).")
    ] = "flat",
    parallax: Annotated[
        str, typer.Option(help="Parallax of every input and its error, MAS,MAS, corrected for Gaia's zero point.")
    ] = "",
    gaia: Annotated[bool, typer.Option("--gaia", help="Look every star up in Gaia DR3 and use its parallax.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of results as JSON.")] = False,
) -> None:
    """Age, lifetime and stage from spectra; exits with status 2 if no input gave a result."""
    from stellar_core.astrometry import parse_parallax
    from stellar_core.inference.estimator import Estimator
    from stellar_core.inference.predict import predict as predict_all
    from stellar_core.inference.predict import summary_line
    from stellar_core.isochrones.priors import Priors

    given = parse_parallax(parallax) if parallax else None
    estimator = Estimator.load(model)
    if population != "flat":
        estimator = estimator.with_priors(Priors(population=population))
    found = []
    for item in predict_all(inputs, estimator, samples, seed, isochrones, parallax=given, gaia=gaia):
        found.append(item)
        if not as_json and "error" not in item:
            sys.stdout.write(summary_line(item) + "\n")
        elif "error" in item:
            sys.stderr.write(f"error: {item['input'][:100]}: {item['error']}\n")
    if as_json:
        emit(found)
    if all("error" in item for item in found):
        raise typer.Exit(2)
