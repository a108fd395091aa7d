"""``ecglab run``: execute the lessons."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.common import Data, database_for_kernels, fail
from ecglab.errors import SettingError


def run(
    lessons: Annotated[
        list[str] | None, typer.Argument(help="Numbers or names such as 03 or odenet; all without.")
    ] = None,
    profile: Annotated[
        Literal["quick", "classroom", "full"],
        typer.Option(help="How much is computed: seconds, minutes, or hours without a GPU."),
    ] = "quick",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")] = Path(
        "build"
    ),
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME=VALUE", help="Set a lesson's parameter, repeatable."
        ),
    ] = None,
    data: Data = None,
    notebooks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the notebooks.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Limit for one cell.")
    ] = None,
    record_times: Annotated[
        bool,
        typer.Option(
            "--record-times", help="Write what each lesson took into the table at its top."
        ),
    ] = False,
) -> None:
    """Execute lessons and render them as web pages: the list is DIR/index.html.

    Ends with a table of lesson, seconds, status and headline figures. A lesson that fails does not
    stop the others; the exit code is then 1.

    Example: ecglab run 03 --profile classroom -p seed=1
    """
    from ecglab.lessons import measured_times
    from ecglab.lessons.runner import choose, closing_table, find_lessons, run_lessons

    folder = database_for_kernels(data)
    if folder is None:
        print("Data: SIMULATED heartbeats; 'ecglab data fetch' brings the MIT-BIH database.")
    else:
        print(f"Data: MIT-BIH Arrhythmia Database in {folder}.")
    chosen = choose(find_lessons(notebooks), lessons or ())
    given = pairs(parameter or ())
    if record_times:
        measured_times.check_recording(chosen, database=folder, parameters=given)
    results = run_lessons(
        chosen,
        out=out,
        profile=profile,
        parameters=given,
        timeout=timeout,
    )
    print(f"\n{closing_table(results)}\n\nPages: {out / 'index.html'}")
    if record_times:
        for lesson, time in measured_times.record_times(chosen, results).items():
            print(f"Recorded in {lesson}: {time}.")
    if failed := [result.lesson for result in results if result.error]:
        fail(f"{len(failed)} of {len(results)} lessons failed: {', '.join(failed)}.")


def pairs(texts: list[str]) -> dict[str, str]:
    """NAME=VALUE texts as a dictionary."""
    found = [text.partition("=") for text in texts]
    if wrong := [name for name, sign, _ in found if not name or not sign]:
        raise SettingError(
            f"A parameter is given as NAME=VALUE, such as seed=1; found {wrong[0]!r}."
        )
    return {name: value for name, _, value in found}
