"""Benchmark on REAL stars whose ages or masses are known independently: asteroseismology and eclipsing binaries."""
