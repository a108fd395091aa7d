"""``ecglab sweep``: many training runs over a grid of settings, on one machine or a cluster."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.common import Data, SplitOption, given
from ecglab.cli.train import usable_device
from ecglab.errors import EcglabError


class SweepError(EcglabError):
    """Some runs of a sweep failed."""


def sweep(
    network: Annotated[Literal["resnet", "odenet"], typer.Argument(help="The network.")],
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder that gets one folder for each run."),
    ],
    method: Annotated[
        list[str] | None, typer.Option(help="ODENet: a solver; repeat it for several.")
    ] = None,
    rtol: Annotated[
        list[float] | None, typer.Option(help="ODENet: a tolerance, rtol and atol; repeatable.")
    ] = None,
    steps: Annotated[
        list[int] | None, typer.Option(help="ODENet: a number of steps; repeatable.")
    ] = None,
    gradient: Annotated[
        list[str] | None,
        typer.Option(help="ODENet: adjoint, direct or checkpoint; repeatable."),
    ] = None,
    width: Annotated[list[int] | None, typer.Option(help="Channels; repeatable.")] = None,
    blocks: Annotated[list[int] | None, typer.Option(help="ResNet: blocks; repeatable.")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="A seed; repeatable.")] = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training beats.")] = 5,
    recipe: Annotated[
        str, typer.Option(metavar="NAME", help="Settings to start from, as for 'ecglab train'.")
    ] = "course",
    split: SplitOption = "benchmark",
    share: Annotated[
        int | None, typer.Option(help="Train on so many beats only, drawn from every class.")
    ] = None,
    validation: Annotated[
        float, typer.Option(help="Share of the training beats held out for validation.")
    ] = 0.1,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes on this machine, one thread each.")
    ] = 2,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A running Dask cluster instead, such as tcp://host:8786; all its workers reach "
            "the folder of --out and of the data.",
        ),
    ] = None,
    data: Data = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
) -> None:
    """Train a network for every combination of the values given, several runs at a time.

    Runs that are in the folder are not trained again. One that fails stops none of the others: its
    error is printed and stored, and the same command tries it again. On a cluster start 'dask
    scheduler' on one machine and 'dask worker tcp://host:8786' on the others.

    Example: ecglab sweep odenet --method rk4 --method midpoint --steps 1 --steps 2 --gradient
    direct --seed 0 --seed 1 --out runs/sweep
    """
    from dataclasses import replace

    from ecglab.training.grid import Failure, cells, dask_client, run_grid
    from ecglab.training.recipes import recipe as settings_of
    from ecglab.training.study import Arm

    axes = given(
        method=method or None,
        rtol=rtol or None,
        steps=steps or None,
        gradient=gradient or None,
        width=width or None,
        blocks=blocks or None,
    )
    settings = replace(settings_of(recipe), epochs=epochs)
    arm = Arm(network, split, settings, validation=validation, share=share)
    grid = cells(arm, axes | {"seed": seed or [0]})
    where = usable_device(device)
    failed = 0
    with dask_client(scheduler, workers) as client:
        for cell, found in run_grid(grid, out, client=client, data=data, device=where):
            if isinstance(found, Failure):
                failed += 1
                print(f"{cell.name}: failed ({found.kind}: {found.message})")
            else:
                seconds = sum(entry.seconds for entry in found.history)
                print(
                    f"{cell.name}: accuracy {found.report.accuracy:.4f}, macro-F1 "
                    f"{found.report.macro_f1:.4f}, {seconds:,.0f} s of training"
                )
    if failed:
        raise SweepError(
            f"{failed} of {len(grid)} runs failed; the others are in {out}. Mend the cause and "
            f"give the same command again: only what is missing is trained."
        )
