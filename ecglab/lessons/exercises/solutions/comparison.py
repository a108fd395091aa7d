"""Solutions of lesson 06, one cell an exercise, in the names of its notebook; not to be imported.

`ecglab.lessons.editions` sets them into the notebook, and says what the cells mean.
"""

# %% always_normal_balanced
answer = 800 / (800 + 800 + 800 + 300 + 800)

# %% standard_error
answer = np.sqrt(0.986 * (1 - 0.986) / 21_892)


# %% macro_f1_from_table
def macro_f1(table):
    hits = np.diagonal(table)
    return float(np.mean(2 * hits / (table.sum(axis=0) + table.sum(axis=1))))


for name, table in REPORT_CONFUSION.items():
    print(f"REPORT's {name}: macro-F1 {macro_f1(np.array(table)):.3f}")
answer = macro_f1

# %% lost_sensitivity
by_beat, strangers = runs["resnet"][0].report, runs["resnet-patients"][0].report
answer = by_beat.sensitivity[1] - strangers.sensitivity[1]

# %% lost_sensitivity [markdown]
# S means early against the person's own rhythm. The row starts at the beat's own R peak, so that
# it does not show how long the heart waited before; what is left to learn is the person.
