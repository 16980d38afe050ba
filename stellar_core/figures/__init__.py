"""Plotly figures from plain arrays; nothing here knows the app that shows them.

Import from the modules: `spectrum`, `kiel`, `distributions`, `training`, `architecture`, `palette`.
"""
