"""``ecglab train``: one training run from the terminal."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.common import Data, SplitOption, given
from ecglab.errors import SettingError


def train(
    network: Annotated[Literal["resnet", "odenet"], typer.Argument(help="The network.")],
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for run.json, weights and checkpoint.")
    ],
    split: SplitOption = "benchmark",
    data: Data = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    validation: Annotated[
        float, typer.Option(help="Share of the training beats held out for validation.")
    ] = 0.1,
    score: Annotated[
        Literal["test", "validation"],
        typer.Option(help="The part that is scored; settings are chosen on validation."),
    ] = "test",
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Settings to start from: course, or founding (2020 study: SGD 0.1).",
        ),
    ] = "course",
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the training beats, 5 unless given.")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Beats in each step of the optimiser, 128 unless given.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help="Highest learning rate, 0.15 unless given (founding recipe: 0.1)."),
    ] = None,
    schedule: Annotated[
        Literal["constant", "cosine", "one-cycle"] | None,
        typer.Option(help="Course of the learning rate, one-cycle unless given."),
    ] = None,
    momentum: Annotated[
        float | None, typer.Option(help="Of the optimiser, 0.9 unless given.")
    ] = None,
    nesterov: Annotated[
        bool | None, typer.Option(help="Look ahead along the momentum, on unless given.")
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Penalty on large weights, 0.0001 unless given.")
    ] = None,
    clip_norm: Annotated[
        float | None, typer.Option(help="Longest gradient, 1.0 unless given; 0 clips none.")
    ] = None,
    sampling: Annotated[
        Literal["uniform", "root", "class"] | None,
        typer.Option(
            help="How an epoch draws its beats: uniform unless given, class draws all classes "
            "equally often, root is half way there."
        ),
    ] = None,
    stretch: Annotated[
        float | None, typer.Option(help="Augmentation: spread of a stretch in time, such as 0.1.")
    ] = None,
    scale: Annotated[
        float | None, typer.Option(help="Augmentation: spread of a change of amplitude.")
    ] = None,
    noise: Annotated[
        float | None, typer.Option(help="Augmentation: standard deviation of added noise.")
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Stop after so many epochs without a better validation loss; 0 never stops."
        ),
    ] = None,
    compiled: Annotated[
        bool | None,
        typer.Option("--compile/--no-compile", help="Compile the network, off unless given."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of every draw, 0 unless given.")] = None,
    width: Annotated[
        int | None,
        typer.Option(help="Channels, 64 unless given; 32 is the narrow network."),
    ] = None,
    blocks: Annotated[
        int | None,
        typer.Option(help="ResNet: residual blocks, 6 unless given (3 below width 64)."),
    ] = None,
    stem: Annotated[
        Literal["strided", "pooled"] | None,
        typer.Option(help="Downsampling: strided from width 64 on, pooled below, unless given."),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="ODENet: solver, dopri5 unless given; rk4, euler ...")
    ] = None,
    rtol: Annotated[
        float | None, typer.Option(help="ODENet: relative tolerance, 0.001 unless given.")
    ] = None,
    atol: Annotated[
        float | None, typer.Option(help="ODENet: absolute tolerance, 0.001 unless given.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="ODENet: equal steps of a fixed method such as rk4.")
    ] = None,
    gradient: Annotated[
        Literal["adjoint", "direct", "checkpoint"] | None,
        typer.Option(
            help="ODENet: adjoint unless given; direct through the solver; checkpoint as direct, "
            "with a fixed method and little memory."
        ),
    ] = None,
    progress: Annotated[bool, typer.Option(help="Show progress bars.")] = True,
) -> None:
    """Train a network on a split and write its run as JSON, with weights and checkpoint.

    An interrupted run goes on from its checkpoint when the same command is given again.

    Example: ecglab train odenet --split benchmark --epochs 5 --out runs/odenet
    """
    from dataclasses import replace

    from ecglab.training import recipes
    from ecglab.training.runs import train_run

    base = recipes.recipe(recipe)
    chosen = given(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        schedule=schedule,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        sampling=sampling,
        patience=patience,
        compile=compiled,
        seed=seed,
    )
    for name in ("clip_norm", "patience"):
        if chosen.get(name) == 0:
            chosen[name] = None
    varied = given(stretch=stretch, scale=scale, noise=noise)
    chosen["augmentation"] = replace(base.augmentation, **varied)
    solver = given(method=method, rtol=rtol, atol=atol, steps=steps, gradient=gradient)
    foreign = given(blocks=blocks) if network == "odenet" else solver
    if foreign:
        names = ", ".join(f"--{name}" for name in foreign)
        raise SettingError(f"{names} has no meaning for the {network}: leave it out.")
    run = train_run(
        network,
        split=split,
        settings=replace(base, **chosen),
        out=out,
        options=given(width=width, blocks=blocks, stem=stem) | solver,
        data=data,
        validation=validation,
        score=score,
        device=usable_device(device),
        progress=progress,
    )
    low, high = run.report.intervals["beats"]["macro_f1"]
    print(
        f"{network} with {run.parameters:,} parameters on {run.report.beats:,} {run.scored} beats "
        f"({run.data['origin']}, {split}): accuracy {run.report.accuracy:.4f}, macro-F1 "
        f"{run.report.macro_f1:.4f} (95 % interval {low:.4f} to {high:.4f}); stored in {out}"
    )


def usable_device(name: str) -> str:
    """The device called ``name``, the best one for auto."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise SettingError(
            f"The device {name!r} cannot be used here ({str(error).splitlines()[0]}); expected "
            f"auto, cpu, cuda or cuda:N; 'ecglab check' says what there is."
        ) from error
    return name
