"""Gradients through solvers, proved against autograd, torchdiffeq, differences and closed forms."""

import math
from itertools import pairwise

import pytest
import torch
from torch.nn.functional import cross_entropy
from torchdiffeq import odeint_adjoint

from ecglab.errors import SettingError, SolverError
from ecglab.models import ODENet, Solver
from ecglab.models.adjoint import integrate_adjoint, odeint_with_adjoint
from ecglab.models.checkpointed import integrate_checkpointed
from ecglab.models.solve import GRADIENTS
from ecglab.models.tableaus import CLASSIC_RK4, EULER, HEUN, MIDPOINT, RK4, integrate
from ecglab.training.meters import evaluations, saved_bytes

TABLEAUS = [EULER, MIDPOINT, HEUN, RK4, CLASSIC_RK4]
T0, T1 = 0.2, 1.5


def linear(t, y, p):
    return p @ y


def nonlinear(t, y, p):
    return torch.tanh(p @ y) - 0.1 * y**3


def driven(t, y, p):
    return torch.sin(p @ y + t) * torch.cos(2 * torch.as_tensor(t))


FIELDS = [linear, nonlinear, driven]


@pytest.fixture
def inputs():
    """y0, parameters, t0 and t1 in float64, all asking for gradients."""
    generator = torch.Generator().manual_seed(3)
    y0 = torch.randn(3, generator=generator, dtype=torch.float64)
    p = torch.randn(3, 3, generator=generator, dtype=torch.float64)
    times = [torch.tensor(t, dtype=torch.float64) for t in (T0, T1)]
    return tuple(x.requires_grad_() for x in (y0, p, *times))


def through(carry, field, tableau, steps, **more):
    """A function of (y0, p, t0, t1) that gives y(t1) by one of the fixed-step ways."""

    def run(y0, p, t0, t1):
        extra = {"parameters": [p]} if carry is integrate_adjoint else {}
        return carry(
            tableau, lambda t, y: field(t, y, p), y0, t0=t0, t1=t1, steps=steps, **extra, **more
        )

    return run


def adaptive(field, **settings):
    """The same by torchdiffeq's adaptive solvers and our adjoint."""

    def run(y0, p, t0, t1):
        return odeint_with_adjoint(
            lambda t, y: field(t, y, p), y0, t0=t0, t1=t1, parameters=[p], **settings
        )

    return run


def by_torchdiffeq(field, **settings):
    """The same by torchdiffeq's adjoint."""

    def run(y0, p, t0, t1):
        times = torch.stack([t0, t1])
        return odeint_adjoint(
            lambda t, y: field(t, y, p), y0, times, adjoint_params=(p,), **settings
        )[-1]

    return run


def loss_gradients(run, inputs):
    weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    return torch.autograd.grad((weight * run(*inputs) ** 2).sum(), inputs)


