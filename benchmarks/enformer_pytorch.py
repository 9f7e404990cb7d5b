"""How far is the PyTorch port of Enformer, the package enformer-pytorch, from this model, with the same weights?

    python -m venv ~/torch && ~/torch/bin/pip install enformer-pytorch
    python -m benchmarks.enformer_pytorch --python ~/torch/bin/python                # made-up weights of official size
    python -m benchmarks.enformer_pytorch --python ~/torch/bin/python --model MODEL

The weights are written as the package's state, with its names and layouts, and read back here as such a state. Both
then predict one sequence and the same with one changed base. The package is run twice: as it is by default, which
computes the position features in PyTorch, and with `use_tf_gamma`, which takes a part of them from a file.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
HEAD = "human"
CHANGED_AT = 98_303
"""Where the base is changed: in the middle of the window."""

GAMMA_MODES = {"default": False, "use_tf_gamma": True}


def sequences() -> np.ndarray:
    """A sequence and the same with one changed base: float32 [2, 196608, 4]."""
    codes = np.random.default_rng(7).integers(0, 4, 196_608)
    both = np.stack([codes, codes])
    both[1, CHANGED_AT] = (both[1, CHANGED_AT] + 1) % 4
    return np.eye(4, dtype=np.float32)[both]


def predict_here(state: Path, out: Path) -> None:
    """Writes this model's predictions and position features, from the weights in the package's names."""
    from enformer_vep.inference.device import import_tensorflow

    tf = import_tensorflow()
    from enformer_vep.model.attention import position_features
    from enformer_vep.model.location import locate_model
    from enformer_vep.model.weights import load_model

    model = load_model(locate_model(str(state))).model
    predict = tf.function(lambda one_hot: model.from_tower(model.conv_tower(one_hot), heads=[HEAD])[HEAD])
    config = model.config
    found = {f"prediction_{i}": predict(one_hot[np.newaxis]).numpy()[0] for i, one_hot in enumerate(sequences())}
    np.savez(out, features=position_features(config.geometry.num_tower_bins, config.value_size), **found)


def predict_with_package(state: Path, out: Path) -> None:
    """Writes the package's predictions and position features, both ways; runs where PyTorch is installed."""
    import torch
    from enformer_pytorch import Enformer
    from enformer_pytorch.modeling_enformer import get_positional_embed
    from safetensors.torch import load_file

    values = load_file(state)
    found = {}
    for name, use_tf_gamma in GAMMA_MODES.items():
        model = Enformer.from_hparams(use_tf_gamma=use_tf_gamma).eval()
        missing, unexpected = model.load_state_dict(values, strict=False)
        if unexpected or any(not key.startswith("_trunk.") for key in missing):  # second names of the same tensors
            raise SystemExit(f"the state does not fit the package: missing {missing[:3]}, unexpected {unexpected[:3]}")
        found[f"{name}_features"] = get_positional_embed(1536, 192, "cpu", use_tf_gamma).numpy()
        with torch.inference_mode():
            for i, one_hot in enumerate(sequences()):
                found[f"{name}_prediction_{i}"] = model(torch.from_numpy(one_hot)[None], head=HEAD)[0].numpy()
    np.savez(out, **found)


def write_state(model: str, path: Path) -> None:
    """Writes a model's weights as the package has them."""
    from safetensors.numpy import save_file

    from enformer_vep.fetch.cache import Cache
    from enformer_vep.model.architecture import fitting_config
    from enformer_vep.model.location import locate_model
    from enformer_vep.model.sources.opening import open_source
    from tests.pytorch_state import pytorch_state

    source = open_source(locate_model(model, Cache.at(None).folder))
    config = fitting_config(source)
    save_file(pytorch_state({key: source.read(key) for key in source.entries()}, config), path)


def differences(ours: Any, theirs: Any, name: str) -> dict[str, float]:
    """How far the package is from this model, in one of its modes."""
    features = np.abs(ours["features"] - theirs[f"{name}_features"])
    reference, alternate = (ours[f"prediction_{i}"].astype(np.float64) for i in range(2))
    its_reference, its_alternate = (theirs[f"{name}_prediction_{i}"].astype(np.float64) for i in range(2))
    sad, its_sad = (alternate - reference).sum(0), (its_alternate - its_reference).sum(0)
    per_class = features.shape[1] // 6
    return {
        "exponential features, largest difference": features[:, :per_class].max(),
        "central mask features, largest difference": features[:, per_class : 2 * per_class].max(),
        "gamma features, largest difference": features[:, 2 * per_class : 3 * per_class].max(),
        "prediction of a bin, largest relative difference": np.abs(its_reference / reference - 1).max(),
        "prediction of a bin, median relative difference": np.median(np.abs(its_reference / reference - 1)),
        "track's total, largest relative difference": np.abs(its_reference.sum(0) / reference.sum(0) - 1).max(),
        "SAD, error relative to its spread (root mean square)": np.sqrt(np.mean((its_sad - sad) ** 2)) / sad.std(),
        "SAD, correlation over tracks": np.corrcoef(sad, its_sad)[0, 1],
    }


def main() -> None:
    """Runs both and prints the table, as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", help="Python of an environment with enformer-pytorch")
    parser.add_argument("--model", help="weights of the official size  [default: made-up ones]")
    parser.add_argument("--run", choices=["here", "package"], help=argparse.SUPPRESS)
    parser.add_argument("--files", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run:
        (predict_here if arguments.run == "here" else predict_with_package)(*arguments.files)
        return
    if not arguments.python:
        parser.error("--python is needed: that of an environment with enformer-pytorch")
    with tempfile.TemporaryDirectory() as name:
        from benchmarks.inputs import chosen_model

        folder = Path(name)
        state = folder / "state.safetensors"
        with chosen_model(arguments.model) as model:
            write_state(model, state)
        for python, run in ((sys.executable, "here"), (arguments.python, "package")):
            command = [python, "-m", "benchmarks.enformer_pytorch", "--run", run, "--files"]
            subprocess.run([*command, str(state), str(folder / f"{run}.npz")], check=True, cwd=ROOT)
        ours, theirs = np.load(folder / "here.npz"), np.load(folder / "package.npz")
        found = {mode: differences(ours, theirs, mode) for mode in GAMMA_MODES}
    print("| | " + " | ".join(f"`{mode}`" if "_" in mode else mode for mode in found) + " |")
    print("|---|" + "---|" * len(found))
    for quantity in next(iter(found.values())):
        print(f"| {quantity} | " + " | ".join(f"{values[quantity]:.3g}" for values in found.values()) + " |")


if __name__ == "__main__":
    main()
