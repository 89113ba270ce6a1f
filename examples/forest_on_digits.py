"""
A convolution that learns of a forest
=====================================

Images need no columns. ``encoder="passthrough"`` hands them to teacher and student as they are: the
forest flattens them, the student is a small convolutional net. There are 100 images with a label,
and 400 without one.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdistill import DistilledClassifier, TransferSampler

X, y = load_digits(return_X_y=True)
images = (X.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
X, X_test, y, y_test = train_test_split(images, y, train_size=500, stratify=y, random_state=0)
X, X_unlabelled, y, _ = train_test_split(X, y, train_size=100, stratify=y, random_state=0)


def flatten(X):
    return X.reshape(len(X), -1)


class Convolution(torch.nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.first = torch.nn.Conv2d(n_inputs, 8, 3)
        self.second = torch.nn.Conv2d(8, 16, 3, stride=2)
        self.last = torch.nn.Linear(64, n_outputs)

    def forward(self, X):
        return self.last(self.second(self.first(X).relu()).relu().flatten(1))


class Shifts(TransferSampler):
    """Training images, moved by a pixel at most: a sampler may give rows of any shape."""

    def sample(self, X, n, random_state=None):
        drawn = X[random_state.randint(len(X), size=n)]
        steps = random_state.randint(-1, 2, size=(n, 2))
        return np.stack(
            [np.roll(image, step, (1, 2)) for image, step in zip(drawn, steps, strict=True)]
        )


forest = make_pipeline(FunctionTransformer(flatten), RandomForestClassifier(100, random_state=0))
situations = {
    "control: labels alone": ({"alpha": 1.0, "transfer": None}, None),
    "no more images": ({"transfer": None}, None),
    "400 without a label": ({"transfer": None}, (X_unlabelled,)),
    "400 moved images": ({"transfer": Shifts(size=4.0)}, None),
}
params = {"alpha": 0.3, "encoder": "passthrough", "early_stopping": False, "random_state": 0}
scores = {}
for name, (own, X_transfer) in situations.items():
    clf = DistilledClassifier(forest, Convolution, **(params | own))
    clf.fit(X, y, X_transfer=X_transfer)
    scores[name] = clf.score(X_test, y_test)
    loss = log_loss(y_test, clf.predict_proba(X_test))
    print(f"{name:22} accuracy {scores[name]:.3f}, log loss {loss:.3f}")
told = clf.teacher_.predict_proba(X_test)
scores["the forest"] = (told.argmax(axis=1) == y_test).mean()
print(f"the forest: accuracy {scores['the forest']:.3f}, log loss {log_loss(y_test, told):.3f}")

plt.figure(figsize=(7, 2.8))
plt.barh(list(scores), list(scores.values()))
plt.xlim(0.8, 0.92)
plt.xlabel("accuracy on 1,297 images")
plt.tight_layout()
plt.show()