def largest(found, expected):
    return max(float((p - q).abs().max()) for p, q in zip(found, expected, strict=True))


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    "carry, steps", [(integrate, 5), (integrate_checkpointed, 5), (integrate_adjoint, 40)]
)
def test_gradcheck(field, carry, steps, inputs):
    run = through(carry, field, RK4, steps)
    assert torch.autograd.gradcheck(run, inputs, eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("seminorm", [False, True])
def test_gradcheck_of_the_adaptive_adjoint(seminorm, inputs):
    run = adaptive(driven, rtol=1e-8, atol=1e-8, seminorm=seminorm)
    assert torch.autograd.gradcheck(run, inputs, eps=1e-4, atol=1e-4)


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
def test_the_same_as_torchdiffeq_with_equal_steps(field, inputs):
    ours = through(integrate_adjoint, field, RK4, 10)
    theirs = by_torchdiffeq(field, method="rk4", options={"step_size": (T1 - T0) / 10})
    assert largest(loss_gradients(ours, inputs), loss_gradients(theirs, inputs)) < 1e-11


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seminorm", [False, True])
def test_the_same_as_torchdiffeq_with_its_own_steps(field, seminorm, inputs):
    settings = {"method": "dopri5", "rtol": 1e-6, "atol": 1e-6}
    options = {"adjoint_options": {"norm": "seminorm"}} if seminorm else {}
    ours = adaptive(field, **settings, seminorm=seminorm)
    theirs = by_torchdiffeq(field, **settings, **options)
    assert largest(loss_gradients(ours, inputs), loss_gradients(theirs, inputs)) < 1e-12


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda t: t.name)
def test_it_approaches_autograd_with_the_order_of_the_method(field, tableau, inputs):
    def distance(steps):
        return largest(
            loss_gradients(through(integrate_adjoint, field, tableau, steps), inputs),
            loss_gradients(through(integrate, field, tableau, steps), inputs),
        )

    order = math.log2(distance(32) / distance(64))
    assert order > tableau.order - 0.4


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("tableau", TABLEAUS, ids=lambda t: t.name)
def test_checkpoint_is_direct_to_the_last_bit(field, tableau, inputs):
    direct, again = (
        through(carry, field, tableau, 7) for carry in (integrate, integrate_checkpointed)
    )
    assert torch.equal(direct(*inputs), again(*inputs))
    for one, other in zip(
        loss_gradients(direct, inputs), loss_gradients(again, inputs), strict=True
    ):
        assert torch.equal(one, other)


def test_closed_form_of_exponential_growth():
    # y(t1) = y0 exp(k (t1 - t0)): its four derivatives are known.
    y0, k, t0, t1 = (
        torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (0.8, -1.3, 0.5, 2.0)
    )
    y1 = integrate_adjoint(RK4, lambda t, y: k * y, y0, t0=t0, t1=t1, steps=200, parameters=[k])
    found = torch.autograd.grad(y1, (y0, k, t0, t1))
    growth = math.exp(-1.3 * 1.5)
    expected = (growth, 0.8 * 1.5 * growth, 1.3 * 0.8 * growth, -1.3 * 0.8 * growth)
    assert [float(g) for g in found] == pytest.approx(expected, rel=1e-8)


def test_backwards_in_time(inputs):
    y0, p, t0, t1 = inputs
    turned = (y0, p, t1, t0)
    found = loss_gradients(through(integrate_adjoint, driven, RK4, 60), turned)
    expected = loss_gradients(through(integrate, driven, RK4, 60), turned)
    assert largest(found, expected) < 1e-6


@pytest.mark.parametrize("carry", [integrate, integrate_adjoint, integrate_checkpointed])
def test_taylor_remainder_has_slope_two(carry, inputs):
    run = through(carry, nonlinear, RK4, 80)
    generator = torch.Generator().manual_seed(1)
    direction = [torch.randn(x.shape, generator=generator, dtype=x.dtype) for x in inputs]
    found = loss_gradients(run, inputs)
    slope = sum((g * d).sum() for g, d in zip(found, direction, strict=True))
    weight = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)

    def loss(size):
        moved = [x.detach() + size * d for x, d in zip(inputs, direction, strict=True)]
        return float((weight * run(*moved) ** 2).sum())

    sizes = [1e-3, 1e-4, 1e-5]
    left = [abs(loss(size) - loss(0.0) - size * float(slope)) for size in sizes]
    slopes = [math.log10(a / b) for a, b in pairwise(left)]
    assert slopes == pytest.approx([2, 2], abs=0.05)


def test_the_sign_is_plus(inputs):
    # One Euler step of the chain rule: with the other sign the gradient would be turned round.
    y0, p, _, _ = inputs
    y1 = integrate_adjoint(EULER, lambda t, y: p @ y, y0, t1=1e-3, parameters=[p])
    found = torch.autograd.grad(y1.sum(), y0)[0]
    assert torch.allclose(found, torch.ones(3).double() + 1e-3 * p.sum(0), atol=1e-5)


