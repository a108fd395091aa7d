"""Solutions of lesson 02, one cell an exercise, in the names of its notebook; not to be imported.

`ecglab.lessons.editions` sets them into the notebook, and says what the cells mean.
"""

# %% deep_and_plain
answer = "c"

# %% half_steps
answer = 6 / 12

# %% error_factor
answer = 2**4

# %% largest_step
answer = 2 / 50


# %% midpoint_step
def midpoint(f, t, y, h):
    half_way = y + h / 2 * f(t, y)
    return y + h * f(t + h / 2, half_way)


answer = midpoint

# %% third_order
answer = Tableau(
    "kutta 3",
    3,
    a=((), (1 / 2,), (-1, 2)),
    b=(1 / 6, 2 / 3, 1 / 6),
    c=(0, 1 / 2, 1),
)

# %% weights_for_a_third
answer = (-1 / 2, 3 / 2)

# %% weights_for_a_third [markdown]
# Why is one weight negative? The mean slope of a step is, to second order, the slope half way. The
# method looks only a third of the way ahead, so it must extrapolate: it goes on past its second
# slope by half of what has changed since the first, k1 + 3/2 (k2 - k1).
