"""The tensors of an Enformer, and whether a file's tensors are those of one.

Nothing is made or read for it: only keys, types and shapes are compared. `weights.checkpoint_variables` gives the same
keys to the variables of a model.
"""

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from enformer_vep.errors import WeightsError
from enformer_vep.model.config import NUM_BASES, EnformerConfig
from enformer_vep.model.sources.source import TensorEntry, WeightsSource, is_training_state

WIDTH_MULTIPLES = (128, 64, 32, 16, 8, 4, 2, 1)
"""What conv_tower widths may be rounded to a multiple of."""

Shape = tuple[int, ...]
Shapes = dict[str, Shape]


def tensor_shapes(config: EnformerConfig) -> Shapes:
    """Returns the shape of every variable of an Enformer by its key, in the order of the layers."""
    return dict(_tensors(config))


def tensor_dtype(key: str) -> str:
    """Returns the name of a variable's type: counters are integers, and everything else is float32."""
    return "int64" if key.endswith("/_counter") else "float32"


def _tensors(config: EnformerConfig) -> Iterator[tuple[str, Shape]]:
    stem, channels = config.stem_channels, config.channels
    prefix = "_trunk/_layers/0/_layers"
    yield from _map(f"{prefix}/0", config.stem_width, NUM_BASES, stem)
    yield from _pointwise_and_pool(prefix, stem, config)
    for i, (before, after) in enumerate(pairwise((stem, *config.tower_widths))):
        prefix = f"_trunk/_layers/1/_layers/{i}/_layers"
        yield from _conv_block(f"{prefix}/0", config.tower_width, before, after)
        yield from _pointwise_and_pool(prefix, after, config)
    for i in range(config.num_transformer_layers):
        yield from _transformer_block(f"_trunk/_layers/2/_layers/{i}/_layers", config)
    yield from _conv_block("_trunk/_layers/4/_layers/0", 1, channels, 2 * channels)
    for head, num_tracks in config.heads.items():
        yield from _map(f"_heads/{head}/_layers/0", 2 * channels, num_tracks)


def _map(prefix: str, *shape: int) -> Iterator[tuple[str, Shape]]:
    yield f"{prefix}/w", shape
    yield f"{prefix}/b", shape[-1:]


def _norm(prefix: str, channels: int) -> Iterator[tuple[str, Shape]]:
    yield f"{prefix}/scale", (channels,)
    yield f"{prefix}/offset", (channels,)


def _conv_block(prefix: str, width: int, before: int, after: int) -> Iterator[tuple[str, Shape]]:
    yield from _norm(f"{prefix}/_layers/0", before)
    for statistic in ("moving_mean", "moving_variance"):
        yield f"{prefix}/_layers/0/{statistic}/average", (1, 1, before)
        yield f"{prefix}/_layers/0/{statistic}/_hidden", (1, 1, before)
        yield f"{prefix}/_layers/0/{statistic}/_counter", ()
    yield from _map(f"{prefix}/_layers/2", width, before, after)


def _pointwise_and_pool(prefix: str, channels: int, config: EnformerConfig) -> Iterator[tuple[str, Shape]]:
    yield from _conv_block(f"{prefix}/1/_module", 1, channels, channels)
    if config.pooling_type == "attention":
        yield f"{prefix}/2/_logit_linear/w", (channels, channels)


def _transformer_block(prefix: str, config: EnformerConfig) -> Iterator[tuple[str, Shape]]:
    channels, keys = config.channels, config.num_heads * config.key_size
    values = config.num_heads * config.value_size
    yield from _norm(f"{prefix}/0/_module/_layers/0", channels)
    attention = f"{prefix}/0/_module/_layers/1"
    yield f"{attention}/_q_layer/w", (channels, keys)
    yield f"{attention}/_k_layer/w", (channels, keys)
    yield f"{attention}/_v_layer/w", (channels, values)
    yield f"{attention}/_r_k_layer/w", (config.value_size, keys)
    yield from _map(f"{attention}/_embedding_layer", values, channels)
    yield f"{attention}/_r_w_bias", (1, config.num_heads, 1, config.key_size)
    yield f"{attention}/_r_r_bias", (1, config.num_heads, 1, config.key_size)
    yield from _norm(f"{prefix}/1/_module/_layers/0", channels)
    yield from _map(f"{prefix}/1/_module/_layers/1", channels, 2 * channels)
    yield from _map(f"{prefix}/1/_module/_layers/4", 2 * channels, channels)


