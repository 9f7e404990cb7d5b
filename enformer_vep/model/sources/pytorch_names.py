"""How the package enformer-pytorch names and lays out the weights of an Enformer.

Its modules hold the same parameters as ours. Maps are stored as [out, in] and convolutions as [out, in, width], where
we have [in, out] and [width, in, out]; pooling weights are those of a 1 x 1 convolution, [out, in, 1, 1]; moving
averages are [channels], where we have [1, 1, channels].
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


Layout = Callable[[Array], Array]
Parameters = dict[str, tuple[str, Layout]]
"""Of a kind of module: the end of our key, and the layout, of each parameter."""


class Place(NamedTuple):
    """Where a parameter stands with us: its key, and how its values are laid out as ours."""

    key: str
    to_ours: Layout


def _same(values: Array) -> Array:
    return values


def _reversed_axes(values: Array) -> Array:
    return values.T


def _pool_axes(values: Array) -> Array:
    return values[..., 0, 0].T  # [out, in, 1, 1] to [in, out]


def _average_axes(values: Array) -> Array:
    return values[np.newaxis, np.newaxis]


_MAP: Parameters = {"weight": ("w", _reversed_axes), "bias": ("b", _same)}
_LAYER_NORM: Parameters = {"weight": ("scale", _same), "bias": ("offset", _same)}
_BATCH_NORM: Parameters = _LAYER_NORM | {
    "running_mean": ("moving_mean/average", _average_axes),
    "running_var": ("moving_variance/average", _average_axes),
}
_POOL: Parameters = {"weight": ("_logit_linear/w", _pool_axes)}
_BIASES: Parameters = {"rel_content_bias": ("_r_w_bias", _same), "rel_pos_bias": ("_r_r_bias", _same)}

_STEM = "_trunk/_layers/0/_layers"
_TOWER = r"_trunk/_layers/1/_layers/\1/_layers"
_ATTENTION = r"_trunk/_layers/2/_layers/\1/_layers/0/_module/_layers"
_MLP = r"_trunk/_layers/2/_layers/\1/_layers/1/_module/_layers"
_POINTWISE = "_trunk/_layers/4/_layers/0/_layers"

_MODULES = [
    (r"stem\.0", f"{_STEM}/0", _MAP),
    (r"stem\.1\.fn\.0", f"{_STEM}/1/_module/_layers/0", _BATCH_NORM),
    (r"stem\.1\.fn\.2", f"{_STEM}/1/_module/_layers/2", _MAP),
    (r"stem\.2\.to_attn_logits", f"{_STEM}/2", _POOL),
    (r"conv_tower\.(\d+)\.0\.0", f"{_TOWER}/0/_layers/0", _BATCH_NORM),
    (r"conv_tower\.(\d+)\.0\.2", f"{_TOWER}/0/_layers/2", _MAP),
    (r"conv_tower\.(\d+)\.1\.fn\.0", f"{_TOWER}/1/_module/_layers/0", _BATCH_NORM),
    (r"conv_tower\.(\d+)\.1\.fn\.2", f"{_TOWER}/1/_module/_layers/2", _MAP),
    (r"conv_tower\.(\d+)\.2\.to_attn_logits", f"{_TOWER}/2", _POOL),
    (r"transformer\.(\d+)\.0\.fn\.0", f"{_ATTENTION}/0", _LAYER_NORM),
    (r"transformer\.(\d+)\.0\.fn\.1", f"{_ATTENTION}/1", _BIASES),
    (r"transformer\.(\d+)\.0\.fn\.1\.to_([qkv])", rf"{_ATTENTION}/1/_\2_layer", _MAP),
    (r"transformer\.(\d+)\.0\.fn\.1\.to_rel_k", f"{_ATTENTION}/1/_r_k_layer", _MAP),
    (r"transformer\.(\d+)\.0\.fn\.1\.to_out", f"{_ATTENTION}/1/_embedding_layer", _MAP),
    (r"transformer\.(\d+)\.1\.fn\.0", f"{_MLP}/0", _LAYER_NORM),
    (r"transformer\.(\d+)\.1\.fn\.([14])", rf"{_MLP}/\2", _MAP),
    (r"final_pointwise\.1\.0", f"{_POINTWISE}/0", _BATCH_NORM),
    (r"final_pointwise\.1\.2", f"{_POINTWISE}/2", _MAP),
    (r"_heads\.(\w+)\.0", r"_heads/\1/_layers/0", _MAP),
    (r"to_tracks\.0", "_heads/tracks/_layers/0", _MAP),  # of its HeadAdapterWrapper
]
"""Modules of the package, our prefix for each, and their parameters."""

_TRUNK = {"1": "stem", "2": "conv_tower", "4": "transformer", "6": "final_pointwise"}
"""Numbers under which the package registers its modules a second time."""

_FIRST = re.compile(r"(.*?)(?:stem|_trunk\.1)\.0\.weight")
_IGNORED = re.compile(r".*\.num_batches_tracked")


def find_prefix(names: list[str]) -> str:
    """Returns what stands before the names of an Enformer's parameters, as when it is a part of another module."""
    found = sorted({match[1] for name in names if (match := _FIRST.fullmatch(name))}, key=len)
    return found[0] if found else ""


def place_of(name: str, prefix: str) -> Place | None:
    """Returns where a parameter stands with us, None if it is not an Enformer's.

    Args:
      name: its name.
      prefix: what `find_prefix` found; the head of a HeadAdapterWrapper stands beside the Enformer, not within.
    """
    outer = prefix.removesuffix("enformer.")
    if name.startswith(f"{outer}to_tracks."):
        name = name.removeprefix(outer)
    elif name.startswith(prefix):
        name = name.removeprefix(prefix)
    else:
        return None
    name = re.sub(r"^_trunk\.([1246])\.", lambda match: f"{_TRUNK[match[1]]}.", name)
    module, _, parameter = name.rpartition(".")
    for pattern, ours, parameters in _MODULES:
        match = re.fullmatch(pattern, module)
        if match and parameter in parameters:
            leaf, to_ours = parameters[parameter]
            return Place(f"{match.expand(ours)}/{leaf}", to_ours)
    return None


def is_ignored(name: str) -> bool:
    """Says whether a name means nothing to inference: the counters of batch norms."""
    return _IGNORED.fullmatch(name) is not None
