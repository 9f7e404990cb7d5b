"""Writes the demo model into the package: a tiny Enformer with weights from a fixed seed, which have learned nothing.

python tools/make_demo_model.py FOLDER
"""

import sys
import zlib
from pathlib import Path

import numpy as np

from enformer_vep.model.config import EnformerConfig
from enformer_vep.model.enformer import Enformer
from enformer_vep.model.keys import checkpoint_variables
from enformer_vep.model.weights import save_model

SEED = 20210415
NOTICE = "demo model, tiny and with random weights: its scores mean nothing biologically"
CONFIG = EnformerConfig(
    channels=48,
    num_transformer_layers=2,
    num_heads=2,
    key_size=16,
    heads={"human": 8, "mouse": 4},
    width_multiple=8,
)


def random_value(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draws a variable's value: maps that keep the size of what goes through them, norms that do next to nothing."""
    normal = np.random.default_rng([SEED, zlib.crc32(key.encode())]).standard_normal(shape)
    if key.endswith("_logit_linear/w"):
        return 2 * np.eye(shape[0]) + 0.2 / np.sqrt(shape[0]) * normal
    if key.endswith(("scale", "moving_variance/average")):
        return 1 + 0.1 * np.abs(normal)
    if key.endswith("/w"):
        return normal * 1.4 / np.sqrt(np.prod(shape[:-1]))
    return 0.1 * normal


def main() -> None:
    model = Enformer(CONFIG)
    for key, variable in checkpoint_variables(model).items():
        if not key.endswith(("_hidden", "_counter")):
            variable.assign(random_value(key, tuple(variable.shape)).astype(np.float32))
    save_model(model, Path(sys.argv[1]), name="demo", notice=NOTICE)


if __name__ == "__main__":
    main()
