"""Prose of the network cards: what ``card.json`` does not hold."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Description:
    """What a card does not hold: prose without figures of accuracy.

    Attributes
    ----------
    title, summary, architecture, absent, output, labels, history, intervals, other_instruments : str
    uncalibrated : (str, str)
        Key of the uncalibrated coverage on the card, and what it is called.
    """

    title: str
    summary: str
    architecture: str
    absent: str
    output: str
    labels: str
    history: str
    intervals: str
    other_instruments: str
    uncalibrated: tuple[str, str]


NETWORKS = {
    "isochrone": Description(
        title="isochrone: neural posterior over isochrones (Model 9)",
        summary="The default model. It maps an SDSS spectrum, ugriz photometry, or both to a joint posterior over "
        "points of MIST stellar tracks, and so to age, lifetime, mass, evolutionary stage, Teff, log g and [Fe/H].",
        architecture="transformer of {depth} layers, width {width}, {heads} heads, on patches of {patch} pixels and "
        "photometric tokens; softmax over representative stars of the tracks (`trained/isochrone-cells`)",
        absent="Spectrum or photometry may be absent.",
        output="posterior over track points, so no draw is older than 13.8 Gyr or than its star's lifetime; "
        "lifetime is that of the track",
        labels="the exact isochrone posterior of atmospheres with errors of {teacher}",
        history="37,000 and 55,296 MOCK stars of edition 1 for 6 epochs each, then the {stars:,} stars of edition 2 of "
        "this card for {epochs} epochs: two and a half hours on one core.",
        intervals="The posterior is reweighted by the distribution of PIT values of similar calibration stars: same "
        "inputs, same predicted stage, nearest in S/N. Its draws stay points of the tracks.",
        other_instruments="Spectra of other instruments are estimated from their lines alone, with larger errors.",
        uncalibrated=("coverage_flat_prior", "before calibration, flat prior"),
    ),
    "paper-setup-a": Description(
        title="paper-setup-a: the paper's network (Model 6)",
        summary="Model 6 of Puah & Arsovski (2025), MLP + CNN + Transformer with loss weights of Setup A, and "
        "an added head for Teff, log g and [Fe/H]. It serves for comparison with the paper; the default model is "
        "`isochrone`.",
        architecture="MLP of {photometry_depth} layers (width {photometry_width}) for photometry, CNN and transformer "
        "of {spectrum_depth} layers (width {spectrum_width}, {heads} heads) for the spectrum, fusion of {fusion_depth} "
        "layers (width {fusion_width})",
        absent="Photometry may be absent.",
        output="log age, log lifetime (10 Gyr M^-2.5, as in the paper), stage and atmosphere; the heads cannot leave "
        "0 to 13.8 Gyr; age and lifetime are separate heads, so that age may exceed lifetime",
        labels="the paper's nearest-point look-up on MIST tracks, from pipeline parameters with errors of {sspp}",
        history="{stars:,} MOCK stars for {epochs} epochs: 50 minutes on one core with bf16 instructions.",
        intervals="MC dropout shows how a network varies, not how often it is wrong. The result is corrected and "
        "widened by the errors of similar calibration stars: same inputs, same predicted stage, nearest in S/N.",
        other_instruments="Not for spectra of other instruments.",
        uncalibrated=("coverage_plain_mc_dropout", "MC dropout alone"),
    ),
}
