"""``ecglab lessons``: the editions of the lessons for a class, and slides."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

lessons_app = typer.Typer(
    help="Write the lessons for a class: to hand out, with solutions, or as slides.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Lessons = Annotated[
    list[str] | None, typer.Argument(help="Numbers or names such as 03 or odenet; all without.")
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="Folder for the notebooks.")]
Notebooks = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of the lessons they are made from.")
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace notebooks in DIR that differ.")
]


@lessons_app.command()
def student(
    out: Out, lessons: Lessons = None, notebooks: Notebooks = None, overwrite: Overwrite = False
) -> None:
    """Write the notebooks to hand out: exercises open, no outputs, nothing for teachers alone.

    Example: ecglab lessons student --out class
    """
    from ecglab.lessons import editions

    write(editions.student, out, lessons, notebooks, overwrite)


@lessons_app.command()
def solutions(
    out: Out, lessons: Lessons = None, notebooks: Notebooks = None, overwrite: Overwrite = False
) -> None:
    """Write the notebooks with the solution of each exercise and its explanation.

    'ecglab run --notebooks DIR' executes them, so that every check answers.

    Example: ecglab lessons solutions 04 --out solved
    """
    from ecglab.lessons import editions

    write(editions.solutions, out, lessons, notebooks, overwrite)


@lessons_app.command()
def slides(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the slides.")],
    lessons: Lessons = None,
    notebooks: Notebooks = None,
) -> None:
    """Write each lesson as slides to project or to print: one file that needs no network.

    The slides follow from the lesson's headings. Executed lessons, such as 'ecglab run' leaves in
    build/notebooks, give slides with figures. In a browser the arrow keys turn them.

    Example: ecglab lessons slides 03 --notebooks build/notebooks --out slides
    """
    from ecglab.lessons.runner import choose, find_lessons
    from ecglab.lessons.slides import write_slides

    chosen = choose(find_lessons(notebooks), lessons or ())
    for path, figures in write_slides(chosen, out):
        print(path if figures else f"{path} (without figures: the lesson was not executed)")


def write(
    edition: Callable,
    out: Path,
    lessons: list[str] | None,
    notebooks: Path | None,
    overwrite: bool,
) -> None:
    """Write one edition of the chosen lessons and say where."""
    from ecglab.lessons.editions import write_edition
    from ecglab.lessons.runner import choose, find_lessons

    chosen = choose(find_lessons(notebooks), lessons or ())
    for path in write_edition(chosen, out, edition, overwrite=overwrite):
        print(path)
