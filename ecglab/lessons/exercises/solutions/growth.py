"""Solutions of lesson 05, one cell an exercise, in the names of its notebook; not to be imported.

`ecglab.lessons.editions` sets them into the notebook, and says what the cells mean.
"""

# %% next_depth
n = (20 - 2) // 6
answer = 6 * (2 * n) + 2

# %% copy_factor
answer = 1 / 3

# %% jolt_in_evaluation
answer = "b"

# %% first_epochs
answer = 2 * 20 - 30

# %% same_intensity
answer = 1 - 1.32 / 1.75


# %% asks
def asks_to_grow(estimates, window, r_tol):
    if len(estimates) < window:
        return False
    first = sum(estimates[:window]) / window
    now = sum(estimates[-window:]) / window
    return now / first > r_tol


answer = asks_to_grow

# %% equal_work
answer = 22 + 10 * 55.0 / 26.7

# %% equal_work [markdown]
# With `r_tol = 1.01` the trigger asks as soon as the mean estimate has risen by 1 %, often before
# the clock does. Then the deep network gets more of the epochs, and each costs about twice as much:
# the work of the live run rises. It is the same run where the estimate does not rise.
