"""
Names in twenty languages
=========================

Which language is "Ruotsin kruunu" in? The teacher stacks two models on counts of all pieces of up
to four letters. The student hashes the pieces, and takes the mean of their embeddings. The names of
currencies come with Babel. One currency in eight has labels.
"""

from zlib import crc32

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from babel import Locale
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdistill import DistilledClassifier

languages = "ca cs da de en es et fi fr hr hu it lt nb nl pl pt ro sv tr"
names = [
    (key, language, text)
    for language in languages.split()
    for key, text in Locale.parse(language).currencies.items()
]
names = pd.DataFrame(names, columns=["currency", "language", "text"])
# Each currency is in one part alone: its names are alike in many languages.
keys = names["currency"].drop_duplicates().sample(frac=1, random_state=0).to_numpy()
parts = np.split(keys, [len(keys) // 8, 3 * len(keys) // 10])
labelled, unlabelled, test = (names[names["currency"].isin(part)] for part in parts)

counter = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
stack = [("bayes", MultinomialNB(alpha=0.05)), ("linear", LogisticRegression(C=30))]
counts = ColumnTransformer([("pieces", counter, "text")])
teacher = make_pipeline(counts, StackingClassifier(stack, cv=2))
pieces_of = counter.build_analyzer()


def hashed(X):
    """Numbers of up to 80 pieces, from 1 to 4,095; 0 where there are no more."""
    pieces = [pieces_of(text)[:80] for text in X["text"]]
    numbers = [[1 + crc32(piece.encode()) % 4095 for piece in row] for row in pieces]
    return np.array([row + [0] * (80 - len(row)) for row in numbers])


class Bag(torch.nn.Module):
    def __init__(self, n_outputs):
        super().__init__()
        self.pieces = torch.nn.EmbeddingBag(4096, 16, padding_idx=0)
        self.last = torch.nn.Linear(16, n_outputs)

    def forward(self, X):
        return self.last(self.pieces(X.long()))


params = {"encoder": FunctionTransformer(hashed), "early_stopping": False, "random_state": 0}
X, y, truth = labelled[["text"]], labelled["language"], test["language"]
clf = DistilledClassifier(teacher, Bag, alpha=0.3, **params)
clf.fit(X, y, X_transfer=(unlabelled[["text"]],))
frozen = FrozenEstimator(clf.teacher_)
control = DistilledClassifier(frozen, Bag, alpha=1.0, **params).fit(X, y)
losses = {}
for name, model in {"teacher": frozen, "student": clf, "control": control}.items():
    p = model.predict_proba(test[["text"]])
    losses[name] = log_loss(truth, p)
    print(f"{name}: log loss {losses[name]:.3f}, accuracy {model.score(test[['text']], truth):.3f}")
plt.figure(figsize=(7, 2.2))
plt.barh(list(losses), list(losses.values()))
plt.xlabel("log loss on names of other currencies")
plt.tight_layout()
plt.show()