def infer_config(entries: Mapping[str, TensorEntry]) -> EnformerConfig:
    """Reads the sizes of a model from its tensors' shapes; the window's length is taken to be the official one.

    Raises:
      ValueError: a tensor that gives a size is missing, or the sizes are not those of an Enformer.
    """

    def shape(key: str, num_axes: int) -> Shape:
        if key not in entries:
            raise ValueError(f"not an Enformer's weights: missing key {key}")
        if len(entries[key].shape) != num_axes:
            raise ValueError(f"misshapen key {key} (expected {num_axes} axes, found {list(entries[key].shape)})")
        return entries[key].shape

    def count(pattern: str) -> int:
        return 1 + max((int(match[1]) for key in entries if (match := re.match(pattern, key))), default=-1)

    attention = "_trunk/_layers/2/_layers/0/_layers/0/_module/_layers/1"
    _, num_heads, _, key_size = shape(f"{attention}/_r_w_bias", 4)
    has_pooling_logits = "_trunk/_layers/0/_layers/2/_logit_linear/w" in entries
    num_tower_blocks = count(r"_trunk/_layers/1/_layers/(\d+)/")
    config = EnformerConfig(
        channels=shape("_trunk/_layers/4/_layers/0/_layers/2/w", 3)[1],
        num_transformer_layers=count(r"_trunk/_layers/2/_layers/(\d+)/"),
        num_heads=num_heads,
        key_size=key_size,
        heads={
            match[1]: shape(key, 2)[1] for key in entries if (match := re.fullmatch(r"_heads/(\w+)/_layers/0/w", key))
        },
        pooling_type="attention" if has_pooling_logits else "max",
        stem_width=shape("_trunk/_layers/0/_layers/0/w", 3)[0],
        tower_width=shape("_trunk/_layers/1/_layers/0/_layers/0/_layers/2/w", 3)[0],
        num_tower_blocks=num_tower_blocks,
        width_multiple=1,
    )
    tower = (entries.get(f"_trunk/_layers/1/_layers/{i}/_layers/0/_layers/2/w") for i in range(num_tower_blocks))
    widths = tuple(entry.shape[-1] for entry in tower if entry and entry.shape)
    return dataclasses.replace(config, width_multiple=_width_multiple(config, widths))


def _width_multiple(config: EnformerConfig, widths: Shape) -> int:
    """Returns the number to whose multiples the conv_tower's widths were rounded: the largest that explains them."""
    possible = [multiple for multiple in WIDTH_MULTIPLES if config.channels % multiple == 0]
    for multiple in possible:
        with contextlib.suppress(ValueError):
            if dataclasses.replace(config, width_multiple=multiple).tower_widths == widths:
                return multiple
    return possible[0]


@dataclass(frozen=True)
class Misfits:
    """Where tensors are not those of an Enformer of the sizes that its config says.

    Attributes:
      missing: keys that inference needs and the file has not.
      unexpected: keys that such a model has not.
      misshapen: keys with another shape or type, each with what was expected and found.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    misshapen: tuple[str, ...] = ()

    def __str__(self) -> str:
        problems = [
            (self.missing, "missing key"),
            (self.unexpected, "unexpected key"),
            (self.misshapen, "misshapen key"),
        ]
        return "; ".join(some(keys, what) for keys, what in problems if keys)


def some(keys: tuple[str, ...], what: str) -> str:
    """Counts keys and names the first three: '329 missing keys: a, b, c ...'."""
    return f"{len(keys)} {what}{'s' * (len(keys) != 1)}: {', '.join(keys[:3])}{' ...' * (len(keys) > 3)}"


def find_misfits(entries: Mapping[str, TensorEntry], config: EnformerConfig) -> Misfits:
    """Compares tensors with those of an Enformer of these sizes; only training state may be missing."""
    expected = tensor_shapes(config)
    missing = [key for key in expected if key not in entries and not is_training_state(key)]
    unexpected = [key for key in entries if key not in expected]
    misshapen = []
    for key, entry in entries.items():
        if key not in expected:
            continue
        if entry.dtype != tensor_dtype(key):
            wanted = f"{tensor_dtype(key)} {list(expected[key])}"
            misshapen.append(f"{key} (expected {wanted}, found {entry.dtype} {list(entry.shape)})")
        elif entry.shape != expected[key]:
            misshapen.append(f"{key} (expected {list(expected[key])}, found {list(entry.shape)})")
    return Misfits(tuple(missing), tuple(unexpected), tuple(misshapen))


def source_config(source: WeightsSource) -> EnformerConfig:
    """Returns the sizes that a file says, or else those that its tensors have.

    Raises:
      WeightsError: what it says cannot be used, or the tensors are not an Enformer's.
    """
    settings = source.settings()
    if settings.config is not None:
        return settings.config
    try:
        return infer_config(source.entries())
    except ValueError as error:
        raise WeightsError(f"{source.path}: {error}") from error


def fitting_config(source: WeightsSource) -> EnformerConfig:
    """Returns the sizes of a model whose tensors a file has: all that are needed, and no others.

    Raises:
      WeightsError: it has not; the message names the tensors.
    """
    if source.foreign:
        raise WeightsError(f"{source.path}: not an Enformer's weights, {some(source.foreign, 'unexpected key')}")
    source.check_files()
    config = source_config(source)
    if problems := str(find_misfits(source.entries(), config)):
        raise WeightsError(f"{source.path}: {problems}")
    return config
