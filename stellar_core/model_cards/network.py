"""Model cards of the two shipped networks."""

from __future__ import annotations

from typing import Any

from stellar_core.model_cards.descriptions import NETWORKS, Description
from stellar_core.model_cards.limit import limit_section
from stellar_core.model_cards.markdown import command, number, percent, section, table
from stellar_core.model_cards.real_stars import QUANTITIES, other_instruments, real_stars

Card = dict[str, Any]


def network_page(name: str, card: Card) -> list[str]:
    """Lines of the model card of the network ``name``."""
    words, data = NETWORKS[name], card["config"]["data"]
    fields = {**card["architecture"], "stars": card["training_stars"], "epochs": card["config"]["epochs"]}
    fields |= {"teacher": _errors(data["teacher_errors"]), "sspp": _errors(data["spp_errors"])}
    return [
        f"# {words.title}",
        "",
        words.summary,
        "",
        "**Trained and tested on MOCK spectra only**: stars drawn from MIST tracks, with emulated spectra and "
        "SDSS-like noise. No true age of a real star was used.",
        *section(
            "Model details",
            f"- **Architecture**: {words.architecture.format(**fields)}.",
            "- **Input**: flux, inverse variance and coverage on 3600-10399 Å, at rest, with gaps; 29 features of "
            f"ugriz photometry. {words.absent}",
            f"- **Output**: {words.output}. Intervals are calibrated on {card['calibration_stars']:,} other MOCK "
            "stars.",
            f"- **Weights**: `weights.safetensors`, {card['bytes'] / 1e6:.1f} MB, sha256 `{card['sha256'][:16]}...`, "
            f"made on {card['date']}.",
        ),
        *section(
            "Intended use",
            "Ages, lifetimes and stages with error bars for stars of 3500 to 9500 K from SDSS, SEGUE, BOSS or eBOSS "
            "spectra of S/N above 5. Read the verdict of the out-of-distribution check first. Not for galaxies, "
            f"quasars, white dwarfs, binaries or emission-line stars. {words.other_instruments}",
        ),
        *section(
            "Training data (MOCK)",
            f"- {words.history.format(**fields)}",
            f"- Labels: {words.labels.format(**fields)}.",
            f"- S/N {data['snr'][0]:g} to {data['snr'][1]:g}; {percent(data['boss'], 0)} from the BOSS spectrographs; "
            f"{percent(data['dusty'], 0)} behind added dust; {percent(data['missing_stretch'], 0)} with a missing "
            f"stretch; velocity errors of {data['velocity_error']:g} km/s.",
            _hidden(card["config"]),
        ),
        *_accuracy(card),
        *limit_section(card),
        *_exact_posterior(card),
        *_paper_labels(card),
        *_coverage(card, words),
        *real_stars(card),
        *other_instruments(card.get("template_fit")),
        *_out_of_distribution(card),
        *_limits(card),
        *_rebuild(name),
        *section(
            "Citation",
            "Puah & Arsovski 2025 (arXiv:2511.18477) for the task, the networks and the labels; MIST: Dotter 2016, "
            "Choi et al. 2016; for the libraries behind the MOCK spectra see `trained/spectral-emulator`. BibTeX is "
            "on the app's page *Data*.",
        ),
    ]


def _hidden(config: Card) -> str:
    """Share of the training stars that are shown without photometry, and without spectrum."""
    hidden = f"- Photometry hidden for {percent(config['photometry_dropout'], 0)}"
    if config["spectrum_dropout"]:
        hidden += f" and the spectrum for {percent(config['spectrum_dropout'], 0)}"
    if config.get("lines_alone"):
        hidden += (
            f", the broad shape for {percent(config['lines_alone'], 0)} (lines alone, with the calibration errors of "
            "other instruments)"
        )
    return f"{hidden} of the stars."


def _errors(values: list[float]) -> str:
    return f"{values[0]:g} K, {values[1]:g} dex and {values[2]:g} dex"


