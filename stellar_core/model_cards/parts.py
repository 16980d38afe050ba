"""Model cards of what the MOCK survey and the networks are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stellar_core.model_cards.markdown import command, number, section, signed, table

Card = dict[str, Any]


def _head(title: str, card: Card, *summary: str) -> list[str]:
    size = f"{card['bytes'] / 1e6:.1f} MB" if card.get("bytes", 0) > 1e5 else f"{card.get('bytes', 0):,} bytes"
    weights = (
        f"`weights.safetensors`, {size}, sha256 `{card['sha256'][:16]}...`, made on {card['date']}."
        if "sha256" in card
        else f"`card.json` alone, of {card['date']}; there are no weights."
    )
    return [f"# {title}", "", *summary, "", weights]


def _rebuild(*lines: str) -> list[str]:
    """The commands that make the part, and what DATA is."""
    return section(
        "How to rebuild",
        *command(*lines),
        "",
        "`DATA` is the folder of public data that `trained/README.md` describes.",
    )


def track_emulator(card: Card) -> list[str]:
    """MIST's tracks as a table."""
    axes, errors = card["axes"], card["metrics"]
    rows = []
    for title, found in (
        ("at its nodes", errors["at_nodes"]["all"]),
        ("between masses", errors["between_nodes"]["mass"]["all"]),
        ("between metallicities", errors["between_nodes"]["feh"]["all"]),
    ):
        rows.append([title, number(found["teff_K"]["median"], 1), number(found["teff_K"]["p99"], 0)])
        rows[-1] += [number(found[name][part], 4) for name in ("logg_dex", "log_age_dex") for part in ("median", "p99")]
    return [
        *_head(
            "track-emulator: MIST tracks as a table",
            card,
            f"{card['source']}: {axes['n_mass']} masses of {axes['mass_msun'][0]:g} to {axes['mass_msun'][1]:g} Msun, "
            f"{len(axes['feh'])} metallicities of {axes['feh'][0]:g} to {axes['feh'][-1]:g} dex, {axes['n_eep']} of "
            f"the EEPs {axes['eep'][0]} to {axes['eep'][1]}; linear interpolation at fixed EEP, 16 bits a number. log "
            f"g is {card['log_g']}.",
        ),
        *section("Why a table", card["why_a_table"]),
        *section(
            "Errors",
            "Median and 99th percentile against MIST's own points; between nodes a node is left out and interpolated "
            "from its neighbours, so that the step is twice that of use.",
            "",
            *table(["", "Teff, median (K)", "99 %", "log g (dex)", "99 %", "log age (dex)", "99 %"], rows),
        ),
        *_rebuild(
            "python -m stellar_core build tracks DATA",
            "python -m stellar_core fetch mist --out mist/ && python -m stellar_core build tracks mist/  # from MIST "
            "itself",
        ),
        *section("Citation", "; ".join(card["references"]) + "; MESA: Paxton et al. 2011, 2013, 2015, 2018."),
    ]


def isochrone_cells(card: Card) -> list[str]:
    """Stars that the network `isochrone` chooses between."""
    prior = card["priors"]
    return [
        *_head(
            "isochrone-cells: the stars that Model 9 chooses between",
            card,
            f"{card['cells']:,} representative points of the tracks with prior weights, in {card['voxels']:,} bins of "
            f"log Teff, log g and surface [Fe/H] ({', '.join(f'{step:g}' for step in card['voxel'])} dex) and in "
            f"steps of {card['age_step_dex']:g} dex of log age. Each has a short segment of the tracks, on "
            "which its draws lie.",
        ),
        *section(
            "Prior",
            f"IMF {prior['imf']}; age {prior['age']} to {prior['max_age_gyr']:g} Gyr; [Fe/H] {prior['feh']}. Tracks: "
            f"{card['tracks']}.",
        ),
        *section("How to rebuild", *command("python -m stellar_core build cells")),
        *section("Citation", "MIST: Choi et al. 2016, Dotter 2016."),
    ]


