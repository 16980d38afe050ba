"""The paper's data set from SDSS itself: catalogue, spectra, labels, in a store that training reads."""
