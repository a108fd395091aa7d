"""The step explorer: a pure picture, labelled controls, and a status line that comes last."""

import ipywidgets as widgets
import pytest

from ecglab.errors import SettingError
from ecglab.lessons.step_explorer import StepChoice, step_explorer, step_picture


@pytest.fixture
def explorer():
    """The widget with a picture function that records its calls."""
    calls = []

    def picture(choice):
        calls.append(choice)
        return repr(choice).encode(), f"drawn {choice.problem} {choice.method} {choice.steps}"

    box = step_explorer(picture)
    controls, image, status = box.children
    return box, controls.children, image, status, calls


def test_picture_depends_on_the_choice_alone():
    choice = StepChoice("bell curve", "heun2", 5)
    first = step_picture.__wrapped__(choice)
    again = step_picture.__wrapped__(choice)
    assert first == again
    assert first[0].startswith(b"\x89PNG")
    assert "heun2" in first[1]
    assert "5 steps" in first[1]


def test_picture_comes_from_the_cache_the_second_time():
    choice = StepChoice("bell curve", "midpoint", 7)
    assert step_picture(choice) is step_picture(StepChoice("bell curve", "midpoint", 7))


@pytest.mark.parametrize(
    "settings", [{"problem": "weather"}, {"method": "magic"}, {"steps": 0}, {"steps": 65}]
)
def test_unknown_settings_are_refused(settings):
    with pytest.raises(SettingError, match=r"Unknown|not among"):
        StepChoice(**settings)


def test_controls_have_labels_and_wait_for_the_key_to_be_released(explorer):
    box, controls, *_ = explorer
    assert [control.description for control in controls] == ["Equation", "Method", "Steps"]
    assert [type(control) for control in controls] == [
        widgets.Dropdown,
        widgets.Dropdown,
        widgets.IntSlider,
    ]
    assert not controls[2].continuous_update
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
    assert image.value == repr(calls[-1]).encode()
    assert 'role="status"' in status.value
    assert "drawn oscillator rk4 20" in status.value