def _accuracy(card: Card) -> list[str]:
    views = card["metrics_mock_test"]
    full = next(iter(views.values()))
    rows = []
    for key, (name, unit, digits) in QUANTITIES.items():
        found = full[key]
        rows.append(
            [
                f"{name} ({unit})",
                *(number(view[key]["rmse"], digits) for view in views.values()),
                number(found["rmse_constant"], digits),
                number(found["r2"], 2),
            ]
        )
    stages = [number(view["stage"]["macro_f1"], 2) for view in views.values()]
    rows.append(["stage, macro F1", *stages, number(full["stage"]["macro_f1_constant"], 2), ""])
    first = next(iter(views))
    counts = ", ".join(f"{view['n']:,} with {name}" for name, view in views.items())
    low, high = full["age_range_gyr"]
    return section(
        "Accuracy on MOCK test stars",
        "RMSE against the truth, on MOCK stars that the network never saw, selected as SDSS would. The constant "
        "predictor always returns the mean.",
        "",
        *table(["", *views, "constant predictor", "R²"], rows),
        "",
        f"Stars: {counts}. Constant predictor and R² are those of {first}. CRPS, {first}: log age "
        f"{full['log_age']['crps']:.3f}, log lifetime {full['log_lifetime']['crps']:.3f} dex. Ages returned span "
        f"{low:.2g} to {high:.3g} Gyr; {full['points_older_than_their_lifetime']:,} draws are older than their "
        "lifetime.",
    )


def _exact_posterior(card: Card) -> list[str]:
    same = card.get("one_checkpoint_mock_test")
    if same is None:
        exact = card["exact_posterior_from_pipeline_parameters_mock_test"]
        rows = [
            [QUANTITIES[key][0], number(exact[key]["rmse"]), number(exact[f"paper_lookup_{key}"]["rmse"]),
             number(exact[key]["rmse_constant"])]
            for key in ("log_age", "log_lifetime")
        ]  # fmt: skip
        return section(
            "Beside the exact posterior (MOCK)",
            f"RMSE in dex on {exact['stars']} MOCK test stars, from pipeline parameters with SSPP-like errors. Both "
            "use no network; the look-up is the paper's label, and lifetime is 10 Gyr M^-2.5.",
            "",
            *table(["", "exact posterior", "nearest-point look-up", "constant predictor"], rows),
        )
    rows = []
    for key in ("log_age", "log_lifetime"):
        model, exact = same[key], same[key]["exact_posterior"]
        rows.append(
            [
                f"{QUANTITIES[key][0]}, RMSE (dex)",
                f"{model['rmse']:.3f} (R² {model['r2']:.2f})",
                f"{exact['rmse']:.3f} (R² {exact['r2']:.2f})",
                number(model["rmse_constant"]),
            ]
        )
    stage = same["stage"]
    rows.append(
        [
            "stage, macro F1",
            number(stage["natural"]["macro_f1"]),
            number(stage["exact_posterior"]["macro_f1"]),
            number(stage["natural"]["macro_f1_constant"]),
        ]
    )
    lines = [
        f"{same['stars_inside']:,} MOCK stars of S/N 20 to 80, spectrum and photometry. The exact posterior sees "
        "pipeline parameters with SSPP-like errors (75 K, 0.20 dex, 0.10 dex) under a flat prior.",
        "",
        *table(["", "network", "exact posterior", "constant predictor"], rows),
        "",
        f"With equal numbers of each stage the macro F1 is {stage['balanced']['macro_f1']:.3f}. Of {same['draws']:,} "
        f"draws {same['impossible_draws']} are impossible.",
    ]
    beside = card["crps_beside_exact_posterior"]
    age, lifetime = beside["log_age"], beside["log_lifetime"]
    by_snr = ", ".join(f"{ratio:.2f} at {group}" for group, ratio in lifetime["ratio_levelled_by_snr"].items())
    lines += [
        "",
        "Part of that lead is the prior: the network is recalibrated on MOCK stars, and so knows their mixture of "
        f"ages. With the exact posterior recalibrated alike ({beside['stars']:,} stars, S/N 5 to 80), the network's "
        f"CRPS is {age['ratio_levelled']:.2f} of the exact posterior's in log age and "
        f"{lifetime['ratio_levelled']:.2f} in log lifetime ({by_snr}). Both under the flat prior: "
        f"{age['ratio_before']:.2f} and {lifetime['ratio_before']:.2f}.",
    ]
    return section("Beside the exact posterior (MOCK)", *lines)


