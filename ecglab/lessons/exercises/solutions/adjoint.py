"""Solutions of lesson 04, one cell an exercise, in the names of its notebook; not to be imported.

`ecglab.lessons.editions` sets them into the notebook, and says what the cells mean.
"""

# %% where_it_starts
answer = "b"

# %% sensitivity_size
answer = (64 * 46) ** 2

# %% slope_when_wrong
answer = 1


# %% right_side
def augmented_equations(y, a, k):
    of_y, of_k = -3 * k * y**2, -(y**3)  # the derivatives of f = -k y**3
    return -k * y**3, -a * of_y, -a * of_k


answer = augmented_equations

# %% blown_up
answer = 1e-6 * np.exp(5)

# %% direct_growth
direct = [row for row in memory if row.gradient == "direct"]
first, last = direct[0], direct[-1]
answer = (last.kept - first.kept) / (last.steps - first.steps) / 1e6

# %% direct_growth [markdown]
# Direct gradients keep what every evaluation of f makes. A step of rk4 has four of them, a step of
# midpoint two: the growth halves.
