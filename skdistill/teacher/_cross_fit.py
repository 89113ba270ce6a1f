"""Labels of teachers that have not seen the rows."""

from itertools import islice

import numpy as np
from sklearn.utils.parallel import delayed
from sklearn.utils.validation import check_is_fitted

from skdistill._utils._compat import safe_indexing
from skdistill._utils.named import named_parts
from skdistill._utils.parallel import run_jobs
from skdistill._utils.progress import no_step
from skdistill.teacher._folds import check_groups, find_partition
from skdistill.teacher._members import chunks, teach_unknown, warn_of_unknown
from skdistill.teacher._tasks import fit_and_label, is_fold_kept, label_rows


class CrossFitMixin:
    """What of :class:`TeacherPool` fits its teachers again, for the rows of each fold."""

    def cross_fit_proba(
        self, X, y, cv, *, groups=None, others=None, floored=False, fit_params=None, step=no_step
    ):
        """Out-of-fold pooled probabilities of the rows the teachers were fitted on.

        Each teacher is cloned and fitted again for every fold. Frozen teachers cannot be: they
        label the rows as they are, as if they had not seen them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        cv : int, splitter or iterable of (train, test)
            The test folds must cover every row exactly once.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are never split; an int as `cv` is then StratifiedGroupKFold.
        others : list of list of (array-like or DataFrame), default=None
            For each fold, tables of other rows that its teachers label.
        floored : bool, default=False
            As in :meth:`predict_proba`.
        fit_params : dict of str to dict, default=None
            As in :meth:`fit`.
        step : callable, default=no_step
            Called with the name of each teacher in each fold.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        others : list of list of ndarray of shape (n_rows, n_classes)
            Only where `others` is given.

        Raises
        ------
        ValueError
            If all teachers are frozen or the folds are not a partition.
        """
        check_is_fitted(self)
        folds = find_partition(cv, X, y, check_groups(groups, X))
        tables = [[]] * len(folds) if others is None else others
        result, of_others, _ = self.label_folds(X, y, folds, tables, floored, fit_params, step)
        return result if others is None else (result, of_others)

    def label_folds(self, X, y, folds, others, floored, fit_params, step):
        """Do as :meth:`cross_fit_proba` does, and tell which rows the teachers labelled.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        folds : list of (ndarray, ndarray)
        others : list of list of (array-like or DataFrame)
        floored : bool
        fit_params : dict of str to dict or None
        step : callable

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        others : list of list of ndarray of shape (n_rows, n_classes)
        is_answer : ndarray of bool of shape (n_samples,)
            False for rows that were taught by label, since no teacher of the fold knows the class.
        """
        parts = named_parts(self.teachers, "teacher")
        tasks = self._tasks(parts, X, y, fit_params or {})
        if not tasks:
            raise ValueError(
                "`cv` needs a teacher that can be fitted again, but all are frozen: use `cv=None`, "
                "or give the unfitted teacher."
            )
        codes = np.searchsorted(self.classes_, np.asarray(y))
        floors = self._floors_if(floored)
        folds = [(*fold, more) for fold, more in zip(folds, others, strict=True)]
        labels = self._cross_fit(tasks, X, folds, step)
        result = np.empty((len(codes), len(self.classes_)))
        is_answer, of_others = np.ones(len(codes), dtype=bool), []
        for fold, (_, test, _) in enumerate(folds):
            columns, answers = zip(*(labels[name][fold] for name, _ in parts), strict=True)
            first, *more = (
                self._pool(table, columns, floors) for table in zip(*answers, strict=True)
            )
            result[test] = first
            of_others.append(more)
            unknown = teach_unknown(result, codes, columns, test)
            is_answer[test] = ~np.isin(codes[test], unknown)
        if not is_answer.all():
            unknown = np.unique(codes[~is_answer])
            warn_of_unknown(self.classes_[unknown], "in some folds of `cv` ")
        return result, of_others, is_answer

    def _cross_fit(self, tasks, X, folds, step):
        """Columns and probabilities of each teacher in each test fold."""
        jobs = [(task, fold) for task in tasks for fold in enumerate(folds, start=1)]
        is_known = all(is_fold_kept(self._cache, task, fold) for task, (_, fold) in jobs)
        # What is known takes no process of its own.
        done = run_jobs(
            (
                delayed(fit_and_label)(self._cache, task, fold, number)
                for task, (number, fold) in jobs
            ),
            n_jobs=None if is_known else self.n_jobs,
        )
        self._look_at_frozen()
        labels = {member.name: [] for member in self._members}
        for task in tasks:
            for number, result in enumerate(islice(done, len(folds)), start=1):
                labels[task.name].append(result)
                step(f"{task.name}, fold {number}")
        for member in self._members:
            if not labels[member.name]:  # it is frozen
                p = self._label_by_one(member, X)
                labels[member.name] = [
                    (member.columns, [p[test], *(self._label_by_one(member, t) for t in tables)])
                    for _, test, tables in folds
                ]
        return labels

    def _label_by_one(self, member, X):
        rows = [safe_indexing(X, one) for one in chunks(X)]
        return np.concatenate([label_rows(self._cache, member, one) for one in rows])
