"""Lists offer what there is, and a choice taken is always one of them."""

import ipywidgets as widgets
from hypothesis import given
from hypothesis import strategies as st

from ecglab.lessons.choices import choice_of, connect, narrow, nearest
from ecglab.models import Solver

SOLVERS = (
    Solver(rtol=1e-1, atol=1e-1),
    Solver(rtol=1e-1, atol=1e-3),
    Solver(rtol=1e-3, atol=1e-3),
    Solver(method="bosh3", rtol=1e-2, atol=1e-2),
    Solver(method="rk4", steps=1),
    Solver(method="rk4", steps=4),
)
CHOICES = [choice_of(solver) for solver in SOLVERS]


def test_a_choice_names_what_has_a_meaning():
    assert CHOICES[0] == {"method": "dopri5", "rtol": 0.1, "atol": 0.1, "steps": None}
    assert CHOICES[4] == {"method": "rk4", "rtol": None, "atol": None, "steps": 1}


def test_each_list_offers_what_goes_with_the_ones_before():
    offered, chosen = narrow(CHOICES, CHOICES[1])
    assert offered == {
        "method": ["dopri5", "bosh3", "rk4"],
        "rtol": [1e-1, 1e-3],
        "atol": [1e-1, 1e-3],
        "steps": [None],
    }
    assert chosen == CHOICES[1]


def test_the_nearest_number_is_the_one_with_the_smallest_ratio():
    assert nearest([1.0, 0.1, 0.01], 0.04) == 0.1
    assert nearest([1, 2, 4, 8], None) == 2
    assert nearest(["a", "b"], "c") == "a"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "method": st.sampled_from(["dopri5", "rk4", "unknown"]),
            "rtol": st.none() | st.floats(1e-9, 1.0),
            "atol": st.none() | st.floats(1e-9, 1.0),
            "steps": st.none() | st.integers(1, 99),
        },
    )
)
def test_whatever_is_wanted_something_that_exists_is_chosen(wanted):
    _, chosen = narrow(CHOICES, wanted)
    assert chosen in CHOICES
    assert narrow(CHOICES, chosen)[1] == chosen


def test_a_change_shows_once_and_hides_lists_without_meaning():
    lists = {name: widgets.Dropdown(description=name) for name in CHOICES[0]}
    shown = []
    take = connect(lists, lambda: CHOICES, shown.append)
    take(CHOICES[0])
    lists["method"].value = "rk4"
    assert shown == [CHOICES[0], CHOICES[4]]
    assert [c.layout.display for c in lists.values()] == ["", "none", "none", ""]
    lists["steps"].value = 4
    lists["method"].value = "dopri5"
    assert len(shown) == 4 and shown[-1] in CHOICES[:3]
    assert lists["rtol"].options == (("0.1", 0.1), ("0.001", 0.001))
