"""Access to SDSS DR17: identifiers, spectra, catalogue rows, and readers of spectrum files."""
