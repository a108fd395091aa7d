"""The step explorer: a pure picture, labelled controls, and a status line that comes last."""

import io

import ipywidgets as widgets
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from ecglab.errors import SettingError
from ecglab.lessons.convergence import CIRCLE, DECAY, PROBLEMS, end_error, end_errors
from ecglab.lessons.figures import png
from ecglab.lessons.step_explorer import MOST_STEPS, StepChoice, step_explorer, step_picture
from ecglab.lessons.step_figure import NEARBY, step_figure, step_text
from ecglab.models.tableaus import EULER, HEUN, RK4, TABLEAUS


@pytest.fixture
def explorer():
    """The widget with a picture function that records its calls."""
    calls = []

    def picture(choice):
        calls.append(choice)
        text = f"drawn {choice.problem} {choice.method} {choice.steps}"
        return png(Figure(figsize=(1, 1))), text

    box = step_explorer(picture)
    controls, image, status = box.children
    return box, controls.children, image, status.children[0], calls


def test_picture_depends_on_the_choice_alone():
    choice = StepChoice("bell curve", "heun2", 5)
    first = step_picture.__wrapped__(choice)
    again = step_picture.__wrapped__(choice)
    assert first == again
    assert first[0].startswith(b"\x89PNG")
    assert "heun2" in first[1]
    assert "5 steps" in first[1]


def test_the_figure_marks_the_choice():
    figure, alt = step_figure(CIRCLE, HEUN, 20)
    assert "heun2" in figure.axes[1].get_title("left") + figure.axes[1].get_title()
    chosen = figure.axes[1].lines[-1]
    assert chosen.get_xdata() == pytest.approx([0.5])
    assert chosen.get_ydata() == pytest.approx(end_errors(HEUN, CIRCLE, [20]))
    assert "20 steps of 0.5, 40 evaluations" in alt


def test_the_path_of_the_lesson_lies_within_the_axes():
    figure, _ = step_figure(CIRCLE, EULER, 40)
    path = figure.axes[0].lines[-1].get_xydata()
    (left, right), (low, high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert len(path) == 41
    assert ((path > (left, low)) & (path < (right, high))).all()


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=lambda p: p.name)
def test_every_method_is_named_once_at_its_curve(problem):
    figure, _ = step_figure(problem, EULER, 8)
    names = {}
    for label in figure.axes[1].texts:
        step, error = label.xy
        assert step == pytest.approx(problem.t1 / 64)
        names |= dict.fromkeys(label.get_text().split(", "), error)
    assert sorted(names) == sorted(TABLEAUS)
    for name, error in names.items():  # the label stands at the lowest curve of its group
        assert error <= end_error(TABLEAUS[name], problem, 64) < NEARBY * error


def test_a_solution_that_explodes_is_told_and_leaves_the_axes_alone():
    assert "3 steps of 0.5, 12 evaluations of f, the solution explodes" in step_text(DECAY, RK4, 3)
    assert "1 step of 1.5, 1 evaluations of f, error at the end 14" in step_text(DECAY, EULER, 1)
    figure, _ = step_figure(DECAY, RK4, 1)
    assert figure.axes[0].get_ylim()[1] < 2 and figure.axes[1].get_ylim()[1] < 1e4


@pytest.mark.parametrize("tableau", [RK4, EULER])
def test_the_quick_picture_is_the_slow_one(tableau):
    quick = step_picture(StepChoice("oscillator", tableau.name, 6))[0]
    slow = png(step_figure(CIRCLE, tableau, 6)[0])
    one, other = (imread(io.BytesIO(part))[..., :3] for part in (quick, slow))
    assert one.shape == other.shape
    assert (one != other).any(-1).mean() < 1e-3  # where a path leaves through the frame


def test_picture_comes_from_the_cache_the_second_time():
    choice = StepChoice("bell curve", "midpoint", 7)
    assert step_picture(choice) is step_picture(StepChoice("bell curve", "midpoint", 7))


@pytest.mark.parametrize(
    "settings", [{"problem": "weather"}, {"method": "magic"}, {"steps": 0}, {"steps": 65}]
)
def test_unknown_settings_are_refused(settings):
    with pytest.raises(SettingError, match=r"Unknown|not among"):
        StepChoice(**settings)


def test_controls_have_labels(explorer):
    box, controls, *_ = explorer
    assert [control.description for control in controls] == ["Equation", "Method", "Steps"]
    assert [type(control) for control in controls] == [
        widgets.Dropdown,
        widgets.Dropdown,
        widgets.BoundedIntText,
    ]
    assert (controls[2].min, controls[2].max) == (1, MOST_STEPS)
    assert "ecglab-step-explorer" in box._dom_classes


def test_a_change_draws_once_and_updates_the_status_last(explorer):
    _, (problem, method, steps), image, status, calls = explorer
    seen = []
    image.observe(lambda change: seen.append("image"), "value")
    status.observe(lambda change: seen.append("status"), "value")
    steps.value = 20
    method.value = "rk4"
    problem.value = "oscillator"
    assert seen == ["image", "status"] * 3
    assert calls[-1] == StepChoice("oscillator", "rk4", 20)
    assert len(calls) == 4
    assert 'alt="drawn oscillator rk4 20"' in image.value
    assert status.value == "drawn oscillator rk4 20"
