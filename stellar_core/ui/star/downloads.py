"""Files of a result: one row in several formats, detailed tables, and a figure for print."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from stellar_core.quantities import AGE
from stellar_core.ui import loaders
from stellar_core.ui.star.kiel import kiel_star, kiel_tracks, nearest_feh
from stellar_core.ui.star.plots import spectrum_view

if TYPE_CHECKING:
    from stellar_core.export import ExportTable
    from stellar_core.inference.result import Result
    from stellar_core.preprocessing.spectra import PreparedSpectrum
    from stellar_core.spectrum import Spectrum
    from stellar_core.ui.loaders import Source
    from stellar_core.ui.star.estimates import OtherEstimates

#: Name of a format -> ending of its files.
FORMATS = {"CSV": ".csv", "ECSV": ".ecsv", "FITS": ".fits", "VOTable": ".vot", "Parquet": ".parquet", "JSON": ".json"}
FIGURES = ("pdf", "svg", "png")

#: Label of a button, end of the file's name, and the function that writes it.
File = tuple[str, str, Callable[[], bytes | str]]


class ResultFiles:
    """The files of one result; each is written when its button is pressed.

    Parameters
    ----------
    result : Result
    source : Source
    spectrum : Spectrum
    prepared : PreparedSpectrum
    others : OtherEstimates or None
    """

    def __init__(
        self,
        result: Result,
        source: Source,
        spectrum: Spectrum,
        prepared: PreparedSpectrum,
        others: OtherEstimates | None,
    ) -> None:
        self.result, self.source, self.spectrum = result, source, spectrum
        self.prepared, self.others = prepared, others
        self.sha256 = str(loaders.estimator(result.model).card["sha256"])

    @property
    def stem(self) -> str:
        """Beginning of the names of the files."""
        mock = "MOCK-" if self.result.source == "mock" else ""
        return f"{mock}{(self.result.star or 'star').replace(' ', '_')}"

    def table(self, name: str) -> ExportTable | None:
        """Return the table ``name`` of `stellar_core.inference.result_tables`: result, draws or passes."""
        from stellar_core.inference import result_tables

        return getattr(result_tables, f"{name}_table")(self.result, self.spectrum, self.sha256)

    def row(self) -> list[File]:
        """The result as one row, in all formats; FITS has the spectrum as a second table."""
        return [
            (name, ending, lambda ending=ending: self._write(ending, self.table("result")))
            for name, ending in FORMATS.items()
        ]

    def details(self) -> list[File]:
        """Tables with many rows, and all numbers."""
        return [
            ("Draws (FITS)", "-draws.fits", lambda: self._tables(".fits", self.table("draws"), self.table("passes"))),
            ("Draws (Parquet)", "-draws.parquet", lambda: self._tables(".parquet", self.table("draws"))),
            ("Influence of wavelengths (CSV)", "-influence.csv", self._influence),
            ("All numbers (JSON)", "-all.json", self._all),
        ]

    def figures(self) -> list[File]:
        """The figure for print."""
        return [(f"Figure ({kind.upper()})", f".{kind}", lambda kind=kind: self._figure(kind)) for kind in FIGURES]

    def _write(self, ending: str, table: ExportTable) -> bytes:
        from stellar_core.inference.result_tables import spectrum_table

        return self._tables(ending, table, *([spectrum_table(self.spectrum)] if ending == ".fits" else []))

    @staticmethod
    def _tables(ending: str, *tables: ExportTable | None) -> bytes:
        from stellar_core.export import table_bytes

        return table_bytes(ending, *(one for one in tables if one is not None))

    def _influence(self) -> bytes:
        """Influence on the estimate from the spectrum, without a parallax."""
        from dataclasses import replace

        from stellar_core.inference.result_tables import influence_table

        alone = self.result
        if alone.parallax is not None:
            alone = loaders.result(replace(self.source, astrometry=None), alone.seed, alone.samples, alone.model)
        found = loaders.influence(self.source, alone)
        return self._tables(".csv", influence_table(found, alone, self.spectrum, self.sha256))

    def _all(self) -> str:
        from stellar_core.inference.result_tables import result_json

        isochrones = dict(self.others.isochrones) if self.others and self.others.isochrones else {}
        more: dict[str, object] = {"isochrones": isochrones} if isochrones else {}
        more |= {f"beside_{name}": one.to_dict() for name, one in (self.others.results if self.others else {}).items()}
        return result_json(self.result, self.spectrum, self.sha256, **more)

    def _figure(self, kind: str) -> bytes:
        from stellar_core.figures.publication import printed_star

        view = spectrum_view(self.spectrum, self.prepared)
        return printed_star(
            kind,
            view.name,
            view.rest,
            view.curve()[0],
            kiel_star(self.result),
            kiel_tracks(nearest_feh(self.result)),
            AGE.convert(self.result.draws["log_age"]),
            AGE.quantiles(self.result.log_age.to_dict())[1:4],
            lines=view.lines,
            y_title=view.flux_title,
            trusted=self.result.verdict.in_domain,
        )


def show_downloads(files: ResultFiles) -> None:
    """Draw one button per file, in three groups."""
    st.markdown("**Result, one row**")
    st.caption("The same columns in every format, with position, specObjID, model and date; FITS adds the spectrum.")
    _buttons(files.stem, files.row())
    st.markdown("**Details**")
    _buttons(files.stem, files.details())
    st.markdown("**Figure for print**")
    _buttons(files.stem, files.figures())


def _buttons(stem: str, files: list[File]) -> None:
    with st.container(horizontal=True, gap="small"):
        for label, ending, write in files:
            st.download_button(
                label, write, f"{stem}{ending}", on_click="ignore", icon=":material/download:", key=f"download_{label}"
            )
