"""The blocks of a network's diagram. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from stellar_core.models.registry import CNN_TOKENS, N_FEATURE, N_PIXEL, ModelConfig


@dataclass(frozen=True)
class Block:
    """One box: its name, and its contents in a line or two of at most 22 letters."""

    name: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """The boxes of a network, each row from input to output.

    Attributes
    ----------
    photometry, spectrum : tuple of Block
        The two branches, inputs first; empty without such a branch.
    joined : tuple of Block
        The blocks after the branches meet.
    outputs : tuple of Block
        The output blocks, side by side.
    """

    photometry: tuple[Block, ...]
    spectrum: tuple[Block, ...]
    joined: tuple[Block, ...]
    outputs: tuple[Block, ...]


def layout(config: ModelConfig) -> Layout:
    """Lay out the blocks of one of the paper's eight networks."""
    entry = config.architecture
    photometry: tuple[Block, ...] = ()
    spectrum: tuple[Block, ...] = ()
    joined: tuple[Block, ...] = ()
    if entry.uses_photometry:
        layers = f"{config.photometry_depth} layers of {config.photometry_width}"
        photometry = (Block("Photometry", (f"{N_FEATURE} features",)), Block("MLP", (layers,)))
    if entry.uses_spectrum:
        inputs = "flux" if config.channels == 1 else "flux and coverage"
        spectrum = (Block("Spectrum", (f"{N_PIXEL} pixels of 1 Å", inputs)), *_spectral_blocks(config))
    if photometry and spectrum:
        joined = (Block("Fusion", (f"{config.fusion_depth} layers of {config.fusion_width}",)),)
    outputs = (
        Block("Age", ("to 13.8 Gyr" if config.bounded else "unbounded",)),
        Block("Lifetime", ("10 Gyr M<sup>−2.5</sup>",)),
        Block("Stage", ("5 classes",)),
        Block("Atmosphere", ("Teff, log g,", "[Fe/H]")),
    )
    return Layout(photometry, spectrum, joined, outputs)


def _spectral_blocks(config: ModelConfig) -> tuple[Block, ...]:
    entry, width, depth = config.architecture, config.spectrum_width, config.spectrum_depth
    if entry.spectrum == "ResNet":
        stages = (f"4 stages of {(depth + 1) // 2} blocks", f"{width // 8} to {width} channels")
        return Block("ResNet", stages), Block("Mean", ("over all wavelengths",))
    if entry.spectrum == "Transformer":
        tokens = f"{N_PIXEL // config.patch} tokens of {config.patch} Å"
        first = Block("Patches", (tokens, f"linear map to {width}"))
    else:
        first = Block("CNN", (f"{CNN_TOKENS} tokens of {N_PIXEL // CNN_TOKENS} Å", f"{width} channels"))
    layers = f"{depth} layers of {width}"
    if entry.attention == "standard":
        return first, Block("Transformer", (layers, f"{config.heads} heads, dot product"))
    return first, Block("Hadamard gates", (layers, "sigmoid(QK) ⊙ V"))
