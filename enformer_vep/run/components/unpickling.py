"""Unpickles a transform of scikit-learn, in a process of its own that `convert-transform` starts.

Unpickling runs whatever code a file holds. This is the only file that does it, and it is only run as a program, by its
path: what comes out are plain arrays, which the process that started it checks. It imports nothing of this package.
"""

import sys
import warnings
from typing import Any

if __name__ == "__main__" and not getattr(sys.flags, "safe_path", False):  # PYTHONSAFEPATH, from Python 3.11
    del sys.path[0]  # this folder: its modules are no libraries

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]


def extract_arrays(pipeline: Any) -> Arrays:
    """Returns the arrays of a pipeline of robust scaling, principal components and robust scaling.

    The steps are known by their attributes, whichever version of scikit-learn they are from.

    Raises:
      ValueError: the object is something else.
    """
    steps = getattr(pipeline, "steps", None)
    if not isinstance(steps, list) or len(steps) != 3:
        actual = type(pipeline).__name__ if steps is None else f"{len(steps)} steps"
        raise ValueError(f"expected a pipeline of 3 steps (RobustScaler, PCA, RobustScaler), found {actual}")
    first, middle, last = (step[-1] for step in steps)
    for number, scaler in ((1, first), (3, last)):
        if not hasattr(scaler, "center_") or not hasattr(scaler, "scale_"):
            raise ValueError(f"expected a RobustScaler as step {number}, found {type(scaler).__name__}")
    if not hasattr(middle, "components_") or not hasattr(middle, "mean_"):
        raise ValueError(f"expected a PCA as step 2, found {type(middle).__name__}")
    if getattr(middle, "whiten", False):
        raise ValueError("expected a PCA that does not whiten (whiten=False), found one that does")
    components = np.asarray(middle.components_)
    num_components, num_tracks = components.shape
    mean = np.zeros(num_tracks) if middle.mean_ is None else np.asarray(middle.mean_)
    centre, scale = _scaling(first, num_tracks)
    centre2, scale2 = _scaling(last, num_components)
    return {
        "centre": centre,
        "scale": scale,
        "mean": mean,
        "components": components,
        "centre2": centre2,
        "scale2": scale2,
    }


def _scaling(scaler: Any, length: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Returns the centre and the scale of a RobustScaler, which has None for one that it leaves out."""
    centre = np.zeros(length) if scaler.center_ is None else np.asarray(scaler.center_)
    scale = np.ones(length) if scaler.scale_ is None else np.asarray(scaler.scale_)
    return centre, scale


def main(source: str, target: str) -> int:
    """Unpickles a file and writes its arrays; a failure is one line on standard error, and exit code 2."""
    warnings.simplefilter("ignore")  # that the file is of another version; what matters of it is checked
    try:
        import joblib
    except ImportError:
        print("needs scikit-learn: install enformer-vep[components]", file=sys.stderr)
        return 2
    try:
        arrays = extract_arrays(joblib.load(source))
        np.savez(target, allow_pickle=False, **arrays)
    except Exception as error:  # damaged bytes, and code that the file holds, can raise anything
        text = " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__
        print(f"{type(error).__name__}: {text[:300]}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
