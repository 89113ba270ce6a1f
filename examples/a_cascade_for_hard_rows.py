"""
The student answers the easy rows, the teacher the hard ones
============================================================

A student is fast, and it knows on which rows it is unsure. :class:`~skdistill.Cascade` lets it
answer the others, and asks the teacher for these alone. The threshold keeps a promise: at least
99 % of all answers are the teacher's.
"""

# %%
# A teacher that may stay where it is slow
# ----------------------------------------

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import train_test_split

from skdistill import Cascade, DistilledClassifier, MLPStudent

X, y = load_digits(return_X_y=True)
X_train, X_new, y_train, y_new = train_test_split(X, y, test_size=0.6, stratify=y, random_state=0)
X_held_out, X_test, y_held_out, y_test = train_test_split(X_new, y_new, random_state=0)

teacher = RandomForestClassifier(200, random_state=0)
student = DistilledClassifier(
    teacher, MLPStudent((64,), n_steps=600), alpha=0.3, refit=False, random_state=0
).fit(X_train, y_train)

# %%
# The threshold comes from rows that neither has seen
# ---------------------------------------------------

cascade = Cascade(FrozenEstimator(student), agreement=0.99, random_state=0)
cascade.fit(X_held_out, y_held_out)

is_answered = cascade.is_answered(X_test)
agreement = np.mean(cascade.predict(X_test) == cascade.teacher_.predict(X_test))
alone = np.mean(student.predict(X_test) == cascade.teacher_.predict(X_test))
print(
    f"the student answers {is_answered.mean():.0%} of the rows: it is {cascade.threshold_:.2f} sure"
)
print(f"the teacher's answers: {agreement:.1%} of all; of the student alone {alone:.1%}")

# %%
# What other thresholds would bring
# ---------------------------------

sure = student.predict_proba(X_test).max(axis=1)
is_equal = student.predict(X_test) == cascade.teacher_.predict(X_test)
thresholds = np.linspace(sure.min(), 1, 200)
answered = [np.mean(sure >= t) for t in thresholds]
agreed = [np.mean(is_equal | (sure < t)) for t in thresholds]

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(answered, agreed, label="test rows, each threshold")
ax.plot(is_answered.mean(), agreement, "o", label="the threshold that was chosen")
ax.axhline(0.99, color="0.6", linestyle=":", label="the promise")
ax.set(xlabel="share of the rows that the student answers", ylabel="answers that are the teacher's")
ax.legend(frameon=False, loc="lower left")
plt.show()
