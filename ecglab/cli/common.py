"""What several commands share: options, the database, leaving with an error."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ecglab.errors import DataError

Split = Literal["benchmark", "patients", "balanced"]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the MIT-BIH records (100.hea, 100.dat, 100.atr ...). Without it, "
        "ECGLAB_DATA, then the folder that 'ecglab data fetch' fills.",
    ),
]
SplitOption = Annotated[
    Split,
    typer.Option(
        help="How training and test beats are divided: benchmark (the published rows, by beat), "
        "patients (DS1 and DS2, by person) or balanced (3,500 test beats).",
    ),
]


def fail(sentence: str) -> None:
    """Print an error and leave."""
    print(f"ecglab: {sentence}", file=sys.stderr)
    raise SystemExit(1)


def database(data: Path | None) -> Path:
    """The folder of the database, which this command cannot do without."""
    from ecglab.data.database import find_database

    folder = find_database(data)
    if folder is None:
        raise DataError(
            "No MIT-BIH database found: expected a folder named by --data or ECGLAB_DATA; "
            "'ecglab data fetch' brings one."
        )
    return folder


def database_for_kernels(data: Path | None) -> Path | None:
    """The folder of the database, made known to the kernels that this command starts."""
    from ecglab.data.database import DATABASE_VARIABLE, find_database

    folder = find_database(data)
    if folder is not None:
        os.environ[DATABASE_VARIABLE] = str(folder.resolve())
    return folder


def given(**options: Any) -> dict[str, Any]:
    """The options that were given on the command line."""
    return {name: value for name, value in options.items() if value is not None}