def _paper_labels(card: Card) -> list[str]:
    protocol = card.get("one_checkpoint_mock_test", {}).get("paper_protocol")
    if protocol is None:
        full = next(iter(card["metrics_mock_test"].values()))
        age, lifetime = full["log_age"]["against_label"], full["log_lifetime"]["against_label"]
        return section(
            "Against look-up labels (MOCK)",
            f"Against its own look-up labels, before any calibration: log age RMSE {age['rmse']:.3f} dex (constant "
            f"{age['rmse_constant']:.3f}), log lifetime {lifetime['rmse']:.3f} ({lifetime['rmse_constant']:.3f}), "
            f"stage macro F1 {full['stage']['against_label']['macro_f1']:.3f}. A label that is looked up is not an "
            "age: against the truth it is off by "
            f"{card['exact_posterior_from_pipeline_parameters_mock_test']['paper_lookup_log_age']['rmse']:.2f} dex. "
            "The calibrated result is therefore corrected and widened by the errors against the truth.",
        )
    rows = []
    for title, key in (
        ("log age RMSE (dex)", "log_age_rmse"),
        ("log lifetime RMSE (dex)", "log_lifetime_rmse"),
        ("stage, macro F1", "macro_f1"),
    ):
        rows.append([title, *(number(protocol[column][key]) for column in ("model_9", "floor", "constant"))])
        rows[-1].append(number(protocol["paper"][key], 4))
    return section(
        "Against look-up labels (MOCK)",
        "Against labels as the paper's: ages of the nearest track point to pipeline parameters, on the same stars. "
        "Here these parameters have random errors that no spectrum shows. The floor is the best possible result "
        "for one who knows the true star but not these errors: labels of one and the same star scatter by a factor "
        "of four in age.",
        "",
        *table(["", "network", "floor", "constant predictor", "paper's best, real stars"], rows),
        "",
        "The paper's labels come from parameters of the SSPP, which were measured from the same spectra: much of "
        "their error is in the spectrum and can be learned, so that this is no floor for the paper. Labels of that "
        "kind are described in [mock-pipeline](../mock-pipeline/README.md). How much the paper's networks learned "
        "its figures do not show: its ages span 2.8 to 6.1 Gyr, where a constant is off by at most 0.156 dex, and "
        "by at most 0.103 dex if the ages have a single peak.",
    )


def _coverage(card: Card, words: Description) -> list[str]:
    full = next(iter(card["metrics_mock_test"].values()))
    key, title = words.uncalibrated
    keys = ("log_age", "log_lifetime")
    rows = [
        [f"{level} %", *(percent(full[name]["coverage"][level]) for name in keys), percent(full["log_age"][key][level])]
        for level in ("68", "90", "95")
    ]
    worst = [
        max(
            abs(group[level] - int(level) / 100)
            for name, group in full[quantity]["coverage_by_group"].items()
            if not name.startswith("true")
            for level in ("68", "90", "95")
        )
        for quantity in keys
    ]
    rows.append(["largest deviation, points", *(number(100 * item, 1) for item in worst), ""])
    rows.append(["PIT, Kolmogorov-Smirnov", *(number(full[name]["pit_ks"]) for name in keys), ""])
    subgiants = full["log_lifetime"]["coverage_by_group"]["true Subgiant"]
    return section(
        "Coverage (MOCK)",
        "How often the stated interval holds the truth, with all inputs; the largest deviation over predicted stages "
        "and bins of S/N (5-10, 10-20, 20-40, 40-80).",
        "",
        *table(["interval", "log age", "log lifetime", f"log age, {title}"], rows),
        "",
        words.intervals,
        "",
        "Intervals are right for stars that look alike. Of stars that are truly subgiants almost half are classified "
        f"as dwarfs, and the 68 % interval of log lifetime holds {percent(subgiants['68'], 0)} of them.",
    )


