"""Both editions of every lesson: the solutions pass the checks, the stubs do not."""

import ast
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ecglab.data.load import subsample
from ecglab.errors import DataError, SettingError
from ecglab.lessons import editions
from ecglab.lessons.exercises import Exercise
from ecglab.lessons.gradient_costs import Memory
from ecglab.lessons.probe import prepare
from ecglab.lessons.recorded import study_runs
from ecglab.models import ODENet

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem, scope="module")
def path(request):
    return request.param


@pytest.fixture(scope="module")
def lesson(path):
    return nbformat.read(path, as_version=4)


@pytest.fixture(scope="module")
def made_earlier(simulated):
    """What earlier cells of a lesson make and its exercises use, small, by module."""
    torch.manual_seed(3)
    return {
        "eda": lambda: {"beats": simulated, "by_person": SimpleNamespace(test=simulated)},
        "odenet": lambda: {
            "probe": prepare(ODENet(16, stem="strided"), subsample(simulated, 80), batch_size=64)[0]
        },
        "adjoint": lambda: {
            "memory": [
                Memory(gradient, steps, 4 * steps, 1_000_000 + a_step * steps, 0)
                for gradient, a_step in (("adjoint", 0), ("direct", 4_000_000), ("checkpoint", 9))
                for steps in (1, 4, 7)
            ]
        },
        "comparison": lambda: {"runs": study_runs()},
    }


def run_cell(source, names):
    """Run a cell as a notebook does: its value is that of its last expression."""
    body = ast.parse(source).body
    exec(compile(ast.Module(body[:-1], []), "cell", "exec"), names)
    return eval(compile(ast.Expression(body[-1].value), "cell", "eval"), names)


def exercise_cells(notebook):
    return [cell for cell in notebook.cells if "exercise" in cell.metadata.get("tags", [])]


def test_solutions_pass_the_checks_and_stubs_do_not(path, lesson, lesson_names, made_earlier):
    (module,) = {place.module for place in editions.placed_exercises(lesson, path.stem)}
    names = lesson_names(module) | made_earlier.get(module, dict)()
    statements = [
        node
        for cell in lesson.cells
        if cell.cell_type == "code"
        for node in editions.parsed(cell, path.stem)
    ]
    modules = editions.exercise_modules(statements)
    for name, call in editions.makers(statements).items():
        if editions.origin(call, modules, {}):
            names[name] = eval(ast.unparse(call), names)
    stubs = exercise_cells(editions.student(lesson, path.stem))
    solved = exercise_cells(editions.solutions(lesson, path.stem))
    assert len(stubs) == len(solved) >= 4
    for stub, solution in zip(stubs, solved, strict=True):
        assert run_cell(stub.source, dict(names)).state == "unanswered", stub.id
        feedback = run_cell(solution.source, dict(names))
        assert feedback.state == "correct", f"{solution.id}: {feedback}"


def test_every_exercise_is_in_the_lesson_and_has_one_solution(path, lesson):
    places = editions.placed_exercises(lesson, path.stem)
    (module,) = {place.module for place in places}
    names = [place.name for place in places]
    assert len(set(names)) == len(names)
    found = vars(import_module(f"{editions.PACKAGE}.{module}"))
    written = {
        name
        for name, value in found.items()
        if isinstance(value, Exercise)
        or (callable(value) and getattr(value, "__annotations__", {}).get("return") is Exercise)
    }
    assert set(names) == written, "exercises of the module that no cell of the lesson checks"
    solutions = editions.read_solutions(module)
    assert set(solutions) == written, f"expected one cell each in solutions/{module}.py"


def test_both_editions_are_the_lesson_but_for_the_exercises(path, lesson):
    student = editions.student(lesson, path.stem)
    solved = editions.solutions(lesson, path.stem)
    for made in (student, solved):
        nbformat.validate(made)
        assert made.metadata.kernelspec.name == "python3"
        assert len({cell.id for cell in made.cells}) == len(made.cells)
    assert [cell.source for cell in student.cells] == [cell.source for cell in lesson.cells]
    own = [cell for cell in solved.cells if cell.metadata.get("tags", []) != ["solution"]]
    assert [cell.id for cell in own] == [cell.id for cell in lesson.cells]
    changed = [new.id for old, new in zip(lesson.cells, own, strict=True) if new != old]
    assert changed == [cell.id for cell in exercise_cells(lesson)]
    for stub, solution in zip(exercise_cells(lesson), exercise_cells(solved), strict=True):
        assert solution.source.splitlines()[-1] == stub.source.splitlines()[-1]
        below = solved.cells[solved.cells.index(solution) + 1]
        assert below.source.startswith("**Solution.** ") and len(below.source) > 30


def small_lesson(*cells):
    setup = new_code_cell("from ecglab.lessons.exercises import resnet as ask")
    return new_notebook(cells=[new_markdown_cell("# 01 Small"), setup, *cells])


def stub(source):
    return new_code_cell(source, metadata={"tags": ["exercise"]})


OPEN = "answer = ...  # a number\nask.half_steps.check(answer)"