def spectral_emulator(card: Card) -> list[str]:
    """Atmosphere to spectrum."""
    scale, groups = card["temperature_scale"], card["held_out_line_residual_3850_7350"]
    every, kept = groups["all held-out stars"], groups["without those named as outliers"]
    rows = [
        [
            teff,
            f"{every[teff]['stars']}",
            number(every[teff]["rms"]),
            f"{kept[teff]['stars']}",
            number(kept[teff]["rms"]),
        ]
        + [number(kept[teff]["signal"])]
        for teff in every
    ]
    libraries = ", ".join(f"{name} {count}" for name, count in card["sources"].items())
    moved = "; ".join(f"{signed(added, 0)} K at {star}" for star, added in scale["added_K"].items())
    return [
        *_head(
            "spectral-emulator: Teff, log g and [Fe/H] to a spectrum of 3600-10399 Å",
            card,
            f"A network of line spectra fitted to empirical libraries ({libraries} spectra), times a continuum of "
            f"{card['continuum']}. It is the source of all MOCK spectra. Resolution: {card['resolution']}.",
        ),
        *section(
            "Errors",
            f'RMS residual of line spectra on 3850-7350 Å, {card["held_out"]}; "signal" is the RMS of the line spectra '
            "about 1.",
            "",
            *table(["Teff", "stars", "RMS", "stars without outliers", "RMS", "signal"], rows),
            "",
            f"{card['held_out_note']}. {len(card['outliers_left_out'])} outliers are named on the card, each with its "
            "cause, and left out of the fit.",
        ),
        *section(
            "Temperature scale",
            "The published temperatures of MILES and STELIB were moved onto the g-r scale of MIST's bolometric "
            f"corrections (zero point 16 Cyg A and B; {scale['stars']} stars, scatter {scale['scatter_K']:.0f} K; no "
            f"SDSS star was used): {moved}. Before, the networks found real SDSS stars 100 K too cool.",
        ),
        *section(
            "Limits",
            f"Valid within {card['domain']['teff_K'][0]} to {card['domain']['teff_K'][1]} K, near a library star. "
            f"Outside: {card['domain']['outside']}.",
        ),
        *_rebuild(
            "python -m stellar_core build emulator DATA",
            "python -m stellar_core build emulator --miles DIR --stelib DIR --ck04 DIR  # from the authors' "
            "distributions",
        ),
        *section(
            "Citation",
            "MILES: Sanchez-Blazquez et al. 2006, Falcon-Barroso et al. 2011; STELIB: Le Borgne et al. 2003; BOSS "
            "templates: Kesseli et al. 2017; Castelli & Kurucz 2004.",
        ),
    ]


def mock_instrument(card: Card) -> list[str]:
    """Noise, resolution, sky and gaps."""
    rows = [
        [name]
        + [f"{found['files']}", number(found["median_sky_flux"], 1), number(found["sky_line_residual_fraction"], 4)]
        + [", ".join(f"{100 * error:.1f}" for error in found["calibration_error_4000_6500_9000_A"])]
        + [number(found["spikes_per_spectrum"], 1), number(found["median_noise_over_ivar"], 2)]
        for name, found in card["instruments"].items()
    ]
    return [
        *_head(
            "mock-instrument: the MOCK spectrographs",
            card,
            "Noise, line spread, sky residuals and gaps of the SDSS and BOSS spectrographs, learned from real files: "
            "of them only these enter the MOCK survey, no stellar spectrum.",
        ),
        *section(
            "Figures",
            *table(
                ["", "real files", "sky flux", "sky line residual", "calibration error at 4000, 6500, 9000 Å (%)"]
                + ["spikes a spectrum", "noise / ivar"],
                rows,
            ),
            "",
            f"{card['borrowed']}.",
        ),
        *_rebuild("python -m stellar_core build instrument DATA"),
        *section("Citation", "SDSS DR17: Abdurro'uf et al. 2022."),
    ]


