"""Text of the benchmark for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from stellar_core.evaluation.real_ages.record import ERRORS

#: Key in the metrics, head and format of each column.
AGES = (
    ("n", "n", "d"),
    ("rmse", "RMSE", ".3f"),
    ("rmse_constant", "const", ".3f"),
    ("r2", "R2", ".2f"),
    ("bias", "bias", "+.3f"),
    ("coverage_68", "68 %", ".0%"),
    ("coverage_95", "95 %", ".0%"),
    ("crps", "CRPS", ".3f"),
    ("crps_sample", "const", ".3f"),
    ("truth_error", "truth", ".3f"),
)
MASSES = (
    ("n", "n", "d"),
    ("bias", "bias %", "+.1f"),
    ("scatter", "scat %", ".1f"),
    ("rms", "RMS %", ".1f"),
    ("coverage_68", "68 %", ".0%"),
    ("coverage_95", "95 %", ".0%"),
    ("truth_error", "truth", ".1f"),
)
PAIRS = (
    ("pairs", "pairs", "d"),
    ("rms_difference", "RMS", ".3f"),
    ("rms_difference_unrelated", "const", ".3f"),
    ("within_1_sigma", "68 %", ".0%"),
    ("within_2_sigma", "95 %", ".0%"),
    ("median_pull", "pull", ".2f"),
)
#: A stage of fewer stars has no line of its own.
FEWEST = 3
_NAME, _COLUMN = 36, 7


def text(found: Mapping[str, object]) -> str:
    """Write the result of `benchmark.measure` as tables of text."""
    lines = []
    for errors, title in ERRORS.items():
        for quantity, columns, unit in (("age", AGES, "log age (dex)"), ("mass", MASSES, "mass")):
            lines += [f"{title}: {unit}", _row("", [head for _, head, _ in columns])]
            for sample in found["samples"].values():
                measured = sample[errors].get(quantity, {})
                for stage, metrics in measured.items():
                    if stage == "all" or (len(measured) > 2 and metrics["n"] >= FEWEST):
                        name = sample["title"] if stage == "all" else f"  {stage}s"
                        lines.append(_row(name, [format_value(metrics[key], form) for key, _, form in columns]))
            lines.append("")
    lines += ["Two components of eclipsing binaries: log age (dex)", *_binaries(found["binaries"]), ""]
    if found["parallaxes"]:
        lines += ["Without log g, from magnitudes: log age (dex)", _row("", [head for _, head, _ in AGES])]
        for sample in found["parallaxes"].values():
            for kind in ("without", "with"):
                name = f"{sample['title'].partition(':')[0]}, {kind} parallax"
                lines.append(_row(name, [format_value(sample[kind][key], form) for key, _, form in AGES]))
        lines.append("")
    lines += [_count(sample) for sample in found["samples"].values()]
    floor = found["samples"].get("kepler_legacy", {}).get("published", {}).get("age", {}).get("all", {})
    if floor.get("pipelines_scatter") is not None:
        lines.append(
            f"Seven seismic pipelines differ on the LEGACY stars by {floor['pipelines_scatter']:.3f} dex (RMS)."
        )
    lines += [
        "",
        "RMSE, bias: posterior mean minus truth. const: one age for all, the mean of the sample; for CRPS the",
        "distribution of its ages; for binaries components of different systems. truth: RMS error of the truth.",
        "68 %, 95 %: intervals that contain the truth, whose own error is included; for binaries, pairs within 1 and 2",
        "sigma. pull: median absolute difference in sigma, 0.67 expected.",
        f"Models: {found['models']}; {found['seconds']:.0f} s.",
    ]
    return "\n".join(lines)


def format_value(value: float | None, form: str) -> str:
    """Format a number; a dash if there is none."""
    return "-" if value is None else format(value, form)


def _row(name: str, cells: list[str]) -> str:
    return f"{name:<{_NAME}}" + "".join(f"{cell:>{_COLUMN}}" for cell in cells)


def _binaries(found: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[str]:
    lines = [_row("", [head for _, head, _ in PAIRS])]
    for errors, title in ERRORS.items():
        for name, words in (("all", title), ("informative", "  both known to 0.2 dex")):
            pairs = found[errors][name]
            lines.append(_row(words, [format_value(pairs.get(key), form) for key, _, form in PAIRS]))
    return lines


def _count(sample: Mapping[str, object]) -> str:
    published = sample["published"]
    left_out = [
        f"{published[key]} {words}"
        for key, words in (
            ("outside_models", "outside the models"),
            ("bad_input", "without usable input"),
            ("without_truth", "without age or mass"),
        )
        if published[key]
    ]
    return f"{sample['title']}: {published['used']} of {published['stars']} rows used" + (
        f" ({', '.join(left_out)})" if left_out else ""
    )
