"""The shapes in the annotations hold: public functions run under jaxtyping and beartype.

In a process of its own: the import hook must be there before the package is imported.
"""

import subprocess
import sys

HOOK = """
from jaxtyping import install_import_hook
install_import_hook("ecglab", "beartype.beartype")
import dataclasses, tempfile
from pathlib import Path
import numpy as np
import torch
"""

MODELS = """
from ecglab.models import ODENet, ResNet, Solver, solve
from ecglab.models.odenet import Dynamics, TimeConv1d

x = torch.randn(3, 1, 187)
for width in (8, 32, 64):
    assert ResNet(width)(x).shape == (3, 5)
for how in ({}, {"gradient": "direct"}, {"method": "rk4", "steps": 2},
            {"method": "rk4", "steps": 2, "gradient": "direct"}):
    model = ODENet(8, **how)
    model(x).sum().backward()
    model.block.report
class Linear(torch.nn.Linear):
    def forward(self, t, y):
        return super().forward(y)
for shape in ((3,), (2, 3), (2, 4, 3)):
    solve(Linear(3, 3), torch.randn(shape), Solver(gradient="direct"))
field = Dynamics(4, bias=True, last_norm=True).double()
field(0.5, torch.randn(2, 4, 9, dtype=torch.float64))
TimeConv1d(4, bias=False)(torch.tensor(0.5), torch.randn(2, 4, 9))
"""

TRAINING = """
from ecglab.data.beats import Beats, join
from ecglab.data.load import subsample
from ecglab.data.splits import hold_out, leak, make_split
from ecglab.models import ODENet, ResNet
from ecglab.training import runs
from ecglab.training.batches import Augmentation, augment, epoch_order, to_tensors
from ecglab.training.evaluate import accuracy_of, bootstrap, evaluate, f1_of, macro_f1_of, predict
from ecglab.training.fit import TrainSettings, fit
from ecglab.training.meters import PeakMemory, evaluations, parameter_count, saved_bytes

rng = np.random.default_rng(0)
beats = join(
    Beats(rng.random((100, 187), np.float32), rng.integers(0, 5, 100).astype(np.uint8),
          np.full(100, record, np.int32), np.arange(100, dtype=np.int32), "simulated")
    for record in (1, 2, 3)
)
for name in ("benchmark", "patients", "balanced"):
    split = make_split(name, beats)
    leak(split)
train, validation = hold_out(split.train, fraction=0.2)
beats.take(np.arange(5)), beats.of_class(0), beats.counts(), subsample(beats, 50, seed=0)
part = to_tensors(train, "cpu")
generator = torch.Generator().manual_seed(0)
for sampling in ("uniform", "root", "class"):
    epoch_order(part.labels, sampling, generator)
augment(part.values, Augmentation(stretch=0.1, scale=0.1, noise=0.1), generator)
settings = TrainSettings(epochs=1, patience=1, augmentation=Augmentation(noise=0.1))
for model in (ResNet(4, 1), ODENet(4, method="euler")):
    fit(model, train, settings=settings, validation=validation, progress=False)
    report = evaluate(model, split.test, draws=10)
    predict(model, split.test, batch_size=64)
    evaluations(model), parameter_count(model)
table = np.array(report.confusion)
f1_of(table), accuracy_of(table), macro_f1_of(table)
f1_of(table[None]), accuracy_of(table[None]), macro_f1_of(table[None])
bootstrap(np.zeros(4, np.int64), np.zeros(4, np.int64), np.arange(4), draws=3)
saved_bytes(lambda: model(part.values[:2]))
runs.load_beats = lambda directory: beats
with tempfile.TemporaryDirectory() as folder:
    out = Path(folder)
    run = runs.train_run("resnet", split="benchmark", settings=settings, out=out,
                         options={"width": 4}, progress=False)
    assert dataclasses.asdict(runs.read_run(out / "run.json")) == dataclasses.asdict(run)
"""

WRONG = """
from jaxtyping import TypeCheckError
from ecglab.models import ResNet
from ecglab.models.odenet import TimeConv1d
from ecglab.training.batches import TensorBeats

attempts = (
    lambda: ResNet(4, 1)(torch.randn(2, 2, 187)),
    lambda: ResNet(4, 1)(torch.zeros(2, 1, 187, dtype=torch.int64)),
    lambda: TimeConv1d(4, bias=True)(0.0, torch.randn(4, 9)),
    lambda: TensorBeats(torch.randn(3, 1, 187), torch.zeros(4, dtype=torch.int64)),
)
for attempt in attempts:
    try:
        attempt()
    except TypeCheckError:
        continue
    raise SystemExit("a wrong shape went through")
"""


def test_annotated_shapes_hold_and_wrong_ones_are_noticed():
    done = subprocess.run(
        [sys.executable, "-c", HOOK + MODELS + TRAINING + WRONG], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
