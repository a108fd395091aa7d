"""``ecglab data``: bring, check and export the database."""

from pathlib import Path
from typing import Annotated

import typer

from ecglab.cli.common import Data, SplitOption, database
from ecglab.errors import DataError

data_app = typer.Typer(
    help="Bring, check and export the MIT-BIH Arrhythmia Database.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@data_app.command()
def fetch(
    data: Data = None,
    progress: Annotated[bool, typer.Option(help="Show a progress bar.")] = True,
) -> None:
    """Fetch the 48 records (about 90 MB) from PhysioNet and check every file.

    What is already there and whole is kept, so that an interrupted fetch goes on where it stopped.
    """
    from ecglab.data.fetch import fetch as fetch_records

    print(f"All 144 files are in {fetch_records(data, progress=progress)}.")


@data_app.command()
def verify(data: Data = None) -> None:
    """Compare every file of the database with its published SHA-256 checksum."""
    from ecglab.data.fetch import verify as verify_files

    found = verify_files(database(data))
    if not found.ok:
        parts = [f"{name} is missing" for name in found.missing]
        parts += [f"{name} differs" for name in found.differing]
        more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
        raise DataError(
            f"{len(parts)} of {found.checked} files in {found.directory} are not the published "
            f"ones ({', '.join(parts[:5])}{more}); run 'ecglab data fetch --data "
            f"{found.directory}' to replace them."
        )
    print(f"All {found.checked} files in {found.directory} are the published ones.")


@data_app.command()
def export(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the two files.")],
    split: SplitOption = "benchmark",
    data: Data = None,
) -> None:
    """Write a split as mitbih_train.csv and mitbih_test.csv in the published format.

    188 columns without a header: 187 values from 0 to 1, then the class 0 to 4 (N S V F Q).
    """
    from ecglab.data.csvfile import export_split
    from ecglab.data.load import database_beats
    from ecglab.data.splits import make_split

    drawn = make_split(split, database_beats(database(data)))
    files = export_split(drawn, out)
    for path, beats in zip(files, (drawn.train, drawn.test), strict=True):
        print(f"{path}: {len(beats):,} beats, {beats.counts()}")
