"""The neural ODE: its layers by another route, its solver as a knob, single beats, compiled."""

import copy

import pytest
import torch
from torch.nn.functional import conv1d, cross_entropy, relu

from ecglab.errors import SettingError, SolverError
from ecglab.models import ODENet, Solver
from ecglab.models.odenet import Dynamics, ODEBlock, TimeConv1d

CONFIGURATIONS = [
    {},
    {"gradient": "direct"},
    {"method": "rk4", "steps": 2, "gradient": "direct"},
    {"method": "euler", "steps": 4},
    {"method": "bosh3", "rtol": 1e-4},
]


def count(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(
    ("width", "whole", "block", "by_hand"),
    [
        (64, 59_333, 25_472, 3 * 2 * 64 + 2 * (65 * 64 * 3 + 64)),
        (32, 6_885, 6_464, 2 * 2 * 32 + 2 * (33 * 32 * 3)),
    ],
)
def test_parameter_counts(width, whole, block, by_hand):
    model = ODENet(width)
    assert count(model) == whole
    assert count(model.block) == block == by_hand


@pytest.mark.parametrize(("width", "length"), [(64, 46), (32, 92)])
def test_the_state_keeps_its_shape(width, length):
    model = ODENet(width, method="euler", gradient="direct")
    state = model.downsampling(torch.randn(2, 1, 187))
    assert state.shape == model.block(state).shape == (2, width, length)
    assert model(torch.randn(2, 1, 187)).shape == (2, 5)


@pytest.mark.parametrize("t", [0.0, 0.37, -2.0, torch.tensor(0.81, dtype=torch.float64)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_time_convolution_equals_a_concatenated_channel(bias, t):
    torch.manual_seed(0)
    layer = TimeConv1d(6, bias=bias).double()
    y = torch.randn(3, 6, 13, dtype=torch.float64, requires_grad=True)
    time = torch.full((3, 1, 13), float(t), dtype=torch.float64)
    plain = conv1d(torch.cat([time, y], 1), layer.conv.weight, layer.conv.bias, padding=1)
    folded = layer(t, y)
    torch.testing.assert_close(folded, plain, atol=1e-12, rtol=0)
    inputs = [y, *layer.parameters()]
    ours, theirs = (torch.autograd.grad(out.sin().sum(), inputs) for out in (folded, plain))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-12, rtol=0)


def test_the_time_convolution_passes_a_gradient_to_the_time():
    layer = TimeConv1d(2, bias=True).double()
    y = torch.randn(1, 2, 5, dtype=torch.float64)
    t = torch.tensor(0.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: layer(t, y), (t,))


@pytest.mark.parametrize("last_norm", [True, False])
def test_the_dynamics_are_norm_relu_convolution_twice(last_norm):
    dynamics = Dynamics(4, bias=True, last_norm=last_norm)
    y = torch.randn(2, 4, 9)
    z = dynamics.conv1(0.4, relu(dynamics.norm1(y)))
    z = dynamics.conv2(0.4, relu(dynamics.norm2(z)))
    z = torch.nn.functional.group_norm(z, 4) if last_norm else z
    torch.testing.assert_close(dynamics(0.4, y), z)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_gradients_agree_with_finite_differences(method):
    torch.manual_seed(1)
    solver = Solver(method=method, steps=2, gradient="direct")
    block = ODEBlock(Dynamics(2, bias=True, last_norm=True), solver).double()
    y = torch.randn(1, 2, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(block, (y,), eps=1e-7)


@pytest.mark.parametrize("method", ["euler", "midpoint", "rk4"])
def test_a_beat_alone_is_scored_as_in_a_batch_by_fixed_steps(method):
    torch.manual_seed(0)
    model = ODENet(32, method=method, steps=2, gradient="direct").eval()
    beats = torch.randn(16, 1, 187)
    with torch.inference_mode():
        alone = torch.cat([model(beat[None]) for beat in beats])
        torch.testing.assert_close(alone, model(beats), atol=1e-6, rtol=0)


def test_an_adaptive_solver_couples_the_beats_of_a_batch():
    torch.manual_seed(0)
    model = ODENet(8, rtol=1e-1, atol=1e-1).eval()
    beats = torch.randn(16, 1, 187)
    beats[1:] *= torch.linspace(0, 10, 15)[:, None, None]

    def coupling():
        with torch.inference_mode():
            return float((model(beats)[:1] - model(beats[:1])).abs().max())

    loose = coupling()
    model.block.solver = Solver(rtol=1e-6, atol=1e-6)
    assert loose > 1e-5
    assert coupling() < loose / 10


def test_the_solver_is_a_knob_that_needs_no_new_weights():
    torch.manual_seed(0)
    model, beats = ODENet(8).double(), torch.randn(3, 1, 187, dtype=torch.float64)

    def solved(**solver):
        model.block.solver = Solver(**solver)
        with torch.inference_mode():
            return model(beats), model.block.report.evaluations_forward

    reference, _ = solved(rtol=1e-10, atol=1e-10)
    answers = [solved(rtol=tolerance, atol=tolerance) for tolerance in (1e-2, 1e-4, 1e-6)]
    errors = [float((logits - reference).abs().max()) for logits, _ in answers]
    counts = [evaluations for _, evaluations in answers]
    assert errors[0] > errors[1] > errors[2]
    assert counts[0] < counts[1] < counts[2]
    logits, evaluations = solved(method="rk4", steps=64, gradient="direct")
    assert evaluations == 4 * 64
    torch.testing.assert_close(logits, reference, atol=1e-4, rtol=0)


@pytest.mark.parametrize("options", CONFIGURATIONS)
def test_weights_move_between_solvers(options):
    torch.manual_seed(0)
    source = ODENet(4)
    target = ODENet(4, **options)
    target.load_state_dict(source.state_dict())
    beats = torch.randn(2, 1, 187)
    target.block.solver = source.block.solver
    with torch.inference_mode():
        assert torch.equal(source(beats), target(beats))


@pytest.mark.parametrize("options", CONFIGURATIONS)
def test_the_report_is_that_of_the_last_solve(options):
    model, beats = ODENet(4, **options), torch.randn(2, 1, 187)
    calls = 0

    def called(*_):
        nonlocal calls
        calls += 1

    model.block.dynamics.register_forward_hook(called)
    for _ in range(2):
        calls = 0
        loss = model(beats).sum()
        assert model.block.report.evaluations_forward == calls
        loss.backward()
        report = model.block.report
        assert report.evaluations_forward + report.evaluations_backward == calls
        adjoint = model.block.solver.gradient == "adjoint"
        assert (report.evaluations_backward > 0) is adjoint
        assert sum(h for _, h in report.accepted) >= 1 - 1e-9


def test_a_network_can_be_copied_after_a_solve():
    model, beats = ODENet(4), torch.randn(2, 1, 187)
    model(beats).sum().backward()
    with torch.inference_mode():
        assert torch.equal(copy.deepcopy(model)(beats), model(beats))


@pytest.mark.parametrize("options", CONFIGURATIONS)
def test_weights_that_have_diverged_are_reported(options):
    model = ODENet(4, **options)
    torch.nn.init.constant_(model.block.dynamics.conv1.conv.weight, float("nan"))
    with pytest.raises(SolverError, match=r"no longer finite.*[Ll]ower the learning rate"):
        model(torch.randn(2, 1, 187))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "newton"}, "method='newton'"),
        ({"rtol": -1.0}, r"rtol=-1\.0"),
        ({"steps": 3}, "steps=3"),
        ({"width": 40}, "width=40"),
        ({"stem": "none"}, "stem='none'"),
    ],
)
def test_a_wrong_argument_is_named(options, said):
    with pytest.raises(SettingError, match=said):
        ODENet(**options)


