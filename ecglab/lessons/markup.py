"""Markdown and notebooks as HTML that needs nothing from elsewhere: formulas are MathML."""

import re
from importlib.resources import files
from typing import Any, Final

import nbformat
from bs4 import BeautifulSoup, Tag
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

WIDGET_TYPE: Final = "application/vnd.jupyter.widget-view+json"
WIDGET_NOTE: Final = (
    "An interactive figure: it needs JupyterLab. A still picture of it, if there is one, is below."
)
# A raised prime is raised twice where the font lacks a form of it for superscripts.
PRIMED: Final = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>&#x02032;</mi></msup>")
FUNCTION: Final = re.compile(r"<mi>[a-z]{2,}</mi>")
THIN: Final = "0.167em"
BAR: Final = '<mo stretchy="false">&#x0007C;</mo>'
PUNCTUATED: Final = re.compile(
    r'(<math[^>]*display="inline"[^>]*>(?:(?!</math>).)*</math>[.,;:?!)]+)'
)
EMPTY_HEAD: Final = re.compile(r"<thead>\s*<tr>(?:\s*<th[^>]*></th>)+\s*</tr>\s*</thead>")


def slug(heading: str) -> str:
    """The anchor of a heading, the same as on GitHub: ``2. Two steps`` is ``2-two-steps``."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def page_link(url: str) -> str:
    """The address of a page for that of its notebook or Markdown file; others as they are."""
    path, mark, anchor = url.partition("#")
    if re.match(r"\w+:", url):
        return url
    page = re.sub(r"^(?:\.{1,2}/|notebooks/|docs/)*(\d\d_\w+\.ipynb|\w+\.md)$", r"\1", path)
    return re.sub(r"\.(ipynb|md)$", ".html", page) + mark + slug(anchor)


def markdown_html(source: str) -> str:
    """Markdown as HTML, its formulas as MathML, its links leading to pages; wide things scroll."""
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    link = renderer.link
    renderer.link = lambda text, url, title=None: link(
        file_title(url) if text == url else text, page_link(url), title
    )
    renderer.inline_math = formula
    renderer.block_math = display
    renderer.latex_environment = lambda name, body: display(
        rf"\begin{{{name}}}{body}\end{{{name}}}"
    )
    markup = EMPTY_HEAD.sub("", MarkdownWithMath(renderer=renderer).render(source))
    markup = PUNCTUATED.sub(r'<span class="together">\1</span>', markup)
    markup = markup.replace("<table>", '<div class="scroll"><table>')
    return markup.replace("</table>", "</table></div>")


def file_title(name: str) -> str:
    """What a link says that is named by its Markdown file alone: ``model_card.md`` a model card."""
    return name.removesuffix(".md").replace("_", " ") if name.endswith(".md") else name


def formula(body: str, *, display: str = "inline") -> str:
    """TeX as MathML."""
    known = body.replace("{aligned}", "{align*}")  # the converter knows only the second name
    markup = convert(known, display=display)
    markup = markup.replace(BAR, BAR.replace("<mo", '<mo lspace="0" rspace="0"'))
    markup = PRIMED.sub(r"<mrow>\1<mo>&#x02032;</mo></mrow>", markup)
    return with_function_spaces(markup)


def with_function_spaces(markup: str) -> str:
    """MathML with thin spaces around the names of functions, which the converter leaves out."""
    if not FUNCTION.search(markup):
        return markup
    soup = BeautifulSoup(markup, "html.parser")
    for name in soup.find_all("mi", string=re.compile(r"^[a-z]{2,}$")):
        script = name.parent.name in ("msub", "msup", "msubsup") and name.previous_sibling is None
        whole = name.parent if script else name
        before, after = whole.previous_sibling, whole.next_sibling
        if is_operand(before) or (before is not None and before.text == ")"):
            whole.insert_before(soup.new_tag("mspace", width=THIN))
        if is_operand(after):
            whole.insert_after(soup.new_tag("mspace", width=THIN))
    return str(soup)


def is_operand(element: Any) -> bool:
    """Whether this part of a formula is a number, a symbol or a group of them."""
    return isinstance(element, Tag) and element.name not in ("mo", "mspace")


def display(body: str) -> str:
    """A formula of its own line; it scrolls where the page is too narrow for it."""
    return f'<span class="scroll">{formula(body, display="block")}</span>'


def without_widgets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy in which a note stands for every widget: a page without a kernel cannot run one."""
    copy = nbformat.from_dict(notebook)
    copy.metadata.pop("widgets", None)
    for cell in copy.cells:
        for output in cell.get("outputs", []):
            if WIDGET_TYPE in output.get("data", {}):
                output.data = {"text/html": f'<p class="note">{WIDGET_NOTE}</p>'}
    return copy


def lesson_html(notebook: nbformat.NotebookNode) -> str:
    """A lesson as a row of HTML elements: headings, paragraphs, code, and what the code gave."""
    exporter = HTMLExporter(template_name="basic", raw_template=asset("cells.html.j2"))
    exporter.register_filter("markdown2html", markdown_html)
    exporter.register_filter("role_of", role_of)
    return exporter.from_notebook_node(without_widgets(notebook))[0]


def role_of(cell: dict[str, Any]) -> str:
    """The tags that say what a cell is for, as class names."""
    return " ".join(re.sub(r"\W+", "-", tag) for tag in cell["metadata"].get("tags", []))


def asset(name: str) -> str:
    """The text of a template, style or script of the site."""
    return files("ecglab.lessons").joinpath("site", name).read_text(encoding="utf-8")
