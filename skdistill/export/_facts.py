"""What is known of a student, be it a fitted estimator or an exported file."""

import datetime
from typing import Any

from sklearn.utils.validation import check_is_fitted

from skdistill._base import BaseDistiller
from skdistill.export._file import features_of, plain_metadata
from skdistill.export._provenance import Notes, provenance_of
from skdistill.export._schema import Schema, schema_of
from skdistill.export._student import student_of
from skdistill.export._target import target_of
from skdistill.inspection import DistillationReport
from skdistill.serving import ModelMetadata, Scorer, metadata_of
from skdistill.table import TabularEncoder


def facts_of(
    source: Any,
    licence: str | None = None,
    report: DistillationReport | None = None,
    created: datetime.datetime | str | None = None,
) -> ModelMetadata:
    """What is known of a student.

    Parameters
    ----------
    source : DistilledClassifier, DistilledRegressor, Scorer, or what Scorer reads
    licence, report, created : default=None
        As for :func:`skdistill.to_onnx`; what a file holds of them is not changed.

    Returns
    -------
    ModelMetadata
    """
    if not isinstance(source, BaseDistiller):
        return (source if isinstance(source, Scorer) else Scorer(source)).metadata
    check_is_fitted(source)
    notes = Notes(licence, report, created)
    notes.check()
    features = features_of(_schema(source))
    provenance = provenance_of(source, notes)
    return metadata_of(plain_metadata(target_of(source), features, None, provenance))


def _schema(clf: BaseDistiller) -> Schema:
    """The schema; one without columns where the encoder does not tell what they are."""
    encoder = student_of(clf).encoder
    if encoder is None or type(encoder) is TabularEncoder:
        return schema_of(clf)
    return Schema.unknown()
