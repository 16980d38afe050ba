"""A model's uncertainty as one self-contained page of HTML."""

from __future__ import annotations

import html
import json
from pathlib import Path

from stellar_core.errors import ParameterError
from stellar_core.evaluation.panels import TITLES, panels, where_panel, worst
from stellar_core.evaluation.stored_predictions import COLUMNS, StoredTest
from stellar_core.figures.palette import LIGHT
from stellar_core.files import write_text
from stellar_core.model_store import adopted_models, list_models

#: Quantities in the report.
REPORTED = ("log_age", "log_lifetime")
#: Printed entries of the card.
_ENTRIES = ("metrics_mock_test", "crps_beside_exact_posterior", "mock_survey", "damage_mock", "gate_on_real_spectra")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b2333; background: #fff }
body { max-width: 1100px; margin: 2em auto; padding: 0 1em }
h1, h2, h3 { line-height: 1.2 } figure { margin: 1.5em 0 } figcaption { color: #5f6b80 }
table { border-collapse: collapse } td, th { padding: .2em .8em; text-align: right; border-bottom: 1px solid #e3e7ef }
td:first-child, th:first-child { text-align: left }
.mock { background: #c2410c; color: #fff; border-radius: 4px; padding: 0 .4em }
pre { background: #f4f6fa; padding: 1em; overflow-x: auto; font-size: 12px }
"""


def write_report(test: StoredTest, path: Path) -> None:
    """Write the report of a stored test atomically.

    Raises
    ------
    ParameterError
        If the folder of ``path`` does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ParameterError(f"The folder {path.parent} does not exist.", value=str(path))
    write_text(path, report(test))


def report(test: StoredTest) -> str:
    """Render the page, including Plotly itself."""
    from plotly.offline import get_plotlyjs

    card = {**adopted_models(), **list_models()}.get(test.model, {})
    title = f"{test.model}: accuracy and calibration"
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p><span class=mock>MOCK</span> {len(test.stars)} test stars, not used in training or calibration; input: "
        f"{html.escape(test.view)}; "
        f"weights {html.escape(test.sha256[:12])}. {html.escape(str(card.get('what', '')))}.</p>",
    ]
    for quantity in REPORTED:
        parts.append(f"<h2>{html.escape(TITLES[quantity])}</h2>")
        for panel in [*panels(test, quantity, LIGHT), where_panel(test, quantity, LIGHT)]:
            if panel.key == "entropy" and quantity != REPORTED[0]:
                continue
            drawn = panel.figure.to_html(full_html=False, include_plotlyjs=False, config={"displaylogo": False})
            parts.append(
                f"<figure><h3>{html.escape(panel.heading)}</h3>{drawn}<figcaption>{html.escape(panel.words)}</figcaption></figure>"
            )
        parts.append(_worst_table(test, quantity))
    figures = {name: card[name] for name in _ENTRIES if name in card}
    parts.append(f"<h2>All metrics on the card</h2><pre>{html.escape(json.dumps(figures, indent=1))}</pre>")
    head = f"<meta charset=utf-8><title>{html.escape(title)}</title><style>{_STYLE}</style>"
    head += f"<script>{get_plotlyjs()}</script>"
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _worst_table(test: StoredTest, quantity: str) -> str:
    stars, column = test.survey, COLUMNS.index(quantity)
    lines = [
        f"<tr><td>{html.escape(stars.name[row])}</td><td>{stars.mean[row, column]:.2f}</td>"
        f"<td>{stars.low[row, column]:.2f} to {stars.high[row, column]:.2f}</td>"
        f"<td>{stars.truth[row, column]:.2f}</td><td>{stars.snr[row]:.0f}</td></tr>"
        for row in worst(stars, quantity)
    ]
    head = "<tr><th>MOCK star</th><th>predicted</th><th>68 %</th><th>true</th><th>S/N</th></tr>"
    return f"<h3>Largest errors</h3><table>{head}{''.join(lines)}</table>"
