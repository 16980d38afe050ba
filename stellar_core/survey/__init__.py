"""The paper's data set, fetched from SDSS: catalogue, spectra and labels in a store that training reads."""
