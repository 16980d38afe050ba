"""The paper's eight architectures as data, and the settings of a network. Loads no torch.

To add a model that combines existing branches, add a row to `_TABLE_1`: `stellar_core.models.zoo.Network` builds it
from its row, `stellar_core.models.layout` draws it, and the pages and the command line list it. A new branch is a
value of `Architecture.photometry` or `Architecture.spectrum`, built in `zoo._spectral_branch`. A model with other
outputs has its own settings and network, as `stellar_core.models.isochrone_config` and
`stellar_core.models.isochrone_network` for Model 9; register them in `isochrone_config.config_kind` and `zoo.build`,
its loss in `stellar_core.training.losses`, and its estimator in `stellar_core.inference.estimator`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from stellar_core.errors import ModelError

#: Photometric features and spectral pixels in the input of every network.
N_FEATURE = 29
N_PIXEL = 6800
#: Tokens from the CNN before a Transformer.
CNN_TOKENS = 68


@dataclass(frozen=True)
class Architecture:
    """One row of the paper's Table 1.

    Attributes
    ----------
    number : int
        The paper's model ID.
    name : str
        The paper's name.
    photometry : {"MLP", ""}
        Photometric branch; empty if photometry is ignored. (Table 1 prints "None" for
        Model 1 as well, whose name and section 3.4.1 say MLP.)
    spectrum : {"ResNet", "Transformer", "CNN+Transformer", ""}
        Spectroscopic branch; empty if the spectrum is ignored.
    attention : {"standard", "hadamard", ""}
        Kind of attention; empty if the spectroscopic branch has none.
    description : str
        One line for a menu.
    """

    number: int
    name: str
    photometry: str
    spectrum: str
    attention: str
    description: str

    @property
    def uses_photometry(self) -> bool:
        """True if the network reads the 29 features."""
        return bool(self.photometry)

    @property
    def uses_spectrum(self) -> bool:
        """True if the network reads flux and coverage."""
        return bool(self.spectrum)

    @property
    def requires_photometry(self) -> bool:
        """True if the network needs photometry."""
        return not self.uses_spectrum

    @property
    def settings(self) -> tuple[str, ...]:
        """Fields of `ModelConfig` that apply to this architecture; it ignores the others."""
        names: list[str] = []
        if self.spectrum:
            names += ["spectrum_depth", "spectrum_width"]
        if self.attention == "standard":
            names += ["heads"]
        if self.spectrum == "Transformer":
            names += ["patch"]
        if self.photometry:
            names += ["photometry_depth", "photometry_width"]
        if self.photometry and self.spectrum:
            names += ["fusion_depth", "fusion_width"]
        return (*names, *(["channels"] if self.spectrum else []), "dropout", "bounded")


_TABLE_1 = (
    Architecture(1, "MLP-Only", "MLP", "", "", "Photometry alone: a perceptron on the 29 features."),
    Architecture(2, "ResNet-Only", "", "ResNet", "", "Spectrum alone: a one-dimensional residual network."),
    Architecture(
        3, "Spectra-Transformer", "", "Transformer", "standard", "Spectrum alone: a Transformer on patches of 100 A."
    ),
    Architecture(
        4,
        "Spectra-Hadamard",
        "",
        "Transformer",
        "hadamard",
        "Spectrum alone: Model 3 with Hadamard gates as attention.",
    ),
    Architecture(
        5, "MLP+ResNet", "MLP", "ResNet", "", "Photometry and spectrum: perceptron and residual network, fused."
    ),
    Architecture(
        6,
        "MLP+CNN+Transformer",
        "MLP",
        "CNN+Transformer",
        "standard",
        "Photometry and spectrum: perceptron, and a CNN before a Transformer, fused; the paper's final model.",
    ),
    Architecture(
        7,
        "MLP+CNN+Hadamard",
        "MLP",
        "CNN+Transformer",
        "hadamard",
        "Photometry and spectrum: Model 6 with Hadamard gates as attention.",
    ),
    Architecture(
        8,
        "MLP+Transformer",
        "MLP",
        "Transformer",
        "standard",
        "Photometry and spectrum: Model 6 without its CNN, on patches of 100 A.",
    ),
)

#: The architectures of Table 1 by the paper's names, in the paper's order.
ARCHITECTURES: dict[str, Architecture] = {entry.name: entry for entry in _TABLE_1}

#: The paper's Table 2: the values explored in Phase II, by field of `ModelConfig`.
TABLE_2: dict[str, tuple[int, ...]] = {
    "spectrum_depth": (2, 4, 6),
    "spectrum_width": (128, 256, 384),
    "photometry_depth": (2, 3, 4),
    "photometry_width": (128, 256, 384),
    "fusion_depth": (2, 3, 4),
    "fusion_width": (256, 512, 768),
}


@dataclass(frozen=True)
class ModelConfig:
    """Settings of a network; the defaults are the paper's final configuration (section 4.2).

    An architecture ignores the fields of parts that it lacks; `Architecture.settings` lists those
    that apply.

    Attributes
    ----------
    name : str
        Name in Table 1.
    spectrum_depth : int
        Layers of the Transformer. A ResNet has four stages of half as many residual blocks
        each, rounded up (Table 5 of the paper tunes the depth of Model 5 too; the default 4
        gives the 2-2-2-2 of ResNet-18). Not for Model 1.
    spectrum_width : int
        Width of the Transformer, d_model, or channels of a ResNet's last stage, then a
        multiple of 8. Not for Model 1.
    heads : int
        Heads of scaled dot-product attention, a divisor of the width (not stated in the
        paper). For Models 3, 6 and 8: Hadamard gates have no heads, see
        `stellar_core.models.attention.HadamardGatedAttention`.
    photometry_depth, photometry_width : int
        Layers and width of the photometric perceptron. Not for Models 2, 3, 4.
    fusion_depth, fusion_width : int
        Layers and width of the fusion module. For Models 5 to 8: with one branch there is
        nothing to fuse.
    dropout : float
        Probability in every `stellar_core.models.dropout.Dropout` (not stated in the paper).
    patch : int
        Pixels of 1 A per token of a Transformer without a CNN, a divisor of 6800. For
        Models 3, 4 and 8. The default 100 gives the 68 tokens that the CNN gives Models 6
        and 7, so that Models 6 and 8 differ by the CNN alone; with one token per pixel the
        attention alone would weigh 6800 x 6800 pairs per head and layer.
    bounded : bool
        True if a sigmoid bounds log age and log lifetime. The paper's outputs are unbounded, with ages
        up to 2721 Gyr (Table 7).
    channels : {3, 1}
        Channels of the spectrum: 3 for flux, flux over its running mean, and coverage; 1 for the flux alone, the
        paper's "uniform 6800-point vector" (section 3.2.4). Not for Model 1.
    """

    name: str = "MLP+CNN+Transformer"
    spectrum_depth: int = 4
    spectrum_width: int = 256
    heads: int = 8
    photometry_depth: int = 2
    photometry_width: int = 256
    fusion_depth: int = 4
    fusion_width: int = 512
    dropout: float = 0.1
    patch: int = 100
    bounded: bool = True
    channels: int = 3

    def __post_init__(self) -> None:
        if self.name not in ARCHITECTURES:
            raise ModelError(
                f"There is no architecture {self.name!r}; choose one of {', '.join(ARCHITECTURES)}.", value=self.name
            )
        for name in (*TABLE_2, "heads", "patch"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ModelError(
                    f"The setting {name} must be a whole number of at least 1; got {value!r}.", value=value
                )
        if not 0.0 <= self.dropout < 1.0:
            raise ModelError(f"The dropout probability must lie in [0, 1); got {self.dropout}.", value=self.dropout)
        if self.channels not in (1, 3):
            raise ModelError(f"A spectrum has 1 or 3 channels; got {self.channels!r}.", value=self.channels)
        settings, width = self.architecture.settings, self.spectrum_width
        if "heads" in settings and width % self.heads:
            raise ModelError(f"The width {width} is not a multiple of the {self.heads} heads.", value=self.heads)
        if "patch" in settings and N_PIXEL % self.patch:
            raise ModelError(f"The patch must be a divisor of {N_PIXEL} pixels; got {self.patch}.", value=self.patch)
        if self.architecture.spectrum == "ResNet" and width % 8:
            raise ModelError(f"The width of a ResNet must be a multiple of 8; got {width}.", value=width)

    @property
    def architecture(self) -> Architecture:
        """The row of Table 1."""
        return ARCHITECTURES[self.name]

    def to_dict(self) -> dict[str, object]:
        """Plain values for the card."""
        return asdict(self)
