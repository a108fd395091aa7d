"""``ecglab lab``: open the lessons in JupyterLab."""

from pathlib import Path
from typing import Annotated

import typer

from ecglab.cli.common import Data, database_for_kernels
from ecglab.errors import SettingError


def lab(
    options: Annotated[
        list[str] | None,
        typer.Argument(help="For JupyterLab, after two hyphens, such as -- --port 9000."),
    ] = None,
    data: Data = None,
    notebooks: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the notebooks.")
    ] = None,
) -> None:
    """Open the lessons in JupyterLab, as 'jupyter lab notebooks' does.

    Their kernels also get the data that --data names, and a setting that keeps torch fast while a
    browser runs beside it.

    Example: ecglab lab -- --port 9000
    """
    try:
        from jupyterlab.labapp import LabApp
    except ImportError:
        raise SettingError(
            "JupyterLab is not installed: 'pip install ecglab[lessons]' brings it."
        ) from None
    from ecglab.lessons.runner import find_lessons

    folder = find_lessons(notebooks)[0].parent
    database_for_kernels(data)
    LabApp.launch_instance([str(folder), *(options or ())])
