"""Remedies for errors of a teacher that its own message does not give."""

# Words of scikit-learn's encoders, of XGBoost and of category_encoders.
_NEW_LEVEL = ("unknown categor", "category not in the training", "previously unseen", "new values")
# Words of torch and skorch for rows of another dtype, for a frame, and for a list.
_TORCH_INPUT = (
    "must have the same dtype",
    "forward() got an unexp",
    "inconsistent lengths",
    "must be tensor, not list",
)
_HINTS = (
    (
        ("'groups' parameter should not be none",),
        "`groups` of `fit` reach a teacher by metadata routing, if it requests them: "
        "sklearn.set_config(enable_metadata_routing=True).",
    ),
    (
        ("y contains previously unseen labels",),
        "A frozen part of it has other labels: give y in those.",
    ),
    (
        # Words of scikit-learn for a Pipeline of it.
        ("is not an estimator instance", "last step of pipeline should implement fit"),
        "A part of it has no `fit`, as a TorchTeacher: give the steps before that part as its "
        "`preprocess`, or a function, FittedTeacher(lambda X: ..., classes=[...]).",
    ),
    (
        # Words of pandas, where scikit-learn takes columns of an array.
        ("(slice(none, none, none), ",),
        "A part of it answers with a DataFrame, where scikit-learn takes an array: let it return "
        "an array, in the order of its `classes_`.",
    ),
    (
        # Words of XGBoost and of LightGBM.
        ("validation dataset for early stopping", "for early stopping, at least one dataset"),
        "Early stopping needs rows to judge by: give the teacher an `eval_set` by metadata "
        "routing, or set its `early_stopping_rounds=None`.",
    ),
    (
        _NEW_LEVEL,
        "An encoder of the teacher met a level that was not in the rows it was fitted on: rows "
        "held out, a fold of `cv`, X_transfer or X_val have it. Give the encoder "
        "handle_unknown='ignore'; or rows of your own as X_val, or early_stopping=False, where it "
        "is in the rows held out.",
    ),
    (
        ("could not convert", "contains nan", "cat_feature"),  # the last of CatBoost
        "A teacher gets X as it comes: put one that cannot take it into a Pipeline that encodes "
        "and imputes.",
    ),
    (
        _TORCH_INPUT,
        "A teacher gets X as it comes, and a torch net takes float32 arrays: give "
        "X.astype('float32'), or put FunctionTransformer(np.asarray, kw_args={'dtype': "
        "'float32'}) before it in a Pipeline.",
    ),
)


def hint_for(error: Exception) -> str:
    """The remedy for an error of a teacher in brackets, or nothing.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    str
    """
    said = str(error).lower()
    found = [hint for words, hint in _HINTS if any(word in said for word in words)]
    return f" ({found[0]})" if found else ""
