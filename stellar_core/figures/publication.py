"""Figure of one star for print: spectrum, Kiel diagram and age.

Drawn by matplotlib, because Plotly needs a browser to write PDF, SVG or PNG.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from stellar_core.errors import ParameterError
from stellar_core.figures.credible_region import credible_regions
from stellar_core.figures.kiel import LOGG_VIEW, TEFF_VIEW, KielStar, Track, stage_label, stage_regions
from stellar_core.figures.label_layout import group_lines, label_rows
from stellar_core.figures.palette import LIGHT, Palette
from stellar_core.histogram import Histogram
from stellar_core.quantities import AGE
from stellar_core.stages import DEFAULT_THRESHOLDS

#: Width and height, inch: two columns of a journal, 180 mm.
SIZE = (7.09, 5.6)
FORMATS = ("pdf", "svg", "png")
_STYLE = {
    "font.size": 8,
    "axes.linewidth": 0.6,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "axes.unicode_minus": True,
    "font.family": "DejaVu Sans",
}


def printed_star(
    kind: str,
    title: str,
    wavelength: np.ndarray,
    flux: np.ndarray,
    star: KielStar,
    tracks: Sequence[Track],
    ages: np.ndarray,
    interval: tuple[float, float, float],
    *,
    lines: Sequence[tuple[float, str]] = (),
    y_title: str = "Flux",
    trusted: bool = True,
    palette: Palette = LIGHT,
) -> bytes:
    """Draw the figure and return the bytes of its file.

    Parameters
    ----------
    kind : {"pdf", "svg", "png"}
        PNG has 300 dots per inch.
    title : str
        Above the spectrum; marks MOCK stars.
    wavelength, flux : (n_pixel,) float
        Rest wavelength in vacuum, Angstrom, and flux, NaN where masked.
    star : KielStar
    tracks : sequence of Track
    ages : (n_draw,) float
        Gyr.
    interval : (p16, median, p84)
        Of the age, Gyr.
    lines : sequence of (wavelength, label)
        Angstrom, at rest.
    trusted : bool
        False adds a warning.

    Raises
    ------
    ParameterError
        For any other ``kind``.
    """
    if kind not in FORMATS:
        raise ParameterError(f"Unknown format of a figure: {kind!r}. Use one of {', '.join(FORMATS)}.", value=kind)
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=SIZE, layout="constrained")
        grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1], height_ratios=[1, 1.15])
        _spectrum(figure.add_subplot(grid[0, :]), title, wavelength, flux, lines, y_title, palette)
        _kiel(figure.add_subplot(grid[1, 0]), star, tracks, palette)
        _age(figure.add_subplot(grid[1, 1]), ages, interval, palette)
        if not trusted:
            figure.text(
                0.5,
                0.5,
                "unlike the stars the model was trained on: not reliable",
                color=palette.warning,
                ha="center",
                size=11,
            )
        data = io.BytesIO()
        figure.savefig(data, format=kind, dpi=300, metadata={"Date": None} if kind == "svg" else None)
    return data.getvalue()


def _spectrum(axes, title, wavelength, flux, lines, y_title, palette) -> None:
    axes.plot(wavelength, flux, lw=0.5, color=palette.data)
    low, high = np.nanquantile(flux, [0.0005, 0.998])
    room = 0.08 * (high - low)
    axes.set(xlim=(np.nanmin(wavelength), np.nanmax(wavelength)), ylim=(low - room, high + 3.4 * room))
    seen = [group for group in group_lines(lines) if axes.get_xlim()[0] < group[0] < axes.get_xlim()[1]]
    scale = (axes.get_xlim()[1] - axes.get_xlim()[0]) / (SIZE[0] * 72)  # Angstrom per point
    rows = label_rows([group[0] for group in seen], [(3.9 * len(group[1]) + 5) * scale for group in seen], 3)
    for (first, label, members), row in zip(seen, rows):
        for place in members:
            axes.axvline(place, lw=0.3, color=palette.muted, alpha=0.6, zorder=0)
        if row is not None:
            axes.annotate(
                label,
                (first, 0.985 - 0.07 * row),
                xycoords=("data", "axes fraction"),
                xytext=(1.5, 0),
                textcoords="offset points",
                va="top",
                size=6,
                color=palette.ink,
            )
    axes.set_xlabel("Rest wavelength (Å, vacuum)")
    axes.set_ylabel(y_title)
    axes.set_title(title, loc="left", size=9)


def _kiel(axes, star, tracks, palette) -> None:
    for index, teff, logg, (label_teff, label_logg) in stage_regions(DEFAULT_THRESHOLDS):
        axes.fill(teff, logg, color=palette.stages[index], alpha=0.10, lw=0)
        axes.text(
            label_teff,
            label_logg,
            stage_label(index, "\n"),
            color=palette.stages[index],
            size=6,
            ha="center",
            va="center",
        )
    for track in tracks:
        axes.plot(track.teff, track.logg, lw=0.6, color=palette.muted)
        if TEFF_VIEW[1] < track.teff[0] < TEFF_VIEW[0]:
            axes.text(track.teff[0], track.logg[0] + 0.16, f"{track.mass:g}", size=6, color=palette.muted, ha="center")
    if star.draws is not None:
        for outlines, shade in zip(credible_regions(star.draws.x, star.draws.y), (0.2, 0.4)):
            for outline in outlines:
                axes.fill(*outline.T, facecolor=palette.accent, edgecolor=palette.accent, lw=0.5, alpha=shade)
    errors = [[[middle - low], [high - middle]] for low, middle, high in (star.teff, star.logg)]
    axes.errorbar(
        star.teff[1],
        star.logg[1],
        yerr=errors[1],
        xerr=errors[0],
        fmt="*",
        ms=9,
        color=palette.accent,
        mec="white",
        mew=0.5,
        elinewidth=1,
        capsize=2,
    )
    teff = max(TEFF_VIEW[0], star.teff[1] + 300), min(TEFF_VIEW[1], star.teff[1] - 300)
    axes.set(xlim=teff, ylim=(max(LOGG_VIEW[0], star.logg[1] + 0.3), min(LOGG_VIEW[1], star.logg[1] - 0.3)))
    axes.set_xlabel(r"Effective temperature $T_{\mathrm{eff}}$ (K)")
    axes.set_ylabel("Surface gravity log g (dex)")


def _age(axes, ages, interval, palette) -> None:
    counted = Histogram.of(ages, AGE.limits)
    axes.bar(counted.centres, counted.counts, width=0.94 * counted.width, color=palette.draws, alpha=0.75, lw=0)
    axes.axvspan(interval[0], interval[2], color=palette.draws, alpha=0.15, lw=0)
    axes.axvline(interval[1], color=palette.ink, lw=1)
    low, middle, high = interval
    axes.set_title(f"{middle:.1f} (+{high - middle:.1f}, −{middle - low:.1f}) Gyr", loc="right", size=8)
    axes.set(xlim=(counted.edges[0], counted.edges[-1]), yticks=[])
    axes.set_xlabel("Age (Gyr)")
    axes.set_ylabel("draws")
