"""Which ids a list has had so far, in 16 bytes an id: 160 MB for a list of 10 million."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_DIGEST_BYTES = 8
_MAX_RECENT = 65_536


class SeenIds:
    """Ids by a 64-bit hash with the row of each. Among n ids, two differing ones are taken for the
    same with a chance of n^2 / 2^65: 3 in a million for 10 million ids."""

    def __init__(self) -> None:
        self._recent: dict[int, int] = {}
        # Sorted, each at least twice as long as the next: few merges, few searches.
        self._runs: list[tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]] = []

    def first_rows(self, ids: Sequence[str], rows: Sequence[int]) -> list[int | None]:
        """For each id the earlier row that has it, or None; then `rows` has seen it."""
        keys = [_key(name) for name in ids]
        earlier = self._look_up(np.array(keys, dtype=np.uint64))
        found: list[int | None] = []
        for key, row, old in zip(keys, rows, earlier, strict=True):
            first = old if old >= 0 else self._recent.get(key)
            found.append(first)
            if first is None:
                self._recent[key] = row
        if len(self._recent) > _MAX_RECENT:
            self._settle()
        return found

    def _look_up(self, keys: npt.NDArray[np.uint64]) -> list[int]:
        earlier = np.full(len(keys), -1, dtype=np.int64)
        for known, rows in self._runs:
            places = np.minimum(np.searchsorted(known, keys), len(known) - 1)
            earlier = np.where(known[places] == keys, rows[places], earlier)
        return [int(row) for row in earlier]

    def _settle(self) -> None:
        keys = np.fromiter(self._recent.keys(), dtype=np.uint64, count=len(self._recent))
        rows = np.fromiter(self._recent.values(), dtype=np.int64, count=len(self._recent))
        self._recent = {}
        while self._runs and len(self._runs[-1][0]) < 2 * len(keys):
            known, known_rows = self._runs.pop()
            keys, rows = np.concatenate((known, keys)), np.concatenate((known_rows, rows))
        order = np.argsort(keys)
        self._runs.append((keys[order], rows[order]))


def _key(name: str) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES)
    return int.from_bytes(digest.digest(), "big")
