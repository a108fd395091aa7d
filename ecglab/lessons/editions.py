"""The lessons' editions for a class: for students, and with solutions, both from one source.

A tag says what a cell of a lesson is: ``exercise`` marks a stub with ``answer = ...`` and a check,
``teacher`` what students do not get. The solutions stand once, beside the checks, in
``exercises/solutions``: a script in cells, ``# %% name`` with the code that takes the stub's place
and, where wanted, ``# %% name [markdown]`` with the answer to what no check can judge. The name is
that of the exercise; the explanation is the one that the check gives.
"""

import ast
import copy
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Final

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from ecglab.errors import DataError, SettingError
from ecglab.files import write_atomically
from ecglab.lessons.exercises import Exercise

PACKAGE: Final = "ecglab.lessons.exercises"
EXERCISE, TEACHER, SOLUTION = "exercise", "teacher", "solution"
CELL: Final = re.compile(r"^# %%(.*)$", re.MULTILINE)
TITLE: Final = re.compile(r" (?P<name>\w+)(?P<note> \[markdown\])?")
MARKDOWN_SIGNS: Final = re.compile(r"([\\`*_$<\[\]])")
KERNEL: Final = {"display_name": "Python 3", "language": "python", "name": "python3"}
OF_A_RUN: Final = ("papermill", "execution", "ExecuteTime", "collapsed", "scrolled")

Edition = Callable[[NotebookNode, str], NotebookNode]


@dataclass(frozen=True)
class Solution:
    """The code that takes the place of a stub, and what no check can judge, as Markdown."""

    code: str
    note: str = ""


@dataclass(frozen=True)
class Placed:
    """An exercise in a notebook: its cell, the stub's lines in it, its module and its name."""

    cell: int
    stub: slice
    module: str
    name: str


def parse_solutions(text: str, where: str) -> dict[str, Solution]:
    """The solutions in a script of cells; raise DataError where it is not one."""
    parts = CELL.split(text)[1:]  # title, body, title, body ...
    found: dict[tuple[str, bool], str] = {}
    for title, body in zip(parts[::2], parts[1::2], strict=True):
        match = TITLE.fullmatch(title.rstrip())
        key = (match["name"], match["note"] is not None) if match else None
        if key is None or key in found:
            raise DataError(
                f"{where} has the cell '# %%{title}': expected '# %% name' or '# %% name "
                f"[markdown]', each once."
            )
        found[key] = "\n".join(map(comment, body.split("\n"))) if key[1] else body
    codes = {name: body.strip() for (name, note), body in found.items() if not note}
    notes = {name: body.strip() for (name, note), body in found.items() if note}
    if alone := sorted(notes.keys() - codes):
        raise DataError(f"{where} explains {alone[0]!r} but has no code: add '# %% {alone[0]}'.")
    return {name: Solution(code, notes.get(name, "")) for name, code in codes.items()}


def comment(line: str) -> str:
    """The text of a comment line."""
    return line.removeprefix("#").removeprefix(" ")


def read_solutions(module: str) -> dict[str, Solution]:
    """The solutions of one module of exercises, such as ``"adjoint"``, by exercise."""
    path = files(PACKAGE) / "solutions" / f"{module}.py"
    if not path.is_file():
        raise DataError(
            f"The exercises of {PACKAGE}.{module} have no solutions: expected solutions/"
            f"{module}.py beside them, with a cell '# %% name' for each."
        )
    return parse_solutions(path.read_text(encoding="utf-8"), f"solutions/{module}.py")


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def parsed(cell: NotebookNode, lesson: str) -> list[ast.stmt]:
    """The statements of a code cell."""
    try:
        return ast.parse(cell.source).body
    except SyntaxError as error:
        raise DataError(
            f"Lesson {lesson}, cell {cell.id}: {error.msg} (line {error.lineno}); expected plain "
            f"Python."
        ) from error


def stub_lines(cell: NotebookNode, lesson: str) -> slice:
    """The lines of ``answer = ...`` in the cell of an exercise, which must be open."""
    stubs = [
        node
        for node in parsed(cell, lesson)
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["answer"]
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    ]
    if len(stubs) != 1:
        raise DataError(
            f"Lesson {lesson}, cell {cell.id} is tagged {EXERCISE!r} and has {len(stubs)} lines "
            f"'answer = ...': expected one, so that it is open and a solution can take its place."
        )
    return slice(stubs[0].lineno - 1, stubs[0].end_lineno)


def exercise_modules(statements: Sequence[ast.stmt]) -> dict[str, str]:
    """The modules of exercises that statements import, by the name they get."""
    return {
        name.asname or name.name: name.name
        for node in statements
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE
        for name in node.names
    }


def makers(statements: Sequence[ast.stmt]) -> dict[str, ast.Call]:
    """The calls whose values statements give a name, by that name."""
    return {
        node.targets[0].id: node.value
        for node in statements
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Call)
    }


def origin(
    node: ast.expr, modules: dict[str, str], made: dict[str, ast.Call]
) -> tuple[str, str] | None:
    """Module and name of the exercise, or of its maker, that an expression stands for."""
    if isinstance(node, ast.Name) and node.id in made:
        node = made[node.id]
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return (modules[node.value.id], node.attr) if node.value.id in modules else None
    return None


