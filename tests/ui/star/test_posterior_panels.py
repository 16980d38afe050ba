from stellar_core.ui.star.posterior_panels import sentence_on_prior


def test_the_sentence_on_the_prior_gives_ages_in_gyr():
    other = {"population": "Galaxy", "log_age": {"p16": 9.9, "median": 10.03, "p84": 10.1}, "prior_dominated": True}
    text = sentence_on_prior(other)
    assert "10.7 Gyr, 68 % 7.9 to 12.6 Gyr" in text and "Galaxy" in text
