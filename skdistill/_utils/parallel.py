"""Jobs that run at the same time."""

from collections.abc import Iterable, Iterator
from typing import Any

from joblib.parallel import MultiprocessingBackend, get_active_backend
from sklearn.utils.parallel import Parallel


def run_jobs(jobs: Iterable[Any], n_jobs: int | None, **options: Any) -> Iterator[Any]:
    """Results of the jobs in their order, each as soon as it is there.

    Parameters
    ----------
    jobs : iterable
        Of :func:`sklearn.utils.parallel.delayed`.
    n_jobs : int or None
    **options : dict
        Further arguments of :class:`sklearn.utils.parallel.Parallel`.

    Returns
    -------
    iterator of object
    """
    backend, _ = get_active_backend()
    if type(backend) is MultiprocessingBackend:
        # This process has used OpenMP, which may hang in a fork of it.
        options["require"] = "sharedmem"
    try:
        parallel = Parallel(n_jobs=n_jobs, return_as="generator", **options)
    except ValueError:  # ray's backend, Spark's and others give all results at the end
        parallel = Parallel(n_jobs=n_jobs, **options)
    return iter(parallel(jobs))