def test_parameters_of_a_module_are_found():
    layer = torch.nn.Linear(3, 3).double()

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, t, y):
            return torch.tanh(self.layer(y))

    y0 = torch.ones(2, 3, dtype=torch.float64)
    layer.bias.requires_grad_(False)
    integrate_adjoint(RK4, Field(), y0, steps=30).sum().backward()
    found, layer.weight.grad = layer.weight.grad, None
    integrate(RK4, Field(), y0, steps=30).sum().backward()
    assert torch.allclose(found, layer.weight.grad, atol=1e-7)
    assert layer.bias.grad is None


def test_the_seminorm_saves_backward_evaluations():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.ReLU(), torch.nn.Linear(64, 4))
    net = net.double()
    y0 = torch.randn(16, 4, dtype=torch.float64)

    def calls(seminorm):
        count = 0

        def f(t, y):
            nonlocal count
            count += 1
            return net(y)

        y1 = odeint_with_adjoint(
            f, y0, rtol=1e-5, atol=1e-5, seminorm=seminorm, parameters=net.parameters()
        )
        forward = count
        torch.autograd.grad(y1.square().sum(), tuple(net.parameters()))
        return count - forward

    assert calls(True) < calls(False)


def test_a_second_derivative_is_refused(inputs):
    y1 = through(integrate_adjoint, linear, RK4, 4)(*inputs)
    (first,) = torch.autograd.grad(y1.square().sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        first.sum().backward()


def test_settings_that_cannot_work():
    y0 = torch.ones(2, dtype=torch.float64)
    with pytest.raises(SettingError, match="nothing to solve"):
        odeint_with_adjoint(lambda t, y: y, y0, t0=1.0, t1=1.0)
    with pytest.raises(SettingError, match="at least one step"):
        integrate_checkpointed(RK4, lambda t, y: y, y0, steps=0)
    with pytest.raises(SettingError, match="at least one step"):
        integrate_adjoint(RK4, lambda t, y: y, y0, steps=0)
    with pytest.raises(SettingError, match="checkpoint"):
        Solver(method="dopri5", gradient="checkpoint")
    with pytest.raises(SolverError, match="cannot reach"):
        odeint_with_adjoint(lambda t, y: y**2, y0, t1=2.0)


def test_kept_bytes_grow_with_direct_only():
    torch.manual_seed(0)
    x = torch.rand(4, 1, 187)

    def kept(gradient, steps):
        model = ODENet(32, method="rk4", steps=steps, gradient=gradient)
        return saved_bytes(lambda: model(x))

    assert kept("adjoint", 8) == kept("adjoint", 2)
    assert kept("direct", 8) > 3 * kept("direct", 2)
    one_state = 4 * 32 * 92 * 4
    growth = kept("checkpoint", 8) - kept("checkpoint", 2)
    assert 6 * one_state <= growth < 6.1 * one_state


def test_the_three_gradients_of_the_odenet():
    torch.manual_seed(0)
    x, labels = torch.rand(3, 1, 187, dtype=torch.float64), torch.tensor([0, 2, 4])
    model = ODENet(32).double()
    for part in model.modules():  # smooth dynamics, for which the adjoint is close to direct
        if isinstance(part, torch.nn.GroupNorm):
            torch.nn.init.constant_(part.bias, 8.0)
    found = {}
    for gradient in GRADIENTS:
        model.block.solver = Solver(method="rk4", steps=4, gradient=gradient)
        loss = cross_entropy(model(x), labels)
        found[gradient] = torch.autograd.grad(loss, tuple(model.parameters()))
        counted = {"direct": 0, "adjoint": 16, "checkpoint": 16}[gradient]
        assert evaluations(model) == (16, counted)
    for one, other in zip(found["direct"], found["checkpoint"], strict=True):
        assert torch.equal(one, other)
    assert largest(found["adjoint"], found["direct"]) < 1e-5
