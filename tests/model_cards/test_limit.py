"""Section of a card about the Bayes limit."""

from stellar_core.model_cards.limit import limit_section


def scores(crps: float) -> dict[str, object]:
    one = {"rmse": 0.2, "r2": 0.5, "crps": crps, "crps_se": 0.003, "coverage": {"68": 0.68, "90": 0.9, "95": 0.95}}
    return {"n": 30, "log_age": one, "log_lifetime": one, "stage": {"macro_f1": 0.9, "accuracy": 0.9}}


def test_a_card_without_the_figures_has_no_section():
    assert limit_section({}) == []


def test_the_section_gives_the_figures_of_the_card():
    groups = ("all", "single", "pairs")
    crps = {"constant": 0.15, "network": 0.11, "limit": 0.08, "network with parallax": 0.1, "limit with parallax": 0.07}
    error = {name: {"rmse": value, "scatter": value} for name, value in (("teff", 39.0), ("logg", 0.1), ("feh", 0.08))}
    coverage = {"68": 0.67, "90": 0.9, "95": 0.95}
    gap = {f"{name}{part}": 0.43 for name in ("log_age", "log_lifetime") for part in ("", "_with_parallax")}
    found = {
        "stars": 60,
        "methods": {method: {group: scores(value) for group in groups} for method, value in crps.items()},
        "gap": dict.fromkeys(groups, gap),
        "check": {group: {"log_age": coverage} for group in groups},
        "atmosphere_by_snr": [{"group": "all", "snr": "40-80", "n": 9, "network": error, "limit": error}],
    }
    page = "\n".join(limit_section({"bayes_limit_mock_test": found}))
    for text in (
        "## Beside the limit of the data (MOCK)",
        "| all stars (30) |",
        "| Bayes limit | 0.200 | 0.50 | 0.0800 |",
        "| network, with parallax | 0.200 | 0.50 | 0.1000 |",
        "0.43 in log age",
        "hold 67 % and 90 % of all stars",
        "| 40-80 (9) | 39 | 39 | 0.10 |",
    ):
        assert text in page, text
    assert max(map(len, page.splitlines())) < 700
