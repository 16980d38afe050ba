"""Settings of Model 9. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from stellar_core.errors import ModelError
from stellar_core.models.registry import N_PIXEL, ModelConfig

#: Name of the architecture; the paper's Table 1 has the others.
NAME = "Isochrone"


@dataclass(frozen=True)
class IsochroneConfig:
    """Settings of the patch encoder and the isochrone head.

    Attributes
    ----------
    name : str
        "Isochrone".
    patch : int
        Pixels of 1 A per spectral token; a divisor of 6800 and a multiple of 4.
    depth, width, heads : int
        Layers, width and attention heads of the Transformer.
    embedding_depth, embedding_width : int
        Layers and width of the perceptron after it.
    rank : int
        Learned functions of the atmosphere that the likelihood has in addition to a Gaussian.
    centred : bool
        True if the mean spectrum of the training stars is subtracted from every spectrum.
    readout : {"mean", "places"}
        Reduction of the tokens to one vector: their mean, or a learned readout of each position.
    dropout : float
        Probability in every `stellar_core.models.dropout.Dropout`.
    """

    name: str = NAME
    patch: int = 100
    depth: int = 4
    width: int = 192
    heads: int = 6
    embedding_depth: int = 2
    embedding_width: int = 256
    rank: int = 64
    centred: bool = False
    readout: str = "mean"
    dropout: float = 0.05

    def __post_init__(self) -> None:
        if self.name != NAME:
            raise ModelError(f"The name of Model 9 is {NAME!r}; got {self.name!r}.", value=self.name)
        if self.readout not in ("mean", "places"):
            raise ModelError(f"The readout must be mean or places; got {self.readout!r}.", value=self.readout)
        sizes = {
            name: value for name, value in asdict(self).items() if name not in ("name", "dropout", "readout", "centred")
        }
        for name, value in sizes.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ModelError(
                    f"The setting {name} must be a whole number of at least 1; got {value!r}.", value=value
                )
        if N_PIXEL % self.patch or self.patch % 4:
            raise ModelError(
                f"The patch must be a divisor of {N_PIXEL} and a multiple of 4; got {self.patch}.", value=self.patch
            )
        if self.width % self.heads:
            raise ModelError(f"The width {self.width} is not a multiple of the {self.heads} heads.", value=self.heads)
        if not 0.0 <= self.dropout < 1.0:
            raise ModelError(f"The dropout probability must lie in [0, 1); got {self.dropout}.", value=self.dropout)

    def to_dict(self) -> dict[str, object]:
        """Plain values for the card."""
        return asdict(self)


def config_kind(values: Mapping[str, object]) -> type[ModelConfig] | type[IsochroneConfig]:
    """The class of the settings ``values``, by their ``name``."""
    return IsochroneConfig if values.get("name") == NAME else ModelConfig
