"""``ecglab grow``: the growth study on spectrograms, or its plan."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.common import Data, database
from ecglab.cli.train import usable_device
from ecglab.errors import SettingError


def grow(
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that gets one folder for each run."),
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only print the networks and what they cost.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The plan as JSON.")] = False,
    depth: Annotated[int, typer.Option(help="Layers at the end: 50 and 74 were published.")] = 50,
    fixed: Annotated[
        bool, typer.Option("--fixed", help="Train at the final depth from the start.")
    ] = False,
    timed: Annotated[
        bool, typer.Option("--timed", help="Grow at the latest epochs, whatever the trigger says.")
    ] = False,
    restarted: Annotated[
        bool,
        typer.Option("--restarted", help="As --fixed, with the learning rate of --timed."),
    ] = False,
    shallow: Annotated[
        bool,
        typer.Option("--shallow", help="Stay at the first depth, for as much work as --timed."),
    ] = False,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each arm, with seeds from 0.")] = 3,
    epochs: Annotated[int, typer.Option(help="Passes over the training spectrograms.")] = 64,
    growths: Annotated[int, typer.Option(help="How often the blocks are doubled.")] = 2,
    reserve: Annotated[int, typer.Option(help="Epochs kept for the last network.")] = 20,
    window: Annotated[int, typer.Option(help="Epochs over which the estimate is averaged.")] = 10,
    r_tol: Annotated[float, typer.Option(help="Rise of the estimate that asks for growth.")] = 1.4,
    over: Annotated[
        Literal["mean", "max"], typer.Option(help="How the estimate sums up the blocks.")
    ] = "mean",
    scaling: Annotated[
        Literal["divide", "published", "none"], typer.Option(help="Of the copies of a block.")
    ] = "divide",
    image: Annotated[Literal["16", "32"], typer.Option(help="Size of the spectrograms.")] = "32",
    share: Annotated[
        int | None, typer.Option(help="Train on so many beats only, drawn from every class.")
    ] = None,
    compiled: Annotated[
        bool | None,
        typer.Option("--compile/--no-compile", help="Compile the network; as it is on a GPU."),
    ] = None,
    precision: Annotated[
        Literal["float32", "tf32", "bfloat16"], typer.Option(help="Of convolutions.")
    ] = "bfloat16",
    channels: Annotated[
        Literal["1", "3"],
        typer.Option(help="Plan: channels of a picture, 3 in the published figures, 1 in ours."),
    ] = "1",
    data: Data = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    record: Annotated[
        bool,
        typer.Option("--record", help="Put the runs into the package as its recorded results."),
    ] = False,
    progress: Annotated[bool, typer.Option(help="Show progress bars.")] = True,
) -> None:
    """Train ResNets that grow on spectrograms of heartbeats, or plan to.

    As it stands it repeats the published study at depth 50, which needs a GPU. On two CPU cores
    'ecglab grow --depth 26 --growths 1 --image 16 --share 17511 --out runs' takes half an hour.
    Runs that are in the folder already are not trained again, and an interrupted one goes on from
    its checkpoint.

    Example: ecglab grow --plan --depth 74
    """
    from ecglab.models.growth import GrowthSettings
    from ecglab.training.growth_study import (
        GrowthStudy,
        growth_arms,
        growth_plan,
        plan_as_dict,
    )

    kinds = [
        kind
        for kind, wanted in (
            ("fixed", fixed),
            ("timed", timed),
            ("restarted", restarted),
            ("shallow", shallow),
        )
        if wanted
    ]
    where = "cpu" if plan else usable_device(device)
    study = GrowthStudy(
        depth=depth,
        epochs=epochs,
        image=int(image),
        share=share,
        growth=GrowthSettings(
            growths=growths,
            r_tol=r_tol,
            window=window,
            reserve=reserve,
            over=over,
            scaling=scaling,
        ),
        compile=where.startswith("cuda") if compiled is None else compiled,
        precision=precision,
        seeds=tuple(range(runs)),
    )
    if plan:
        found = growth_plan(study, channels=int(channels))
        print(json.dumps(plan_as_dict(found), indent=1) if as_json else plan_text(found))
        return
    if out is None:
        raise SettingError("No folder for the runs: name one with --out, or look at --plan.")
    from ecglab.lessons.record import record_run
    from ecglab.training.study import run_study

    arms = growth_arms(tuple(kinds or ["grown"]), study)
    for arm, seed, run in run_study(
        out, study=arms, data=database(data), device=where, progress=progress
    ):
        epochs_grown = [entry.epoch + 1 for entry in run.history if entry.grown]
        growth = f"; grew after epochs {epochs_grown}" if epochs_grown else ""
        seconds = sum(entry.seconds for entry in run.history)
        print(
            f"{arm} seed {seed}: accuracy {run.report.accuracy:.4f} on {run.report.beats:,} test "
            f"beats, {seconds:,.0f} s of training{growth}"
        )
        if record:
            record_run(out, arm, seed, weights=False)


def plan_text(plan: "GrowthPlan") -> str:
    """A plan as a table."""
    lines = ["depth  parameters  MMAC an example  epochs"]
    for stage in plan.stages:
        lines.append(
            f"{stage.depth:5}  {stage.parameters:10,}  {stage.multiply_accumulates / 1e6:15.1f}  "
            f"{stage.first_epoch} to {stage.last_epoch}"
        )
    return "\n".join(
        [
            *lines,
            f"parameters per epoch: {plan.parameters_per_epoch:.4f} million at the latest growth, "
            f"{plan.fixed_parameters_per_epoch:.4f} million at fixed depth "
            f"({plan.saving:.1%} fewer)",
        ]
    )
