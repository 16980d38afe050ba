"""Write tables as Parquet, FITS, VOTable, CSV, ECSV or JSON, with a unit and a description for each column."""

from stellar_core.export.formats import ENDINGS, check_ending, table_bytes, write_frame, write_table
from stellar_core.export.table import ExportTable
from stellar_core.export.text import frame_to_csv

__all__ = ["ENDINGS", "ExportTable", "check_ending", "frame_to_csv", "table_bytes", "write_frame", "write_table"]
