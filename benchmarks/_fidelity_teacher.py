"""The teacher of the fidelity benchmark, unfitted: four ensembles of trees, and a fifth.

Nothing of skdistill is imported here, so that bench_commit.py can give it to another commit.
"""

import time

from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder
from xgboost import XGBClassifier

# From this many classes on, LightGBM gets half its rounds: each has a tree for every class.
MANY_CLASSES = 10
# Seconds of the fits in this process: those in the cache took theirs earlier.
FIT_SECONDS = []


class TimedPipeline(Pipeline):
    """A pipeline that notes the seconds of its fit, which the cache then keeps with it."""

    def fit(self, X, y=None, **params):
        """Fit; see Pipeline."""
        started = time.perf_counter()
        super().fit(X, y, **params)
        self.fit_seconds_ = time.perf_counter() - started
        FIT_SECONDS.append(self.fit_seconds_)
        return self


def teacher(n_classes, seed, n_estimators=300):
    """The four members, unfitted, as a list of (name, estimator)."""
    rounds = n_estimators // 2 if n_classes >= MANY_CLASSES else n_estimators
    common = {"random_state": seed, "n_jobs": 1}
    members = {
        "rf": RandomForestClassifier(n_estimators, **common),
        "et": ExtraTreesClassifier(n_estimators, **common),
        "xgb": XGBClassifier(
            n_estimators=n_estimators,
            learning_rate=0.1,
            max_depth=6,
            subsample=0.8,
            colsample_bytree=0.8,
            **common,
        ),
        "lgbm": LGBMClassifier(
            n_estimators=rounds, learning_rate=0.07, num_leaves=63, verbose=-1, **common
        ),
    }
    return [
        (name, TimedPipeline([("encode", _coded()), ("model", model)]))
        for name, model in members.items()
    ]


def _coded():
    """Categories as codes, an unknown one -1; missing values stay, which all members take."""
    coder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = make_column_selector(dtype_include="category")
    return make_column_transformer((coder, columns), remainder="passthrough")


def catboost_member(X, seed):
    """A fifth member, (name, estimator): CatBoost's defaults, told which columns are categories."""
    try:
        from catboost import CatBoostClassifier
    except ImportError as error:
        raise ImportError("needs catboost, of the extra `bench`") from error
    columns = tuple(X.select_dtypes("category"))
    text = FunctionTransformer(as_text, kw_args={"columns": columns})
    model = CatBoostClassifier(
        random_seed=seed,
        thread_count=1,
        verbose=0,
        allow_writing_files=False,
        cat_features=columns,
    )
    return "catboost", TimedPipeline([("text", text), ("model", model)])


def as_text(X, columns):
    """Categories as text, a missing one too: CatBoost takes no missing category."""
    plain = {name: X[name].astype(object) for name in columns}
    return X.assign(
        **{name: values.where(values.notna(), "missing").map(str) for name, values in plain.items()}
    )


def fit_seconds(pool):
    """Seconds that the fits of the members took, whenever that was."""
    return sum(part.fit_seconds_ for part in pool.estimators_)
