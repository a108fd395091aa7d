"""Execute the lessons with papermill, keep what each gave as data, and write the site of it."""

import dataclasses
import json
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import nbformat
import papermill
import psutil
import torch
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import CellControlSignal, DeadKernelError
from papermill.exceptions import PapermillException, PapermillExecutionError

from ecglab.data.database import find_database
from ecglab.errors import DataError, SettingError
from ecglab.files import write_atomically
from ecglab.lessons.figures import headline_text
from ecglab.lessons.gallery import RESULTS_FILE, kept_page, write_site
from ecglab.lessons.profiles import get_profile
from ecglab.lessons.session import HEADLINE_TYPE
from ecglab.training.provenance import provenance

FAILURES: Final = (PapermillException, CellControlSignal, DeadKernelError, NoSuchKernel)
TYPES: Final = {"str": str, "int": int, "float": float, "bool": bool}


@dataclass(frozen=True)
class Result:
    """What one lesson gave: ``error`` is None where it ran to its end, ``page`` says whether there
    is a page of it, ``peak_memory`` is the kernel's in bytes, sampled ten times a second, ``load``
    the number of processes that the whole machine ran in the last minute."""

    lesson: str
    title: str
    about: str
    status: str
    error: str | None
    page: bool
    seconds: float
    peak_memory: int
    load: float
    profile: str
    parameters: dict[str, Any]
    data: str
    headlines: list[dict[str, Any]]
    command: str
    commit: str | None
    finished: str
    versions: dict[str, str]
    device: str


def find_lessons(directory: Path | None = None) -> list[Path]:
    """The notebooks ``NN_name.ipynb`` of a folder in their order; as it stands the course's."""
    folder = directory or Path(__file__).resolve().parents[2] / "notebooks"
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise DataError(
            f"No lesson found in {folder}: expected notebooks such as 01_eda.ipynb; name their "
            f"folder with --notebooks, the course's is in its git checkout."
        )
    return found


