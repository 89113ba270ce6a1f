"""How a trained student answers, and how it is stored."""

import copy
import math

import numpy as np
from scipy.sparse import issparse
from scipy.special import log_softmax
from sklearn.utils import check_array, get_tags
from sklearn.utils.validation import check_is_fitted, validate_data
from skorch.history import History

from skdistill._stored.parameters import OlderParametersMixin
from skdistill.student import pack_net, predict_logits, unpack_net
from skdistill.table import (
    TabularEncoder,
    check_container,
    check_frame,
    is_frame,
    is_matrix,
    with_types,
)

# Of the stored state; raised when what is stored changes its meaning.
FORMAT = 4


class TrainedStudentMixin(OlderParametersMixin):
    """``predict*`` from `encoder_`, `student_` and `calibration_temperature_`, and pickling."""

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        logits = self._logits(X)
        logits -= logits.max(axis=1, keepdims=True)
        # The exponentials are cheap in float32; the sums are exact to 1 in float64.
        p = np.exp(logits, out=logits).astype(np.float64)
        p /= p.sum(axis=1, keepdims=True)
        return p

    def predict_log_proba(self, X):
        """Logarithms of the probabilities, from the logits: never -inf.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return log_softmax(self._logits(X).astype(np.float64), axis=1)

    def decision_function(self, X):
        """Log-odds of the second class, or centred logits for more than two classes.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        logits = self._logits(X).astype(np.float64)
        if logits.shape[1] == 2:
            return logits[:, 1] - logits[:, 0]
        return logits - logits.mean(axis=1, keepdims=True)

    def predict(self, X):
        """The most probable label.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        logits = self._logits(X)
        return self.classes_[logits.argmax(axis=1)]

    def without_teacher(self):
        """Return a copy that predicts the same but holds no teacher: what to store and serve.

        Returns
        -------
        DistilledClassifier
            With `teacher` and `teacher_` None; it cannot be fitted again without `soft_targets`.
        """
        check_is_fitted(self)
        light = copy.copy(self)
        light.teacher = light.teacher_ = None
        light.__dict__.pop("_skl_callbacks", None)  # they watch a fit, and are not ours to store
        return light

    def __getstate__(self):
        state = super().__getstate__().copy()
        if "student_" in state:
            state["student_"] = pack_net(self.student_)
            state["history_"] = list(self.history_)
            state["_format"] = FORMAT
        return state

    def __setstate__(self, state):
        state = state.copy()
        version = state.pop("_format", FORMAT)
        if version > FORMAT:
            raise ValueError(
                f"this DistilledClassifier was stored in format {version}, by a newer skdistill; "
                f"this one reads formats up to {FORMAT}: upgrade it."
            )
        if "student_" in state:
            state["student_"] = unpack_net(state["student_"])
            state["history_"] = History(state["history_"])
            state.setdefault("class_offset_", None)  # before format 3
        super().__setstate__(state)

    def _check_X(self, X, reset):
        """Check the container, the number and the names of the columns; change nothing."""
        if not reset and self._is_plain(X):
            return X
        check_container(X)
        if is_frame(X):
            check_frame(X)
        else:
            self._refuse_sparse(X)
            X = check_array(
                with_types(X),
                accept_sparse="csr",
                dtype=None,
                ensure_all_finite=False,
                allow_nd=self._passes_through(),
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        return X

    def _is_plain(self, X):
        """Whether X is an array as `fit` had it, so that the full check, slow for a row, may go."""
        return (
            is_matrix(X)
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        )

    def _passes_through(self):
        return isinstance(self.encoder, str) and self.encoder == "passthrough"

    def _takes_sparse(self):
        """Whether what stands before the student takes sparse rows."""
        if isinstance(self.encoder, (str, type)):
            return self._passes_through()
        # An object that declares no tags is taken to take anything.
        tagged = hasattr(self.encoder, "__sklearn_tags__")
        return not tagged or get_tags(self.encoder).input_tags.sparse

    def _refuse_sparse(self, X):
        if issparse(X) and not self._takes_sparse():
            raise TypeError(
                f"Sparse data was passed, but `encoder={self.encoder!r}` takes dense data only. "
                "Give an `encoder` that takes sparse data, for instance TruncatedSVD(100), or "
                "encoder='passthrough' to give the student all columns as they are, or X.toarray()."
            )

    def _encode(self, X):
        if type(self.encoder_) is TabularEncoder:
            return self.encoder_._transform(X)
        encoded = X if self.encoder_ is None else self.encoder_.transform(X)
        if hasattr(encoded, "toarray"):  # the student is dense
            encoded = encoded.toarray()
        encoded = np.require(encoded, dtype=np.float32, requirements=["C", "W"])
        if not np.isfinite(encoded).all():
            raise ValueError(
                f"X, as `encoder={self.encoder!r}` gives it to the student, contains NaN or "
                "infinity: impute it, or use encoder='auto'."
            )
        return encoded

    def __sklearn_is_fitted__(self):
        return hasattr(self, "calibration_temperature_")

    def _logits(self, X):
        if not self.__sklearn_is_fitted__():  # check_is_fitted alone is slow for a row
            check_is_fitted(self)
        X = self._check_X(X, reset=False)
        logits = predict_logits(self.student_, self._encode(X), self._probabilities)
        if not math.isfinite(logits.sum()) and not np.isfinite(logits).all():
            row = int((~np.isfinite(logits)).any(axis=1).argmax())
            raise ValueError(
                f"the student overflows on row {row} of X: its values are far from those it was "
                "fitted on. Bring them into range, or fit with encoder='auto'."
            )
        if self.calibration_temperature_ != 1:
            logits /= np.float32(self.calibration_temperature_)
        if self.class_offset_ is not None:
            logits += self.class_offset_.astype(np.float32)
        return logits
