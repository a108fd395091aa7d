"""Executed lessons as web pages that need nothing from elsewhere, and the page that lists them."""

import html
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import nbformat
from latex2mathml.converter import convert as mathml
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ecglab.lessons.figures import headline_text

WIDGET_TYPE: Final = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE: Final = "Interactive in JupyterLab; the figure beside it shows the same."

# nbconvert's page without its four scripts from other hosts: formulas are MathML here, widgets are
# replaced by a note, and no lesson draws with require.js or mermaid.
TEMPLATE: Final = """
{%- extends 'index.html.j2' -%}
{%- block html_head_js -%}<link rel="icon" href="data:,">{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block jupyter_widgets -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
nav { margin: 0 0 1rem; font-family: system-ui, sans-serif; }
math[display="block"] { margin: 0.8em 0; overflow-x: auto; }
</style>
{%- endblock -%}
{%- block body_header -%}
{{ super() }}<nav aria-label="Course"><a href="index.html">All lessons</a></nav>
{%- endblock -%}
"""

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #fff; --quiet: #595959; --line: #ccc;
  --link: #0b57a4; --bad: #a4240b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --quiet: #b0b0b0;
  --line: #444; --link: #8ab8ee; --bad: #f2917c; } }
body { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem; line-height: 1.5; color: var(--ink);
  background: var(--paper); font-family: system-ui, sans-serif; }
a { color: var(--link); }
article { border-top: 1px solid var(--line); padding: 0.5rem 0; }
h2 { font-size: 1.2rem; margin-bottom: 0.3rem; }
p { margin: 0.4rem 0; }
.facts, footer { color: var(--quiet); font-size: 0.9rem; }
.failed { color: var(--bad); font-weight: bold; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1rem; margin: 0.5rem 0; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
"""


def markdown_html(source: str, attachments: Mapping[str, Any] | None = None) -> str:
    """Markdown as HTML, its formulas as MathML, links to other lessons as links to their pages."""
    renderer = IPythonRenderer(escape=False, attachments=attachments or {})
    link = renderer.link
    renderer.link = lambda text, url, title=None: link(text, page_link(url), title)
    renderer.inline_math = mathml
    renderer.block_math = lambda body: mathml(body, display="block")
    renderer.latex_environment = lambda name, body: mathml(
        rf"\begin{{{name}}}{body}\end{{{name}}}", display="block"
    )
    return MarkdownWithMath(renderer=renderer).render(source)


def page_link(url: str) -> str:
    """The address of a lesson's page for that of its notebook; other addresses as they are."""
    return re.sub(r"^(?:\./)?(\d\d_\w+)\.ipynb(?=#|$)", r"\1.html", url)


def without_widgets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy in which a note stands for every widget: a page without a kernel cannot run one."""
    copy = nbformat.from_dict(notebook)
    copy.metadata.pop("widgets", None)
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            if WIDGET_TYPE in output.get("data", {}):
                output.data = {"text/html": f"<p><em>{WIDGET_NOTE}</em></p>"}
    return copy


def lesson_page(notebook: nbformat.NotebookNode, title: str) -> str:
    """An executed lesson as one HTML page with everything embedded."""
    exporter = HTMLExporter(template_name="lab", raw_template=TEMPLATE, embed_images=True)
    exporter.register_filter("markdown2html", lambda source: markdown_html(source))
    copy = without_widgets(notebook)
    copy.metadata["title"] = title
    return exporter.from_notebook_node(copy)[0]


def index_page(results: Iterable[Mapping[str, Any]]) -> str:
    """The page that lists the lessons with what each gave; ``results`` come from the runner."""
    articles = "\n".join(article(result) for result in results)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ecglab: the lessons</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>From residual networks to neural ODEs, on heartbeats</h1>
<p>The lessons as they were executed here, with all their figures.</p>
{articles}
</main>
<footer>
<p>For learning and research. Not a medical device: no diagnosis, not validated for patient care.
All numbers are in <a href="results.json">results.json</a>.</p>
</footer>
</body>
</html>
"""


def article(result: Mapping[str, Any]) -> str:
    """One lesson on the index page."""
    name = html.escape(result["lesson"])
    title = html.escape(result["title"])
    heading = f'<a href="{name}.html">{title}</a>' if result["page"] else title
    lines = [f"<article>\n<h2>{heading}</h2>", markdown_html(result["about"])]
    if result["error"]:
        lines.append(f'<p class="failed">Failed: {html.escape(result["error"])}</p>')
    if result["headlines"]:
        lines.append("<dl>")
        for headline in result["headlines"]:
            label = html.escape(headline.get("data", ""))
            text = headline_text(headline["value"], headline.get("unit", ""))
            lines.append(
                f"<dt>{html.escape(headline['name'])}</dt>"
                f"<dd>{html.escape(text)} <small>({label})</small></dd>"
            )
        lines.append("</dl>")
    when = datetime.fromisoformat(result["finished"]).strftime("%Y-%m-%d %H:%M UTC")
    facts = [
        f"{result['seconds']:.0f} s",
        f"{result['peak_memory'] / 2**20:,.0f} MiB",
        f"{result['data']} data",
        f"{result['profile']} profile",
        f"torch {result['versions']['torch']} on {result['device']}",
        when,
    ]
    lines.append(f'<p class="facts">{html.escape(" · ".join(facts))}')
    if result["page"]:
        lines.append(f' · <a href="notebooks/{name}.ipynb">executed notebook</a>')
    lines.append("</p>\n</article>")
    return "\n".join(lines)