def choose(lessons: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """The lessons of these numbers (3, 03) or names (odenet, 03_odenet); all without any."""
    chosen = set()
    for name in names:
        wanted = name.removesuffix(".ipynb").zfill(2)
        same = [path for path in lessons if wanted in (path.stem, *path.stem.split("_", 1))]
        if not same:
            raise SettingError(
                f"Unknown lesson {name!r}: expected one of "
                f"{', '.join(path.stem for path in lessons)}."
            )
        chosen.update(same)
    return [path for path in lessons if path in chosen or not names]


def read_value(name: str, text: str, kind: str) -> Any:
    """The value that ``text`` means for a parameter declared as str, int, float or bool."""
    if kind not in TYPES:
        raise SettingError(
            f"The parameter {name} can only be set inside the notebook: its cell declares it as "
            f"{kind}, not as one of {', '.join(TYPES)}."
        )
    try:
        if kind == "bool":
            return {"true": True, "false": False}[text.lower()]
        return TYPES[kind](text)
    except (ValueError, KeyError):
        expected = "true or false" if kind == "bool" else f"a value of type {kind}"
        raise SettingError(
            f"The parameter {name} cannot be {text!r}: expected {expected}."
        ) from None


def read_parameters(lesson: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """The typed values of ``given`` for a lesson; papermill itself would take any name and text."""
    known = papermill.inspect_notebook(lesson)
    for name in given:
        if name not in known:
            has = "; ".join(
                f"{entry['name']} = {entry['default']} ({entry['help'] or 'no description'})"
                for entry in known.values()
            )
            raise SettingError(
                f"Lesson {lesson.stem} has no parameter {name!r}: it has {has or 'none at all'}."
            )
    return {
        name: read_value(name, text, known[name]["inferred_type_name"])
        for name, text in given.items()
    }


@contextmanager
def kernel_memory() -> Iterator[list[int]]:
    """Sample the largest child process ten times a second: a list of bytes, the peak last."""
    peak, closed, this = [0], threading.Event(), psutil.Process()

    def sample() -> None:
        while not closed.wait(0.1):
            for child in this.children(recursive=True):
                try:
                    peak.append(max(peak[-1], child.memory_info().rss))
                except psutil.Error:  # it ended between the listing and the question
                    continue

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        closed.set()
        thread.join()


def one_line(error: Exception) -> str:
    """A lesson's error in one line: its type, its message and the cell."""
    if isinstance(error, PapermillExecutionError):
        text = f"{error.ename}: {error.evalue}"
        return f"{' '.join(text.split())} (in cell [{error.exec_count}])"
    return " ".join(f"{type(error).__name__}: {error}".split())


def headlines(notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """The headline figures that a lesson displayed."""
    return [
        dict(output["data"][HEADLINE_TYPE])
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if HEADLINE_TYPE in output.get("data", {})
    ]


def opening(notebook: nbformat.NotebookNode, name: str) -> tuple[str, str]:
    """Title and first paragraph of a lesson, as Markdown."""
    text = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    title = re.search(r"^# +(.+)$", text, re.MULTILINE)
    body = text[title.end() :] if title else text
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", body) if part.strip()]
    return title[1].strip() if title else name, paragraphs[0] if paragraphs else ""


def run_lesson(
    lesson: Path, *, out: Path, profile: str, parameters: Mapping[str, Any], timeout: float | None
) -> Result:
    """Execute one lesson; its notebook appears in ``out`` only when complete."""
    source = nbformat.read(lesson, as_version=4)
    title, about = opening(source, lesson.stem)
    error, executed, page = None, source, out / f"{lesson.stem}.html"
    kept = out / "notebooks" / lesson.name
    kept.parent.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix=".part-", dir=out) as folder, kernel_memory() as peak:
        part = Path(folder).resolve() / "executed.ipynb"
        try:
            papermill.execute_notebook(
                source,
                part,
                parameters={"profile": profile, **parameters},
                kernel_name="python3",
                progress_bar=sys.stderr.isatty(),
                execution_timeout=timeout,
            )
        except FAILURES as failure:
            error = one_line(failure)
        complete = part.exists()
        if complete:
            executed = nbformat.read(part, as_version=4)
            part.replace(kept)
        else:
            page.unlink(missing_ok=True)
            kept.unlink(missing_ok=True)
    return Result(
        lesson=lesson.stem,
        title=title,
        about=about,
        status="failed" if error else "done",
        error=error,
        page=complete,
        seconds=round(time.perf_counter() - start, 2),
        peak_memory=peak[-1],
        load=round(psutil.getloadavg()[0], 1),
        profile=profile,
        parameters=dict(parameters),
        data="simulated" if find_database() is None else "MIT-BIH",
        headlines=headlines(executed),
        **provenance("cuda" if torch.cuda.is_available() else "cpu"),
    )


def run_lessons(
    lessons: Sequence[Path],
    *,
    out: Path,
    profile: str = "quick",
    parameters: Mapping[str, str] | None = None,
    timeout: float | None = None,
    report: Callable[[str], None] = print,
) -> list[Result]:
    """Run lessons one after the other into ``out``; one that fails does not stop the others.

    ``parameters`` are texts; every name and type is checked before anything runs. ``timeout``
    (seconds) limits one cell. ``report`` gets a line before and after each lesson.
    """
    get_profile(profile)
    if "profile" in (parameters or {}):
        raise SettingError("The profile is not given as a parameter: use --profile.")
    typed = [read_parameters(lesson, parameters or {}) for lesson in lessons]
    for lesson in lessons:
        read_parameters(lesson, {"profile": profile})
    stored = {entry["lesson"]: entry for entry in read_results(out)}
    pages = {name: kept_page(out, entry) for name, entry in stored.items()}
    done = []
    for lesson, values in zip(lessons, typed, strict=True):
        report(f"{lesson.stem} ...")
        result = run_lesson(lesson, out=out, profile=profile, parameters=values, timeout=timeout)
        done.append(result)
        stored[lesson.stem] = dataclasses.asdict(result)
        pages[lesson.stem] = kept_page(out, stored[lesson.stem])
        entries = [stored[name] for name in sorted(stored)]
        write_results(out, entries)
        write_site(out, entries, pages)
        outcome = f"failed: {result.error}" if result.error else result.status
        report(f"{lesson.stem} {outcome} ({result.seconds:.0f} s)")
    return done


def read_results(out: Path) -> list[dict[str, Any]]:
    """The records of earlier runs in ``out``, none where there was no run."""
    path = out / RESULTS_FILE
    if not path.exists():
        return []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["lessons"]
        names = {field.name for field in dataclasses.fields(Result)}
        if any(set(entry) != names for entry in entries):
            raise ValueError("other fields")
        return entries
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path} was not written by this version of ecglab ({error}): delete it, or name "
            f"another folder with --out."
        ) from error


def write_results(out: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write the records as JSON."""
    text = json.dumps({"lessons": entries}, indent=1, ensure_ascii=False)
    write_atomically(out / RESULTS_FILE, lambda path: path.write_text(text + "\n", "utf-8"))


def closing_table(results: Sequence[Result]) -> str:
    """Lesson, seconds, status and headline figures as plain text, one headline a line."""
    width = max(len(result.lesson) for result in results)
    lines = [f"{'lesson':{width}}  seconds  status  headline figures"]
    for result in results:
        shown = [
            f"{h['name']}: {headline_text(h['value'], h['unit'])} ({h['data']})"
            for h in result.headlines
        ]
        if result.error:
            shown.insert(0, result.error)
        start = f"{result.lesson:{width}}  {result.seconds:7.1f}  {result.status:6}  "
        lines.append((start + (shown[0] if shown else "")).rstrip())
        lines += [" " * len(start) + text for text in shown[1:]]
    return "\n".join(lines)