def dust_map(card: Card) -> list[str]:
    """E(B-V) of the SFD map."""
    return [
        *_head("dust-map: reddening by the Galaxy", card, f"{card['what']}; at most {card['largest_mag']:.2f} mag."),
        *section("Source", f"{card['data']}."),
        *section("Error", f"Against the full map, {card['against_full_map']}."),
        *section("How to rebuild", *command(card["command"])),
        *section("Citation", "Schlegel, Finkbeiner & Davis 1998, ApJ 500, 525."),
    ]


def gaia_photometry(card: Card) -> list[str]:
    """Bolometric corrections of Gaia and 2MASS."""
    return [
        *_head("gaia-photometry: magnitudes of Gaia and 2MASS", card, f"{card['what']}."),
        *section("Source", f"{card['data']}."),
        *_rebuild(card["command"]),
    ]


def mock_photometry(card: Card) -> list[str]:
    """Colours and extinction."""
    zero = ", ".join(f"{band} {signed(value, 3)}" for band, value in card["zero_point_mag"].items())
    return [
        *_head(
            "mock-photometry: ugriz of MOCK stars",
            card,
            f"Bolometric corrections, band extinctions (F99, R_V 3.1) and the reddening curve. Data: {card['data']}.",
        ),
        *section("Zero points", f"Added, mag: {zero}. {card['zero_point_note']}"),
        *_rebuild("python -m stellar_core build photometry DATA"),
        *section("Citation", "Choi et al. 2016; Fitzpatrick 1999; SDSS DR17: Abdurro'uf et al. 2022."),
    ]


def mock_pipeline(card: Card) -> list[str]:
    """Parameters from MOCK spectra."""
    sizes = [
        f"{values[0]:g} K, {values[1]:g} dex and {values[2]:g} dex"
        for values in (card["common_scale"], card["own_scale"])
    ]
    return [
        *_head(
            "mock-pipeline: parameters of MOCK stars as the SSPP gives them",
            card,
            f"{card['what']}. {len(card['methods'])} methods compare parts of the spectrum, and the colours, with "
            f"templates: {card['data']}. Networks never see these parameters as input; labels are looked up from them.",
        ),
        *section(
            "Errors put in",
            "The templates have a parameter scale of their own, as the grids of the SSPP do: smooth functions of Teff, "
            f"log g and [Fe/H] with standard deviations of {sizes[0]}, common to all methods, and {sizes[1]}, of each "
            "method. Nothing is drawn at random for a star: its errors follow from its spectrum and colours alone.",
        ),
        *(_pipeline_errors(card["errors"]) if "errors" in card else []),
        *(_label_table(card["labels"]) if "labels" in card else []),
        *section(
            "How to rebuild",
            *command(card["command"], "python -m stellar_core evaluate --suite labels --data DATA --record"),
        ),
        *section("Citation", "; ".join(card["references"]) + "."),
    ]


