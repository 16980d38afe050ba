"""Section of a network's card: how far it is from what the data allow."""

from __future__ import annotations

from typing import Any

from stellar_core.model_cards.markdown import number, percent, section, table

#: Rows of the table: method on the card -> name.
_METHODS = {
    "constant": "constant predictor",
    "network": "network",
    "limit": "Bayes limit",
    "network with parallax": "network, with parallax",
    "limit with parallax": "Bayes limit, with parallax",
}
#: Quantity, its digits.
_ATMOSPHERE = (("teff", 0), ("logg", 2), ("feh", 2))


def limit_section(card: dict[str, Any]) -> list[str]:
    """Lines about ``bayes_limit_mock_test`` on the card; none without it."""
    found = card.get("bayes_limit_mock_test")
    if found is None:
        return []
    lines = [
        f"What {found['stars']:,} MOCK test stars (S/N 5 to 80, spectrum and photometry) allow at most: the posterior "
        "from the likelihood of all pixels and magnitudes, with the errors of calibration, sky, dust and velocity "
        "marginalised, and the mock's own population as prior. It knows the emulator and all these distributions, so "
        "no method reaches it on real stars. The constant predictor gives each star the distribution of the survey.",
        "",
    ]
    for group, title in (("all", "all stars"), ("single", "single stars")):
        rows = [
            [
                name,
                *(
                    number(score[key][measure], digits)
                    for score in (found["methods"][method][group],)
                    for key in ("log_age", "log_lifetime")
                    for measure, digits in (("rmse", 3), ("r2", 2), ("crps", 4))
                ),
                number(found["methods"][method][group]["stage"]["macro_f1"], 3),
            ]
            for method, name in _METHODS.items()
        ]
        header = [
            f"{title} ({found['methods']['limit'][group]['n']})",
            *(f"{name}, {measure}" for name in ("log age", "log lifetime") for measure in ("RMSE", "R²", "CRPS")),
            "stage, macro F1",
        ]
        lines += [*table(header, rows), ""]
    gap = found["gap"]["all"]
    held = {
        group: " and ".join(percent(found["check"][group]["log_age"][level], 0) for level in ("68", "90"))
        for group in ("all", "single", "pairs")
    }
    lines += [
        "(network - limit) / (constant - limit) in CRPS: "
        f"{gap['log_age']:.2f} in log age and {gap['log_lifetime']:.2f} in log lifetime; with parallax "
        f"{gap['log_age_with_parallax']:.2f} and {gap['log_lifetime_with_parallax']:.2f}. Check of the limit: its 68 "
        f"and 90 % intervals of log age hold {held['all']} of all stars, {held['single']} of single stars and "
        f"{held['pairs']} of unresolved pairs.",
        "",
        "RMSE of the atmosphere by S/N, all stars:",
        "",
        *table(
            [
                "S/N (stars)",
                *(f"{name}, {who}" for name in ("Teff (K)", "log g", "[Fe/H]") for who in ("network", "limit")),
            ],
            (
                [f"{row['snr']} ({row['n']})"]
                + [
                    number(row[method][name]["rmse"], digits)
                    for name, digits in _ATMOSPHERE
                    for method in ("network", "limit")
                ]
                for row in found["atmosphere_by_snr"]
                if row["group"] == "all"
            ),
        ),
        "",
        "Made by `python -m stellar_core evaluate isochrone --suite limit --record`.",
    ]
    return section("Beside the limit of the data (MOCK)", *lines)
