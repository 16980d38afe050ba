"""Sections of a network's card on REAL stars: of SDSS, of the libraries, and of other instruments."""

from __future__ import annotations

from typing import Any

from stellar_core.model_cards.markdown import number, percent, section, signed, table

Card = dict[str, Any]

#: Quantity on the card -> its name, its unit and the decimals of its errors.
QUANTITIES = {
    "log_age": ("log age", "dex", 3),
    "log_lifetime": ("log lifetime", "dex", 3),
    "teff": ("Teff", "K", 0),
    "logg": ("log g", "dex", 3),
    "feh": ("[Fe/H]", "dex", 3),
}


def real_stars(card: Card) -> list[str]:
    """Labelled REAL stars: atmospheres of the network, with and without photometry, and ages beside isochrone fits."""
    rows = [
        [
            f"{found['sample']} ({found['n']})",
            *(
                f"{signed(found[f'{key}_bias'], digits)}, {number(found[f'{key}_scatter'], digits)}"
                for key, digits in (("teff", 0), ("logg", 2), ("feh", 2))
            ),
        ]
        for found in card["real_stars_spectrum_alone"]["samples"]
    ]
    sspp = card["gate_on_real_spectra"]["sspp"]
    plain, widened = (
        ", ".join(f"{QUANTITIES[key][0]} {percent(sspp[key][name], 0)}" for key in ("teff", "logg", "feh"))
        for name in ("covered_68", "covered_68_with_the_errors_of_the_sspp")
    )
    lines = [
        "Real stars have no known age, so only the atmosphere can be compared. Network minus label, from the "
        "spectrum alone: median and scatter (1.4826 MAD). Labels are those of the SSPP for SDSS and published ones "
        "for the others. The SDSS stars were never used in training; the libraries are those that the emulator was "
        "fitted to, and the published temperatures of MILES and STELIB are not on the emulator's scale.",
        "",
        *table(["sample (stars)", "Teff (K)", "log g (dex)", "[Fe/H] (dex)"], rows),
        "",
        "The labelled SDSS stars are all metal-poor, of 5200 to 6900 K. The 68 % intervals hold the SSPP value for "
        f"{plain}; with the SSPP's own errors added, {widened}.",
    ]
    lines += _real_photometry(card.get("real_photometry"))
    agreement = card.get("agreement_with_sspp_real_stars")
    if agreement:
        given, same = agreement["delivered"], agreement["same_prior"]
        lines += [
            "",
            f"On {agreement['stars']} of them the mean log age differs from that of the isochrone engine, given the "
            f"SSPP's parameters, by {given['median_absolute_difference']:.3f} dex in the median, and the 68 % "
            f"intervals overlap for {percent(given['overlap_68'], 0)}; under the same flat prior by "
            f"{same['median_absolute_difference']:.3f} dex ({percent(same['overlap_68'], 0)}). The prior alone is "
            f"within {agreement['prior_difference']:.3f} dex: such stars say little about their ages.",
        ]
    return section("Real stars", *lines)


def _real_photometry(found: Card | None) -> list[str]:
    """Labelled SDSS stars with and without the photometry of their files."""
    if not found:
        return []
    rows = [
        [row["case"], f"{row['n']}"]
        + [
            f"{signed(row[f'{name}_bias'], digits)} ± {number(row[f'{name}_scatter'], digits)}, "
            f"{number(row[f'{name}_rms'], digits)}"
            for name, digits in (("teff", 0), ("logg", 2), ("feh", 2))
        ]
        for row in found["rows"]
    ]
    return [
        "",
        f"With the photometry of the files (CALIBFLUX; used for {found['with_photometry']} of {found['stars']}): "
        "median difference ± scatter, and RMS. Noise was added to the spectra for S/N 10 and 5, copies of the same "
        "stars. The last rows leave out, one after the other, what makes the photometry useful: the search for faulty "
        "bands, the change from AB to SDSS's zero points, and the extinction of the dust map.",
        "",
        *table(["case", "spectra", "Teff (K)", "log g (dex)", "[Fe/H] (dex)"], rows),
    ]


def other_instruments(found: Card | None) -> list[str]:
    """Labelled stars of SDSS and of another survey, by the network and by a fit of template spectra."""
    if not found:
        return []
    rows = [
        [f"{row['sample']} ({row['n']})", "network" if row["method"] == "network" else "template fit"]
        + [
            f"{signed(row[f'{name}_bias'], digits)} ± {number(row[f'{name}_scatter'], digits)}"
            for name, digits in (("teff", 0), ("logg", 2), ("feh", 2))
        ]
        + [str(row["wild"])]
        for row in found["rows"]
    ]
    return section(
        "Spectra of other instruments",
        "REAL stars with labels of the SSPP (SDSS) and of LASP (LAMOST), and MOCK stars with their truth; the spectrum "
        "alone. The template fit is a chi-square fit of emulated lines without any network. LAMOST knows its flux "
        "calibration only relatively, and its blue lines are filled in: such spectra are estimated from their lines "
        "alone. Wild answers are off by more than 1 dex in [Fe/H].",
        "",
        *table(["sample (stars)", "method", "Teff (K)", "log g (dex)", "[Fe/H] (dex)", "wild"], rows),
    )