def _pipeline_errors(found: Card) -> list[str]:
    """Errors against the truth and quoted errors, beside the SSPP's."""
    digits, again, published = (0, 2, 2), found["repeats"], found["published"]

    def values(numbers: list[float | None]) -> str:
        return ", ".join("-" if one is None else number(one, places) for one, places in zip(numbers, digits))

    rows = []
    for row in [*found["by_snr"], *found["by_teff"]]:
        name, unit = ("snr", "S/N {}-{}") if "snr" in row else ("teff", "{}-{} K, S/N above 20")
        bias = ", ".join(signed(one, places) for one, places in zip(row["bias"], digits))
        rows.append([unit.format(*row[name]), f"{row['stars']:,}", bias, values(row["rms"]), values(row["quoted"])])
        rows[-1].append(values(row["sspp"]) if "sspp" in row else "-")
    shared = ", ".join(f"{100 * part:.0f} %" for part in again["shared"])
    return section(
        "Errors (MOCK)",
        f"{found['what']}. The last column has the median errors that the SSPP quotes for real stars of like S/N or "
        "Teff, which were selected metal-poor.",
        "",
        *table(["", "stars", "bias", "RMS", "quoted", "quoted by the SSPP"], rows),
        "",
        f"Published for the SSPP: external errors {values(published['external'])} at S/N above 50, which include those "
        f"of the high-resolution spectra; scatter between its methods {values(published['internal'])}; two spectra of "
        f"a G dwarf at S/N 30 scatter by {published['repeats'][0]:.0f} K. Here two spectra of one star "
        f"(S/N {again['snr'][0]:g}-{again['snr'][1]:g}, {again['stars']} stars) scatter by {values(again['scatter'])}.",
        "",
        f"Of the squared error, {shared} in Teff, log g, [Fe/H] are common to both spectra of a star: the parameter "
        "scale. The rest is noise of spectrum and photometry. All of it follows from the spectrum and the photometry.",
    )


def _label_table(rows: list[Card]) -> list[str]:
    """How much of the labels can be learned."""
    keys = ("r2_true_star", "r2_exact_posterior", "r2_spectrum")
    cells = [
        [f"{row['pipeline']}, {row['look_up']}", f"{100 * row['young']:.1f}", number(row["spread"])]
        + [f"{number(row[key])} ± {number(row[f'{key}_std'])}" for key in keys]
        for row in rows
    ]
    return section(
        "Labels of log age (MOCK)",
        f"Share of labels below 0.5 Gyr (of the stars {100 * rows[0]['young_true']:.1f} %), their spread, and R² of "
        "three predictions of the label: the mean label of stars of the same true atmosphere, the mean age of the "
        "exact posterior from the pipeline's parameters (after a linear fit), and a kernel regression on spectrum and "
        f"colours with {rows[0]['train_stars']:,} stars. A constant has 0, the pipeline's own look-up 1. Independent: "
        "random errors of 75 K, 0.20 dex, 0.10 dex. "
        f"Stars as in the paper's sample; mean and standard deviation over {rows[0]['seeds']} seeds.",
        "",
        *table(["pipeline, look-up", "young (%)", "spread (dex)", "true star", "exact posterior", "spectrum"], cells),
    )


def mock_population(card: Card) -> list[str]:
    """Selection by colour."""
    return [
        *_head(
            "mock-population: which stars the MOCK survey takes",
            card,
            f"{card['what']}. Data: {card['data']}; {card['stars_drawn']:,} stars drawn. `comparison.safetensors` "
            "holds the MOCK and the real catalogue, binned, for the app's page *Mock survey*. Edition "
            f"{card.get('edition', 1)} of the survey.",
        ),
        *section(
            "Populations",
            "Thin disc, thick disc, halo and blue stragglers, with [alpha/Fe] of their own and unresolved companions "
            "(`stellar_core/mock/README.md`). The true age of a blue straggler is that of its population; its apparent "
            "age is a column of its own. Blue stragglers are left out where intervals are calibrated and tested.",
        ),
        *_rebuild("python -m stellar_core build population DATA", "python -m stellar_core build comparison DATA"),
        *section("Citation", "SDSS DR17: Abdurro'uf et al. 2022; Gunn et al. 2006."),
    ]


