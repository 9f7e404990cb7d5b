"""Chooses and prepares the device that the model runs on."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from enformer_vep.errors import DeviceError

PRECISIONS = ("float32", "tf32", "mixed", "bfloat16")
DEVICE_PATTERN = re.compile(r"cpu|gpu(?::(\d+))?")

DEFAULT_BATCH_SIZE = {"CPU": 1, "GPU": 4}


@dataclass(frozen=True)
class Device:
    """A device that is ready to run a model.

    Attributes:
      kind: 'CPU' or 'GPU'.
      description: what it is, for the run record.
    """

    kind: str
    description: str

    @property
    def default_batch_size(self) -> int:
        """Sequences run at a time when nobody says."""
        return DEFAULT_BATCH_SIZE[self.kind]


def import_tensorflow() -> Any:
    """Imports TensorFlow without the chatter of its libraries on standard error; errors are still raised.

    Returns:
      The module.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _muted_standard_error():
            import tensorflow

            tensorflow.config.list_physical_devices()
    import tensorflow

    return tensorflow


@contextmanager
def _muted_standard_error() -> Iterator[None]:
    """Sends file descriptor 2 nowhere: the libraries' start-up messages heed no log level."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def check_device_name(name: str | None) -> None:
    """Checks how a device is named, without TensorFlow.

    Raises:
      DeviceError: it is neither 'cpu', nor 'gpu', nor 'gpu:' and a number.
    """
    if name is not None and not DEVICE_PATTERN.fullmatch(name):
        raise DeviceError(f"unknown device {name!r}: expected cpu, gpu, or gpu:1 for the second GPU")


def prepare_device(name: str | None, precision: str = "float32") -> Device:
    """Chooses a device and sets its arithmetic.

    Args:
      name: 'cpu', 'gpu', 'gpu:N', or None for the first GPU that TensorFlow sees and else the CPU.
      precision: one of PRECISIONS; with 'tf32' a GPU rounds the factors of products to 10 bits.

    Returns:
      The device. It is the only one that TensorFlow sees from now on, and of a GPU's memory no more is taken than the
      work needs.

    Raises:
      DeviceError: there is no such device, or this process runs TensorFlow on another one already.
    """
    check_device_name(name)
    if precision not in PRECISIONS:
        raise DeviceError(f"unknown precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    match = DEVICE_PATTERN.fullmatch(name or ("gpu" if gpus else "cpu"))
    is_gpu = match is not None and match[0] != "cpu"
    if precision == "tf32" and not is_gpu:
        raise DeviceError(f"precision {precision} needs a GPU: leave out --precision on the CPU")
    number = int(match[1] or 0) if match else 0
    if is_gpu and number >= len(gpus):
        raise DeviceError(
            f"no device {name!r}: TensorFlow sees {len(gpus)} GPUs here; use --device cpu, or install "
            "enformer-vep[gpu] and check with nvidia-smi that the driver works"
        )
    chosen = gpus[number : number + 1] if is_gpu else []
    try:
        tf.config.set_visible_devices(chosen, "GPU")
        for gpu in chosen:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        raise DeviceError(f"this process runs TensorFlow on another device than {name} already") from error
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    if not is_gpu:
        return Device("CPU", "CPU")
    details = tf.config.experimental.get_device_details(gpus[number])
    return Device("GPU", f"GPU {number}: {details.get('device_name', 'unknown')}")


@contextmanager
def plain_float32() -> Iterator[None]:
    """Lets no GPU round the factors of products inside."""
    tf = import_tensorflow()
    was_enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(was_enabled)
