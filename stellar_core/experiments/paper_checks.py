"""What follows from the numbers that the paper prints, without any run of ours."""

from __future__ import annotations

from stellar_core.experiments import published as paper


def checks() -> list[dict[str, str]]:
    """Return statements on the paper's own figures: ``title`` and ``text``."""
    low, high, mean = paper.LABEL_AGES
    any_shape, one_peak = paper.largest_spread(), paper.largest_single_peaked_spread()
    setup_a = paper.TABLE_7["A"]
    bias = paper.least_bias(setup_a.ages[2])
    scatter = (setup_a.age_rmse**2 - bias**2) ** 0.5
    worse = [f"Model {n} ({item.age_rmse:.4f})" for n, item in paper.TABLE_4.items() if item.age_rmse > any_shape]
    return [
        {
            "title": "The constant predictor",
            "text": f"The paper prints none. Its test ages span {low} to {high} Gyr with mean {mean} (Tables 6 and 7). "
            f"Whatever single-peaked distribution has this range and mean, one age for all stars is off by at most "
            f"{one_peak:.3f} dex, and by at most {any_shape:.3f} dex for any distribution. An age RMSE of "
            f"{setup_a.age_rmse:.3f} can therefore not be told from that of a constant.",
        },
        {
            "title": "The bias of Setup A",
            "text": f"Its predicted ages have a mean of {setup_a.ages[2]} Gyr, the labels {mean} Gyr (Table 7). In log "
            f"age it is too young by {bias:.3f} dex or more, so that of its RMSE of {setup_a.age_rmse:.3f} dex at most "
            f"{scatter:.3f} dex are scatter.",
        },
        {
            "title": "Table 4 beside the range of ages",
            "text": f"If the test stars of Table 4 are those of Table 6, both of Experiment B, these models are worse "
            f"than one age for all stars: {', '.join(worse)}.",
        },
        {
            "title": "Tables 6 and 7",
            "text": "They print the same true range and mean of ages, though Table 6 is of the balanced stars of "
            "Experiment B and Table 7 of the full sample.",
        },
    ]
