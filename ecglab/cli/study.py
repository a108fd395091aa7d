"""``ecglab study``: every full-size run behind the recorded results."""

from pathlib import Path
from typing import Annotated

import typer

from ecglab.cli.common import Data, database
from ecglab.cli.train import usable_device


def study(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder that gets one folder for each run.")
    ],
    arms: Annotated[
        list[str] | None, typer.Argument(help="Arms of the study; all of them unless given.")
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option(help="Seeds to train; those of each arm unless given.")
    ] = None,
    data: Data = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    record: Annotated[
        bool,
        typer.Option("--record", help="Put the runs into the package as its recorded results."),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show progress bars.")] = True,
) -> None:
    """Train the wide and the narrow pair on all three splits, as the lessons compare them.

    Runs that are in the folder already are not trained again, and an interrupted one goes on from
    its checkpoint. The real database is needed. On two CPU cores all of it takes some hours.

    Example: ecglab study resnet odenet --seed 0 --out runs
    """
    from ecglab.lessons.record import SWEPT, record_run, record_sweep
    from ecglab.training.study import STUDY, run_study

    folder = database(data)
    where = usable_device(device)
    runs = run_study(
        out,
        arms=arms,
        seeds=tuple(seed) if seed else None,
        data=folder,
        device=where,
        progress=progress,
    )
    for arm, chosen, run in runs:
        report = run.report
        print(
            f"{arm} seed {chosen}: accuracy {report.accuracy:.4f}, "
            f"macro-F1 {report.macro_f1:.4f} on {report.beats:,} test beats"
        )
        if record:
            record_run(out, arm, chosen, weights=chosen == STUDY[arm].seeds[0])
            if arm == SWEPT and chosen == STUDY[arm].seeds[0]:
                record_sweep(folder, device=where)