def placed_exercises(notebook: NotebookNode, lesson: str) -> list[Placed]:
    """Every exercise of a lesson in its order."""
    code = {n: parsed(cell, lesson) for n, cell in enumerate(notebook.cells) if is_code(cell)}
    statements = [node for body in code.values() for node in body]
    modules, made = exercise_modules(statements), makers(statements)
    found = []
    for n, body in code.items():
        cell = notebook.cells[n]
        if EXERCISE not in tags(cell):
            continue
        last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
        checked = isinstance(last, ast.Call) and isinstance(last.func, ast.Attribute)
        which = origin(last.func.value, modules, made) if checked else None
        if which is None or last.func.attr != "check":
            raise DataError(
                f"Lesson {lesson}, cell {cell.id} is tagged {EXERCISE!r} but does not end with the "
                f"check of one: expected module.name.check(answer), the module imported by 'from "
                f"{PACKAGE} import ...'."
            )
        found.append(Placed(n, stub_lines(cell, lesson), *which))
    return found


def is_code(cell: NotebookNode) -> bool:
    """Whether a cell holds code."""
    return cell.cell_type == "code"


def explanation(module: str, name: str, solution: Solution) -> str:
    """What stands below a solution: the exercise's own explanation, then the solution's note.

    An exercise that is made from data explains itself only when it runs: there a note is needed.
    """
    exercise = getattr(import_module(f"{PACKAGE}.{module}"), name, None)
    if exercise is None:
        raise DataError(
            f"{PACKAGE}.{module} has no exercise {name!r}, although a lesson checks it."
        )
    own = [exercise.explanation] if isinstance(exercise, Exercise) else []
    texts = [MARKDOWN_SIGNS.sub(r"\\\1", text) for text in own] + [solution.note]
    if not any(texts):
        raise DataError(
            f"The solution of {module}.{name} has no explanation: add '# %% {name} [markdown]' to "
            f"solutions/{module}.py."
        )
    return "**Solution.** " + "\n\n".join(text for text in texts if text)


def clean(notebook: NotebookNode) -> NotebookNode:
    """A copy without outputs and traces of a run, with the kernel that JupyterLab shall start."""
    made = copy.deepcopy(notebook)
    made.metadata = NotebookNode(
        kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python")
    )
    for cell in made.cells:
        for name in OF_A_RUN:
            cell.metadata.pop(name, None)
        if is_code(cell):
            cell.outputs, cell.execution_count = [], None
    return made


def student(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """The edition to hand out: every exercise open, no cell that is for teachers alone."""
    made = clean(notebook)
    made.cells = [cell for cell in made.cells if TEACHER not in tags(cell)]
    for cell in made.cells:
        if EXERCISE in tags(cell):
            stub_lines(cell, lesson)
    return made


def solutions(notebook: NotebookNode, lesson: str) -> NotebookNode:
    """The edition with every stub replaced by its solution, and an explanation below it."""
    made = clean(notebook)
    for place in reversed(placed_exercises(made, lesson)):
        known = read_solutions(place.module)
        if place.name not in known:
            raise DataError(
                f"Lesson {lesson}: the exercise {place.name!r} has no solution; expected a cell "
                f"'# %% {place.name}' in solutions/{place.module}.py."
            )
        cell = made.cells[place.cell]
        lines = cell.source.split("\n")
        lines[place.stub] = known[place.name].code.split("\n")
        cell.source = "\n".join(lines)
        cell.metadata["tags"] = [*tags(cell), SOLUTION]
        below = new_markdown_cell(explanation(place.module, place.name, known[place.name]))
        below.id, below.metadata["tags"] = f"{cell.id}-{SOLUTION}", [SOLUTION]
        made.cells.insert(place.cell + 1, below)
    note = new_markdown_cell(
        "**Edition with solutions**, made by `ecglab lessons solutions`. Change the lesson and its "
        "solutions at their source, not here."
    )
    note.id, note.metadata["tags"] = "edition", [SOLUTION]
    made.cells.insert(1, note)
    return made


def write_edition(
    lessons: Sequence[Path], out: Path, edition: Edition, *, overwrite: bool = False
) -> list[Path]:
    """Write an edition of lessons into ``out``, all or none; a file that is already so is kept.

    One that differs may hold a student's work: it is replaced only with ``overwrite``.
    """
    texts = {}
    for lesson in lessons:
        if lesson.resolve().parent == out.resolve():
            raise SettingError(
                f"{out} holds the lessons themselves: name another folder for the edition."
            )
        made = edition(nbformat.read(lesson, as_version=4), lesson.stem)
        nbformat.validate(made)
        texts[out / lesson.name] = nbformat.writes(made) + "\n"
    old = [p for p, text in texts.items() if p.exists() and p.read_text("utf-8") != text]
    if old and not overwrite:
        raise SettingError(
            f"{old[0]} exists and differs from what would be written ({len(old)} such): name "
            f"another folder, or replace with --overwrite what was done in it."
        )
    for path, text in texts.items():
        write_atomically(path, lambda part, text=text: part.write_text(text, "utf-8"))
    return list(texts)
