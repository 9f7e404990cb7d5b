"""The published tensors: their two keys and their checksums.

The published SavedModel names the variables of the published checkpoint by other paths. `published_tensors.tsv` pairs
the two for every tensor, with the CRC-32C that TensorFlow stored for it.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class PublishedTensor:
    """One tensor of the published weights: its two keys, and the masked CRC-32C of its bytes."""

    saved_model_key: str
    checkpoint_key: str
    masked_crc32c: int


@cache
def published_tensors() -> tuple[PublishedTensor, ...]:
    """Reads the table of the published tensors that the package carries."""
    with files("enformer_vep.model.sources").joinpath("published_tensors.tsv").open(encoding="utf-8") as lines:
        return tuple(
            PublishedTensor(row["savedmodel_key"], row["checkpoint_key"], int(row["masked_crc32c"], 16))
            for row in csv.DictReader(lines, delimiter="\t")
        )


def is_training_state(key: str) -> bool:
    """Says whether a key of ours is a moving average's inner state, which inference never reads."""
    return key.endswith(("/_hidden", "/_counter"))


def are_published(crcs: Mapping[str, int]) -> bool:
    """Says whether tensors are the published ones, by their keys and masked CRC-32C.

    Only what inference reads is compared: a copy of the published weights without training state is still them.
    """
    return all(
        crcs.get(tensor.checkpoint_key) == tensor.masked_crc32c
        for tensor in published_tensors()
        if not is_training_state(tensor.checkpoint_key)
    )