def losses_of_training(model, step_model, steps):
    torch.manual_seed(5)
    beats, labels = torch.randn(6, 1, 187), torch.tensor([0, 1, 2, 3, 4, 0])
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    losses = []
    for _ in range(steps):
        loss = cross_entropy(step_model(beats), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def equal_when_compiled(options, **how):
    torch.manual_seed(0)
    eager = ODENet(8, **options)
    compiled = copy.deepcopy(eager)
    expected = losses_of_training(eager, eager, 5)
    found = losses_of_training(compiled, torch.compile(compiled, **how), 5)
    assert found == pytest.approx(expected, rel=1e-4)
    assert expected[-1] < expected[0]
    for one, other in zip(eager.parameters(), compiled.parameters(), strict=True):
        torch.testing.assert_close(one, other, atol=2e-4, rtol=1e-3)
    assert compiled.block.report.evaluations_forward == eager.block.report.evaluations_forward
    assert compiled.block.report.evaluations_backward == eager.block.report.evaluations_backward


@pytest.mark.usefixtures("compiler")
def test_the_compiled_network_trains_to_the_same_weights():
    equal_when_compiled({"method": "rk4", "steps": 2, "gradient": "direct"}, fullgraph=True)


@pytest.mark.parametrize("gradient", ["adjoint", "direct"])
def test_an_adaptive_solver_inside_a_compiled_network_stays_eager(gradient):
    equal_when_compiled({"gradient": gradient}, backend="aot_eager")