def mock_realism(card: Card) -> list[str]:
    """How far MOCK spectra are from real ones."""
    found = card["classifier"]
    rows = [[reason["what"], f"{reason['auc']:.3f} ± {reason['auc_error']:.3f}"] for reason in found["reasons"]]
    growth = [
        [f"{row['stars']:,}", f"{signed(row['teff_bias'], 0)}, {row['teff_scatter']:.0f}"]
        + [f"{signed(row[f'{key}_bias'], 2)}, {number(row[f'{key}_scatter'], 2)}" for key in ("logg", "feh")]
        for row in card["growth"]
        if row["sample"] == "SDSS"
    ]
    return [
        *_head(
            "mock-realism: how far MOCK spectra are from real ones",
            card,
            f"A classifier separates {found['mock_stars']} MOCK from {found['real_stars']} real SDSS spectra of like "
            f"stars with an AUC of {found['auc']:.3f} ± {found['auc_error']:.3f} (0.5: indistinguishable; the same "
            f"procedure on MOCK stars alone gives {found['chance']['auc']:.2f} ± {found['chance']['auc_error']:.2f}).",
        ),
        *section(
            "Where they differ",
            "AUC from one group of features alone:",
            "",
            *table(["features", "AUC"], rows),
            "",
            f"From the flux as a network sees it {found['prepared_flux']['auc']:.3f}, from summary numbers of flux "
            f"and ivar {found['raw_flux_and_ivar']['auc']:.3f}. {card['classifier_note']}.",
        ),
        *section(
            "Error on real SDSS stars against the number of MOCK training stars",
            f"Network minus SSPP, median and scatter; {card['growth_note']}.",
            "",
            *table(["MOCK stars", "Teff (K)", "log g (dex)", "[Fe/H] (dex)"], growth),
        ),
        *section(
            "How to repeat", *command("python -m stellar_core evaluate paper-setup-a --suite realism --data DATA")
        ),
    ]


def model_errors(card: Card) -> list[str]:
    """Systematic errors of the tracks."""
    found, error = card["parameters"], card["errors"]
    titles = {
        "metallicity_scale": "subtracted from [Fe/H] of the tracks (dex)",
        "dwarf_shift": "added to log Teff of dwarfs at fixed luminosity",
        "giant_shift": "the same for giants of log g 2.5",
        "giant_slope": "its change per dex of [Fe/H]",
    }
    rows = [
        [title, f"{number(found[name], 4)} ± {number(error[name], 4)}"]
        + [number(card["halves"][half]["parameters"][name], 4) for half in "ab"]
        for name, title in titles.items()
    ]
    tests = [
        [f"{group}, half {'ba'['ab'.index(half)]} with the fit of {half}", str(one["stars"])]
        + [signed(1000 * one[f"difference_{when}"], 1) for when in ("before", "after")]
        for half in "ab"
        for group, one in card["halves"][half]["other_half"].items()
    ]
    stars = ", ".join(f"{name} {count}" for name, count in card["stars"].items())
    return [
        *_head("model-errors: systematic errors of the tracks", card, f"{card['what']}. Stars: {stars}."),
        *section(
            "Correction",
            *table(["", "all", "half a", "half b"], rows),
            "",
            f"Errors of the models that remain, added to those of every star: {100 * found['teff_error']:g} % in Teff, "
            f"{found['logg_error']:g} dex in log g, {found['feh_error']:g} dex in [Fe/H]; {card['factor']['chosen']:g} "
            f"times the {card['factor']['of']}.",
        ),
        *section(
            "Does it carry over?",
            "Mean difference of the tracks from the stars, in thousandths of a dex of Teff (of log g where named), of "
            "stars that the fit has not seen:",
            "",
            *table(["", "stars", "before", "after"], tests),
        ),
        *_rebuild("python -m stellar_core build systematics DATA"),
        *section("Citation", "; ".join(card["references"]) + "."),
    ]


#: Folder under ``trained/`` -> lines of its model card.
PARTS: dict[str, Callable[[Card], list[str]]] = {
    "dust-map": dust_map,
    "gaia-photometry": gaia_photometry,
    "isochrone-cells": isochrone_cells,
    "mock-instrument": mock_instrument,
    "mock-photometry": mock_photometry,
    "mock-pipeline": mock_pipeline,
    "mock-population": mock_population,
    "mock-realism": mock_realism,
    "model-errors": model_errors,
    "spectral-emulator": spectral_emulator,
    "track-emulator": track_emulator,
}
