"""The figure for print in all file formats."""

import re

import numpy as np
import pytest

from stellar_core.errors import ParameterError
from stellar_core.figures.kiel import KielStar, Track
from stellar_core.figures.publication import printed_star
from stellar_core.figures.star_diagram import Draws

STAR = KielStar(
    "x",
    (5600.0, 5700.0, 5850.0),
    (4.1, 4.3, 4.4),
    Draws(np.linspace(5650, 5750, 9), np.linspace(4.4, 4.2, 9) ** 2 / 4.3),
)


def draw(kind, **more):
    flux = np.sin(np.arange(500) / 20) + 3
    flux[50:60] = np.nan
    tracks = [Track(1.0, np.array([5700.0, 5000.0]), np.array([4.5, 3.0]))]
    ages = np.linspace(2, 6, 200)
    return printed_star(
        kind,
        "MOCK 16000-1",
        np.linspace(3800, 9200, 500),
        flux,
        STAR,
        tracks,
        ages,
        (3.0, 4.0, 5.0),
        lines=[(6564.6, "Hα")],
        **more,
    )


@pytest.mark.slow
def test_pdf_is_180_mm_wide_with_embedded_fonts():
    data = draw("pdf")
    assert data.startswith(b"%PDF") and data.rstrip().endswith(b"%%EOF")
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", data)
    assert float(box[1]) / 72 * 25.4 == pytest.approx(180, abs=1)
    assert b"/FontFile2" in data, "TrueType letters, not outlines"


def test_svg_contains_all_labels():
    text = draw("svg", trusted=False).decode()
    for words in ("MOCK 16000-1", "Hα", "4.0 (+1.0, −1.0) Gyr", "Age (Gyr)", "not reliable", "Subgiant"):
        assert words in text, words


def test_png_is_written_and_unknown_formats_are_rejected():
    assert draw("png").startswith(b"\x89PNG")
    with pytest.raises(ParameterError, match="pdf, svg, png"):
        draw("exe")
