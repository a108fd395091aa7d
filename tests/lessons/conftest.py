"""The solutions of the lessons' exercises, each computed from its single source."""

from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest

from ecglab.lessons.editions import exercise_modules, parsed, read_solutions

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@cache
def setup_code(module: str) -> str:
    """The setup cell of the lesson that uses this module of exercises."""
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if "setup" not in cell.metadata.get("tags", []):
                continue
            if module in exercise_modules(parsed(cell, path.stem)).values():
                return cell.source
    raise LookupError(f"no lesson imports the exercises of {module}")


@pytest.fixture(scope="session")
def lesson_names():
    """The names that a lesson's setup cell imports."""

    def names(module: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        exec(setup_code(module), found)
        return found

    return names


@pytest.fixture(scope="session")
def answer_to(lesson_names):
    """The answer of one solution; further arguments are what earlier cells of its lesson made."""

    def answer(module: str, name: str, **made: Any) -> Any:
        names = lesson_names(module) | made
        exec(read_solutions(module)[name].code, names)
        return names["answer"]

    return answer
