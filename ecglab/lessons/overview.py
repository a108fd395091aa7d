"""The lessons as a list, made from their own headers: for README, guide, index and Colab."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from packaging.specifiers import SpecifierSet

from ecglab.lessons.addresses import Addresses
from ecglab.lessons.headers import Header

COLAB: Final = "colab"  # tag and id of the cell that installs the course there
COLAB_CODE: Final = """# Only on Colab does this do anything: it installs the course.
import subprocess
import sys
from importlib.util import find_spec

if "google.colab" in sys.modules and not find_spec("ecglab"):
    course = "{source}"
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", course], check=True)"""
INDEX_PAGE: Final = """# The lessons

<!-- Made by python -m ecglab.lessons.readme from the lessons' own headers. -->

Six notebooks on real heartbeats: from residual networks to neural ordinary differential equations. Open one, then choose *Run*, *Run All Cells*. Each says at its top which data it runs on.

{table}

On Binder nothing is kept: download a notebook that you have worked in. Words are explained in the [glossary](../docs/glossary.md).
"""  # noqa: E501


def questions_table(headers: Sequence[Header], folder: str) -> str:
    """Every lesson, linked in ``folder``, with its one question, as Markdown."""
    return table(
        ["lesson", "question"],
        [[f"[{h.title}]({folder}{h.lesson}.ipynb)", h.question] for h in headers],
    )


def lessons_table(headers: Sequence[Header], folder: str, addresses: Addresses) -> str:
    """Every lesson with its question, its times and the links that open it, as Markdown.

    Links to other places stand there only where ``addresses`` names them.
    """
    rows = []
    for header in headers:
        links = addresses.of_lesson(header.lesson)
        rows.append(
            [
                f"[{header.title}]({folder}{header.lesson}.ipynb)",
                header.question,
                f"{header.reading} min",
                ", ".join(time.short for time in header.times),
                ", ".join(f"[{name}]({link})" for name, link in links.items()),
            ]
        )
    columns = ["lesson", "question", "reading", "computing", "open in"]
    shown = len(columns) if addresses.of_lesson("") else len(columns) - 1
    return table(columns[:shown], [row[:shown] for row in rows])


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def index_page(headers: Sequence[Header]) -> str:
    """The page on which JupyterLab opens at Binder."""
    return INDEX_PAGE.format(table=lessons_table(headers, "", Addresses()))


def badges(project: Mapping[str, Any], addresses: Addresses) -> str:
    """The README's badges; where no repository is named, a line that says what is missing."""
    supported = SpecifierSet(project["requires-python"])
    versions = [f"3.{minor}" for minor in range(100) if f"3.{minor}" in supported]
    python = f"{versions[0]} to {versions[-1]}"
    found = [
        plain_badge("licence", project["license"], "LICENSE"),
        plain_badge("python", python, "pyproject.toml"),
    ]
    if not addresses.repository:
        note = "[not switched on](docs/teaching.md#a-public-address): this copy names no repository"
        return f"{' '.join(found)}\n\nBinder and Colab: {note}."
    first = addresses.colab("notebooks/01_eda.ipynb")
    found += [
        f"[![Open in Binder](https://mybinder.org/badge_logo.svg)]({addresses.binder()})",
        f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({first})",
    ]
    return " ".join(found)


def plain_badge(name: str, text: str, link: str) -> str:
    """A badge that says ``name: text``."""
    picture = "-".join(quote(part.replace("-", "--")) for part in (name, text, "blue"))
    return f"[![{name}: {text}](https://img.shields.io/badge/{picture})]({link})"


def with_colab_cell(notebook: NotebookNode, addresses: Addresses) -> NotebookNode:
    """A copy of a lesson whose first code cell installs the course on Colab."""
    made = copy.deepcopy(notebook)
    made.cells = [cell for cell in made.cells if COLAB not in cell.metadata.get("tags", [])]
    cell = new_code_cell(COLAB_CODE.format(source=addresses.source), metadata={"tags": [COLAB]})
    cell.id = COLAB
    first = next(n for n, cell in enumerate(made.cells) if cell.cell_type == "code")
    made.cells.insert(first, cell)
    return made
