"""The Bayes limit: what MOCK spectra and magnitudes can tell at most about their stars."""
