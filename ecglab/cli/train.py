"""``ecglab train``: one training run from the terminal."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from ecglab.cli.common import Data, SplitOption, given
from ecglab.errors import SettingError


def train(
    network: Annotated[
        Literal["resnet", "odenet", "growing-resnet"], typer.Argument(help="The network.")
    ],
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
            help="Settings to start from: course, founding (2020 study: SGD 0.1), balanced, or "
            "spectrograms (2024 growth study).",
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
    lowest_rate: Annotated[
        float | None, typer.Option(help="Where the cosine ends, 0.0 unless given.")
    ] = None,
    restarts: Annotated[
        list[int] | None,
        typer.Option(help="Epochs after which the cosine begins anew; may be given repeatedly."),
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
    adjust_logits: Annotated[
        bool | None,
        typer.Option(help="Let the loss make up for what sampling leaves of the imbalance."),
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
    growths: Annotated[
        int | None,
        typer.Option(help="How often the network doubles its blocks while it trains; 0 never."),
    ] = None,
    r_tol: Annotated[
        float | None,
        typer.Option(help="Growth: rise of the Lipschitz estimate that asks for it, 1.4, or inf."),
    ] = None,
    window: Annotated[
        int | None, typer.Option(help="Growth: epochs over which the estimate is averaged, 10.")
    ] = None,
    reserve: Annotated[
        int | None, typer.Option(help="Growth: epochs kept for the last network, 20.")
    ] = None,
    over: Annotated[
        Literal["mean", "max"] | None,
        typer.Option(help="Growth: how the estimate sums up the blocks, mean unless given."),
    ] = None,
    scaling: Annotated[
        Literal["divide", "published", "none"] | None,
        typer.Option(help="Growth: scaling of the copies of a block, divide unless given."),
    ] = None,
    at: Annotated[
        list[int] | None,
        typer.Option(help="Growth: after these epochs whatever the estimate; repeatable."),
    ] = None,
    precision: Annotated[
        Literal["float32", "tf32", "bfloat16"] | None,
        typer.Option(help="Of convolutions, float32 unless given."),
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
    dilation: Annotated[
        list[int] | None,
        typer.Option(help="Of each block, or each convolution of the dynamics; repeatable."),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(help="growing-resnet: layers at the start, 14 unless given.")
    ] = None,
    image: Annotated[
        Literal["16", "32"] | None,
        typer.Option(help="growing-resnet: size of the spectrograms, 32 unless given."),
    ] = None,
    share: Annotated[
        int | None, typer.Option(help="Train on so many beats only, drawn from every class.")
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

    An interrupted run goes on from its checkpoint when the same command is given again. Started by
    torchrun ('torchrun --nproc-per-node 2 -m ecglab train ...') several processes share each batch.

    Example: ecglab train odenet --split benchmark --epochs 5 --out runs/odenet
    """
    from dataclasses import replace

    from ecglab.models.catalogue import IMAGE_NETWORKS
    from ecglab.models.growth import GrowthSettings
    from ecglab.training import recipes
    from ecglab.training.processes import joined, processes
    from ecglab.training.runs import train_run

    base = recipes.recipe(recipe)
    chosen = given(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        lowest_rate=lowest_rate,
        restarts=tuple(restarts) if restarts else None,
        schedule=schedule,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
        clip_norm=clip_norm,
        sampling=sampling,
        adjust_logits=adjust_logits,
        patience=patience,
        compile=compiled,
        precision=precision,
        seed=seed,
    )
    for name in ("clip_norm", "patience"):
        if chosen.get(name) == 0:
            chosen[name] = None
    varied = given(stretch=stretch, scale=scale, noise=noise)
    chosen["augmentation"] = replace(base.augmentation, **varied)
    grown = given(
        growths=growths,
        r_tol=r_tol,
        window=window,
        reserve=reserve,
        over=over,
        scaling=scaling,
        at=tuple(at) if at else None,
    )
    if growths:
        chosen["growth"] = GrowthSettings(**grown)
    elif set(grown) - {"growths"}:
        raise SettingError(f"{options_of(grown)} needs --growths: say how often it grows.")
    shape = {"width": width, "blocks": blocks, "stem": stem, "depth": depth}
    shape["dilation"] = dilation or None
    solver = {"method": method, "rtol": rtol, "atol": atol, "steps": steps, "gradient": gradient}
    own = {
        "resnet": ("width", "blocks", "stem", "dilation"),
        "odenet": ("width", "stem", "dilation", *solver),
        "growing-resnet": ("depth", "image"),
    }[network]
    options = given(**shape, **solver)
    if foreign := [name for name in given(**options, image=image) if name not in own]:
        raise SettingError(f"{options_of(foreign)} has no meaning for the {network}: leave it out.")
    with joined(usable_device(device)) as where:
        run = train_run(
            network,
            split=split,
            settings=replace(base, **chosen),
            out=out,
            options=options,
            data=data,
            validation=validation,
            score=score,
            image=int(image or 32) if network in IMAGE_NETWORKS else None,
            share=share,
            device=where,
            progress=progress,
        )
        if not processes().writes:
            return
    low, high = run.report.intervals["beats"]["macro_f1"]
    print(
        f"{network} with {run.parameters:,} parameters on {run.report.beats:,} {run.scored} beats "
        f"({run.data['origin']}, {split}): accuracy {run.report.accuracy:.4f}, macro-F1 "
        f"{run.report.macro_f1:.4f} (95 % interval {low:.4f} to {high:.4f}); stored in {out}"
    )


def options_of(names: Iterable[str]) -> str:
    """Names of settings as options."""
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


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
