"""The command line, a module for each group of commands; `stellar_core.__main__` puts them together."""
