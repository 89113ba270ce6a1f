"""What the benchmarks read from a fitted student: the one place that knows its attributes."""


def figures_of(clf, n_rows):
    """What a fit on `n_rows` training rows left."""
    return {
        "bytes": student_bytes(clf),
        "n_steps": budget(clf, n_rows),
        "epochs": len(clf.history_),
        "n_trials": len(clf.trials_),
        "n_transfer_rows": clf.n_transfer_rows_,
        "alpha": clf.alpha_,
        "temperature": clf.temperature_,
        "calibration_temperature": clf.calibration_temperature_,
        "leak_gap": clf.leak_gap_,
    }


def budget(clf, n_rows):
    """Training steps that the student was given; the control gets as many."""
    n_rows = n_rows + clf.n_transfer_rows_
    return clf.student_.max_epochs * -(-n_rows // clf.student_.batch_size)


def student_bytes(clf):
    """Bytes of the student's parameters in float32."""
    return 4 * sum(part.numel() for part in clf.student_.module_.parameters())
