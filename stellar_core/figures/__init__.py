"""Plotly figures from plain arrays, independent of the app.

Import from the modules: `spectrum`, `kiel`, `distributions`, `training`, `architecture`, `palette`.
"""
