"""Figures of the comparison with the Bayes limit as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from stellar_core.inference.mc_dropout import QUANTITIES

#: Names of the columns of a group, of age and lifetime each.
_COLUMNS = "".join(f"{name:>8}" for name in ("RMSE", "R2", "CRPS", "68 %"))


def text(found: Mapping[str, object]) -> str:
    """The output of `comparison.measure` as tables."""
    effective = found["effective_samples"]
    lines = [
        f"{found['stars']} {found['what']}.",
        f"Prior: {found['samples']:,} samples; effective per star {effective['median']:.0f} in the median, "
        f"{effective['p05']:.0f} for one star in twenty; {found['seconds_per_star']:.2f} s of processor per star.",
    ]
    for group in found["gap"]:
        lines += ["", *_group(found, group)]
    lines += ["", f"{'RMSE (scatter) of Teff (K), log g, [Fe/H]':<40}{'network':<46}limit"]
    for row in found["atmosphere_by_snr"]:
        cells = (_atmosphere(row[method]) for method in ("network", "limit"))
        lines.append(
            f"{row['group']}, S/N {row['snr']} ({row['n']})".ljust(40) + "".join(f"{cell:<46}" for cell in cells)
        )
    return "\n".join(line.rstrip() for line in lines)


def _group(found: Mapping[str, object], group: str) -> list[str]:
    gap, check = found["gap"][group], found["check"][group]
    lines = [
        f"{'':<26}{'log age':^32}{'log lifetime':^32}stage",
        f"{group} ({found['methods']['limit'][group]['n']})".ljust(26) + 2 * _COLUMNS + "  macro F1",
    ]
    for method, scores in found["methods"].items():
        row = scores[group]
        cells = (
            f"{row[name]['rmse']:8.3f}{row[name]['r2']:8.2f}{row[name]['crps']:8.4f}"
            f"{100 * row[name]['coverage']['68']:8.0f}"
            for name in ("log_age", "log_lifetime")
        )
        lines.append(f"{method:<26}{''.join(cells)}{row['stage']['macro_f1']:10.3f}")
    chi2 = check["chi2_per_parameter"]
    return [
        *lines,
        "(network - limit) / (constant - limit) in CRPS: "
        + ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in gap.items()),
        f"limit: chi2 / 3 of the true atmosphere {'unknown' if chi2 is None else f'{chi2:.2f}'}, without "
        f"{check['stars_with_few_samples']} stars of few samples; the 68, 90 % intervals hold "
        + ", ".join(
            f"{name.replace('_', ' ')} {100 * check[name]['68']:.0f}, {100 * check[name]['90']:.0f}"
            for name in QUANTITIES
        ),
    ]


def _atmosphere(errors: Mapping[str, Mapping[str, float]]) -> str:
    return "  ".join(
        f"{errors[name]['rmse']:.{digits}f} ({errors[name]['scatter']:.{digits}f})"
        for name, digits in (("teff", 0), ("logg", 3), ("feh", 3))
    )
