"""What follows from the paper's own numbers."""

from stellar_core.experiments.paper_checks import checks


def test_the_statements_have_the_numbers():
    text = {found["title"]: found["text"] for found in checks()}
    assert "at most 0.103 dex, and by at most 0.156 dex" in text["The constant predictor"]
    assert "too young by 0.055 dex or more" in text["The bias of Setup A"]
    assert "at most 0.075 dex are scatter" in text["The bias of Setup A"]
    assert "Model 1 (0.4494)" in text["Table 4 beside the range of ages"] and "Model 3" not in " ".join(text.values())
