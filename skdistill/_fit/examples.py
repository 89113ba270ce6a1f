"""Rows encoded once by each encoder, and the targets of a student for them."""

from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from skdistill._fit.blocks import Block
from skdistill._utils.progress import Progress
from skdistill._utils.types import Estimator, FloatArray
from skdistill.objectives import Response, prepare
from skdistill.student import Rows, encode
from skdistill.table import ColumnSelection


@dataclass(frozen=True)
class _Piece:
    """An entry of encoded rows; it holds the encoder and the table, so that they stay in memory."""

    encoder: Estimator
    X: object
    of: FloatArray
    start: int
    n_rows: int

    @property
    def stop(self) -> int:
        return self.start + self.n_rows


class EncodedRows:
    """Encoded rows: each encoder encodes each table once.

    The tables of a student lie in one array. Those of another student are a part of it if
    possible.

    Parameters
    ----------
    is_shared : bool, default=False
        Whether other fits use the rows as well, so that none may free them.
    """

    def __init__(self, is_shared: bool = False) -> None:
        self.is_shared = is_shared
        self._pieces: dict[tuple[int, int], _Piece] = {}

    def of(
        self, encoder: Estimator, columns: ColumnSelection, blocks: list[Block], progress: Progress
    ) -> FloatArray:
        """Encode the rows of some blocks, one after the other.

        Parameters
        ----------
        encoder : transformer or None
        columns : ColumnSelection
            Those that the student sees.
        blocks : list of Block
        progress : Progress

        Returns
        -------
        ndarray of shape (n_rows, ...)
            float32; not to be written to.
        """
        keys = [(id(encoder), id(block.X)) for block in blocks]
        new = [block for key, block in zip(keys, blocks, strict=True) if key not in self._pieces]
        if not new and (whole := self._slice_of(keys)) is not None:
            return whole
        text = f"encoding {sum(map(len, new))} rows"
        with progress.task("encode-rows", text) if new else nullcontext():
            parts = [
                piece.of[piece.start : piece.stop]
                if (piece := self._pieces.get(key)) is not None
                else encode(encoder, columns.take(block.X))
                for key, block in zip(keys, blocks, strict=True)
            ]
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        start = 0
        for key, block, part in zip(keys, blocks, parts, strict=True):
            self._pieces[key] = _Piece(encoder, block.X, whole, start, len(part))
            start += len(part)
        return whole

    def keep(self, encoder: Estimator, blocks: list[Block]) -> None:
        """Free all rows except these of this encoder; frees nothing if other fits use them."""
        if self.is_shared:
            return
        kept = {(id(encoder), id(block.X)) for block in blocks}
        self._pieces = {key: piece for key, piece in self._pieces.items() if key in kept}

    def afresh(self) -> "EncodedRows":
        """Another one, empty."""
        return EncodedRows(self.is_shared)

    def _slice_of(self, keys: list[tuple[int, int]]) -> FloatArray | None:
        """The rows if they already lie one after the other."""
        pieces = [self._pieces[key] for key in keys]
        first, last = pieces[0], pieces[-1]
        for piece, following in pairwise(pieces):
            if following.of is not first.of or following.start != piece.stop:
                return None
        return first.of[first.start : last.stop]


@dataclass
class Examples:
    """Encoded rows, their labels, weights and soft targets at temperature 1.

    Attributes
    ----------
    inputs : ndarray of shape (n_rows, ...)
        Of the blocks to train on, then of the validation rows.
    blocks : list of Block
        To train on.
    validation : Block or None
    views : dict of str to ndarray
        Data that objectives took from the teacher, and the rows that they probe, for the blocks to
        train on; by the key in a batch's target.
    gives_teacher : bool
        Whether objectives see inputs and raw soft targets.
    """

    inputs: FloatArray
    blocks: list[Block]
    validation: Block | None
    views: dict[str, np.ndarray]
    gives_teacher: bool

    @property
    def n_training(self) -> int:
        return sum(map(len, self.blocks))

    @property
    def validation_inputs(self) -> FloatArray:
        return self.inputs[self.n_training :]

    def training(self, response: Response, temperature: float) -> Rows:
        """The rows to train on, with their targets."""
        return self._rows(response, temperature, self.blocks, self.views)

    def everything(
        self, response: Response, temperature: float, views: dict[str, np.ndarray]
    ) -> Rows:
        """The same, with the held-out rows, for which the objectives have these views."""
        assert self.validation is not None
        both = {name: np.concatenate([of, views[name]]) for name, of in self.views.items()}
        return self._rows(response, temperature, [*self.blocks, self.validation], both)

    def judging(self, response: Response, temperature: float) -> Rows | None:
        """The rows that choose an epoch; None without validation rows."""
        block = self.validation
        if block is None:
            return None
        target = {"label": block.labels, "weight": block.weight}
        if not block.is_labelled and block.soft is not None:
            target["soft"] = prepare(response, block.soft, temperature, block.weight, block.labels)
        return Rows.from_arrays(self.validation_inputs, target, block.is_labelled)

    def _rows(
        self,
        response: Response,
        temperature: float,
        blocks: list[Block],
        views: dict[str, np.ndarray],
    ) -> Rows:
        n_rows = sum(map(len, blocks))
        target = {
            "label": np.concatenate([block.labels for block in blocks]),
            "weight": np.concatenate([block.weight for block in blocks]),
        }
        if blocks[0].soft is not None:
            soft = np.concatenate([block.soft for block in blocks])
            target["soft"] = prepare(response, soft, temperature, target["weight"], target["label"])
            if self.gives_teacher:
                target["teacher"] = soft
        is_labelled = all(block.is_labelled for block in blocks)
        return Rows.from_arrays(
            self.inputs[:n_rows], target, is_labelled, views, self.gives_teacher
        )
