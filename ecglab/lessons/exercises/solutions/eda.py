"""Solutions of lesson 01, one cell an exercise, in the names of its notebook; not to be imported.

`ecglab.lessons.editions` sets them into the notebook, and says what the cells mean.
"""

# %% whose_p_wave
answer = "b"

# %% interval_from_length
answer = 108 / 120 / 1.2  # s: 108 values at 120 Hz, 1.2 intervals

# %% always_normal
counts = by_person.test.counts()
share = counts["N"] / sum(counts.values())
f1_of_n = 2 * share / (1 + share)  # predictivity share, sensitivity 1
answer = (f1_of_n + 4 * 0) / 5

# %% always_normal [markdown]
# Whoever always says N finds every N beat (sensitivity 1) and is right as often as N occurs
# (predictivity: the share of N). The other four classes are never predicted: their F1 is 0.


# %% own_split
def a_third_of_the_people(beats):
    persons = np.where(beats.records == 202, 201, beats.records)  # one man, two records
    for draw in range(1000):
        people = np.random.default_rng(draw).permutation(np.unique(persons))
        tested = np.isin(persons, people[: len(people) // 3])
        if len(set(beats.labels[tested])) == len(set(beats.labels[~tested])) == 5:
            return tested


answer = a_third_of_the_people

# %% own_split [markdown]
# Draw people, not beats, and draw again until both parts hold all five classes. Any list of records
# will do that passes the check; F is the hard class, since two records hold nearly all of it.

# %% onto_the_circle
answer = np.log(0.99 / 0.01) - np.log(0.5 / 0.5)


# %% ventricular
def ventricular(waves):
    from dataclasses import replace

    broad = [replace(wave, b=2.2 * wave.b) for wave in waves if wave.name in "QRS"]
    turned = [replace(wave, a=-wave.a) for wave in waves if wave.name == "T"]
    return (*broad, *turned)  # and no P wave


times, states = ecgsyn([1.0] * 3, waves=ventricular(PQRST))
figure, axes = figures.new_figure()
axes[0, 0].plot(times, states[:, 2])
axes[0, 0].set(xlabel="time (s)", ylabel="z of the simulator")
alt = f"Three ventricular beats in 3 s; z runs from {states[:, 2].min():.2f} to "
figures.show(figure, alt + f"{states[:, 2].max():.2f}.", label="simulated data")
answer = ventricular

# %% ventricular [markdown]
# Why is it broad? A normal beat reaches both ventricles at once through the fast conduction system.
# A beat that starts in the muscle of one ventricle spreads from cell to cell, which is slow.