def test_students_get_no_outputs_and_nothing_for_teachers():
    output = nbformat.v4.new_output("stream", text="0.5")
    ran = new_code_cell("1 / 2", outputs=[output], execution_count=3)
    ran.metadata = nbformat.from_dict({"execution": {"a": "b"}, "jupyter": {"source_hidden": True}})
    teacher = new_markdown_cell("Takes ten minutes.", metadata={"tags": ["teacher"]})
    notebook = small_lesson(ran, teacher, stub(OPEN))
    notebook.metadata["papermill"] = {"duration": 3}
    made = editions.student(notebook, "01_small")
    assert [cell.source for cell in made.cells[2:]] == ["1 / 2", OPEN]
    assert (made.cells[2].outputs, made.cells[2].execution_count) == ([], None)
    assert made.cells[2].metadata == {"jupyter": {"source_hidden": True}}
    assert set(made.metadata) == {"kernelspec", "language_info"}
    assert ran.outputs == [output], "the lesson itself must not change"
    solved = editions.solutions(notebook, "01_small")
    assert teacher.source in [cell.source for cell in solved.cells]
    assert exercise_cells(solved)[0].source == "answer = 6 / 12\nask.half_steps.check(answer)"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("answer = 0.5\nask.half_steps.check(answer)", "0 lines 'answer = ...'"),
        (f"answer = ...\n{OPEN}", "2 lines 'answer = ...'"),
        ("answer = ...\nask.half_steps", "does not end with the check"),
        ("answer = ...\nhalf_steps.check(answer)", "does not end with the check"),
        ("answer = ...\nask.half_steps.judge(answer)", "does not end with the check"),
        ("answer = ...\nask.no_such.check(answer)", "'no_such' has no solution"),
        ("%timeit answer = ...", "expected plain Python"),
    ],
)
def test_a_cell_that_is_no_exercise_is_named(source, found):
    notebook = small_lesson(stub(source))
    with pytest.raises(DataError, match=r"01_small") as error:
        editions.solutions(notebook, "01_small")
    assert found in str(error.value)


def test_students_never_get_an_answer():
    with pytest.raises(DataError, match="0 lines"):
        editions.student(small_lesson(stub("answer = 0.5\nask.half_steps.check(answer)")), "01")


def test_a_script_of_solutions_is_read():
    text = '"""Why."""\n\n# %% one\nx = 1\n\n\nanswer = x\n# %% two\nanswer = 2\n'
    text += "# %% one [markdown]\n# First.\n#\n# - a\n"
    found = editions.parse_solutions(text, "here")
    assert found == {
        "one": editions.Solution("x = 1\n\n\nanswer = x", "First.\n\n- a"),
        "two": editions.Solution("answer = 2"),
    }


@pytest.mark.parametrize("titles", [[""], [" two words"], [" one", " one"], [" one [raw]"]])
def test_a_title_that_names_no_exercise_is_refused(titles):
    with pytest.raises(DataError, match="each once"):
        editions.parse_solutions("\n".join(f"# %%{title}\nanswer = 1" for title in titles), "here")


def test_a_note_without_code_and_a_module_without_solutions_are_refused():
    with pytest.raises(DataError, match="no code"):
        editions.parse_solutions("# %% one [markdown]\n# Why.", "here")
    with pytest.raises(DataError, match=r"no solutions: expected solutions/exercise\.py"):
        editions.read_solutions("exercise")


def test_what_only_a_run_explains_needs_a_note():
    with pytest.raises(DataError, match=r"add '# %% own_split \[markdown\]'"):
        editions.explanation("eda", "own_split", editions.Solution("answer = 1"))
    with pytest.raises(DataError, match="no exercise 'nothing'"):
        editions.explanation("eda", "nothing", editions.Solution("answer = 1", "Why."))


def test_signs_of_markdown_in_an_explanation_are_plain_text(monkeypatch):
    from ecglab.lessons.exercises import resnet

    odd = Exercise("?", lambda answer: True, ("!",), "2 * 3 * a_b_c costs $5 <b>", "a number")
    monkeypatch.setattr(resnet, "half_steps", odd)
    text = editions.explanation("resnet", "half_steps", editions.Solution("answer = 1"))
    assert text == r"**Solution.** 2 \* 3 \* a\_b\_c costs \$5 \<b>"


@pytest.fixture
def lessons(tmp_path):
    """Two small lessons in a folder."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("01_one", "02_two"):
        nbformat.write(small_lesson(stub(OPEN)), folder / f"{name}.ipynb")
    return sorted(folder.glob("*.ipynb"))


def test_an_edition_is_written_and_a_students_work_is_kept(lessons, tmp_path):
    out = tmp_path / "class"
    written = editions.write_edition(lessons, out, editions.student)
    assert written == sorted(out.glob("*.ipynb")) and len(written) == 2
    assert editions.write_edition(lessons, out, editions.student) == written
    worked_on = nbformat.read(written[1], as_version=4)
    worked_on.cells[-1].source = "answer = 0.5\nask.half_steps.check(answer)"
    nbformat.write(worked_on, written[1])
    written[0].unlink()
    with pytest.raises(SettingError, match=r"02_two.ipynb exists .*\(1 such\).*--overwrite"):
        editions.write_edition(lessons, out, editions.student)
    assert not written[0].exists()
    editions.write_edition(lessons, out, editions.student, overwrite=True)
    assert nbformat.read(written[1], as_version=4).cells[-1].source == OPEN


def test_the_lessons_themselves_are_never_replaced(lessons):
    with pytest.raises(SettingError, match="name another folder"):
        editions.write_edition(lessons, lessons[0].parent, editions.solutions, overwrite=True)
