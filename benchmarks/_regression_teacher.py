"""The teacher of the regression benchmark, unfitted: five ensembles of trees, and the rival."""

from catboost import CatBoostRegressor
from lightgbm import LGBMRegressor
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from xgboost import XGBRegressor


def teacher(seed, n_estimators=300):
    """The five members, as a list of (name, estimator)."""
    common = {"random_state": seed, "n_jobs": 1}
    members = {
        "rf": RandomForestRegressor(n_estimators, max_features=0.5, **common),
        "et": ExtraTreesRegressor(n_estimators, max_features=0.5, **common),
        "xgb": XGBRegressor(n_estimators=n_estimators, learning_rate=0.05, **common),
        "lgbm": LGBMRegressor(n_estimators=n_estimators, learning_rate=0.05, verbose=-1, **common),
        "catboost": _catboost(seed, iterations=n_estimators),
    }
    return [(name, make_pipeline(_coded(), model)) for name, model in members.items()]


def catboost(seed):
    """CatBoost with its defaults, on the same columns."""
    return make_pipeline(_coded(), _catboost(seed))


def _catboost(seed, **params):
    return CatBoostRegressor(
        random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False, **params
    )


def _coded():
    """Categories as codes, an unknown or missing one -1; missing numbers stay."""
    coder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    return make_column_transformer(
        (coder, make_column_selector(dtype_exclude="number")), remainder="passthrough"
    )