def _out_of_distribution(card: Card) -> list[str]:
    mock, real = card["damage_mock"], card["gate_on_real_spectra"]
    full = next(iter(card["metrics_mock_test"].values()))
    rows = [
        [
            kind,
            percent(found["gate_spoke"], 0),
            number(found["auroc"]),
            *(
                [percent(real["grave"][kind]["gate_spoke"], 0), number(real["grave"][kind]["auroc"])]
                if kind in real["grave"]
                else ["", ""]
            ),
        ]
        for kind, found in mock["grave"].items()
    ]
    return section(
        "Out-of-distribution check",
        "Eight scores with a common limit of one per cent false alarms: features unlike those of training stars; "
        "lines that do not fit the inferred star, or its velocity; spikes; telluric bands; slope; photometry that "
        "disagrees; missing wavelengths.",
        "",
        f"It flags {percent(full['false_alarms_of_the_gate'])} of whole, good MOCK spectra. Of real spectra it "
        f"flagged {real['no_stars_caught']} galaxies, quasars and white dwarfs, {real['labelled_stars_refused']} "
        f"labelled stars, and {real['stars_refused']} stars in all. Share of corrupted spectra that it flags, and "
        f"AUROC ({mock['stars']} MOCK stars; {real['stars']} real spectra without photometry):",
        "",
        *table(["corruption", "flagged, MOCK", "AUROC, MOCK", "flagged, real", "AUROC, real"], rows),
        "",
        f"All kinds together: AUROC {mock['auroc']:.3f} on MOCK and {real['auroc']:.3f} on real spectra. A tilted real "
        "spectrum without photometry looks like a star behind dust.",
    )


def _limits(card: Card) -> list[str]:
    age = next(iter(card["metrics_mock_test"].values()))["log_age"]
    return section(
        "Limits",
        f"- A single age is uncertain by a factor of {10 ** age['rmse']:.1f} (RMSE {age['rmse']:.2f} dex; the constant "
        f"predictor has {age['rmse_constant']:.2f}). Dwarfs cooler than the Sun say almost nothing about their age.",
        "- Intervals rest on the mixture of ages in the MOCK survey, and on MIST; a sample with another mixture is not "
        "covered as stated.",
        "- The spectral emulator is not the sky: a classifier separates MOCK from real spectra "
        "(`trained/mock-realism`).",
        _edition(card),
    )


def _edition(card: Card) -> str:
    """Editions of the MOCK survey that the network was trained and tested on; cards without are of edition 1."""
    training, test = (card.get(key, 1) for key in ("training_mock_edition", "mock_edition"))
    if training == 1:
        kind = f"Trained on edition 1 of the MOCK survey (scaled-solar single stars), tested on edition {test}"
    else:
        kind = f"Trained on edition {training} of the MOCK survey, tested on edition {test}"
    return f"- {kind}; `stellar_core/mock/README.md` describes the editions, and how the networks do on the newest."


def _rebuild(name: str) -> list[str]:
    return section(
        "How to rebuild",
        *command(
            f"python -m stellar_core train trained/{name} --out runs/{name}  # hours",
            f"python -m stellar_core calibrate {name} --out runs/{name}  # error bars and checks only",
            f"python -m stellar_core evaluate {name}",
            f"python -m stellar_core evaluate {name} --suite real-stars --data DATA --record",
            "python -m stellar_core build cards",
        ),
        "",
        "The suites are `headline` and `agreement` (Model 9 only), `real-stars` and `corruption`; `DATA` is the "
        "folder of public data that `trained/README.md` describes. `history.json` holds the losses, "
        "`test-stars.safetensors` the test that the app shows.",
    )
