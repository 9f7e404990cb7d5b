"""Chooses and prepares the device that the model runs on."""

import logging
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from enformer_vep.errors import DeviceError
from enformer_vep.wording import option

logger = logging.getLogger(__name__)

Precision = Literal["float32", "tf32", "mixed", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
BFLOAT16_PRECISIONS: tuple[Precision, ...] = ("mixed", "bfloat16")
DEVICE_PATTERN = re.compile(r"cpu|gpu(?::(\d+))?")

DEFAULT_GPU_BATCH_SIZE = 4
DEFAULT_CACHE_BYTES = 128 * 2**20

_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Linux's names for the instructions that multiply bfloat16: AVX-512 BF16, AMX, and those of Arm."""

_NARROW_ISA = re.compile(r"sse41|avx|avx2|avx2_vnni|avx2_vnni_2", re.IGNORECASE)
"""Values of ONEDNN_MAX_CPU_ISA that keep oneDNN from using AVX-512, on which TensorFlow relies for bfloat16."""


@dataclass(frozen=True)
class Device:
    """A device that is ready to run a model.

    Attributes:
      kind: 'CPU' or 'GPU'.
      description: its name, for the run record.
      is_deterministic: whether the same run gives the same bits again.
    """

    kind: str
    description: str
    is_deterministic: bool = True

    def batch_size(self, wanted: int | None) -> int:
        """Returns how many sequences are run at a time.

        On a CPU it is always one: larger batches are not faster there, and a sequence's place in its batch would change
        the last bits of its scores.

        Args:
          wanted: the user's choice, None for the device's default.
        """
        return 1 if self.kind == "CPU" else wanted or DEFAULT_GPU_BATCH_SIZE


def cpu_information() -> tuple[str, frozenset[str]]:
    """Returns the name of this machine's CPU and its instruction sets, as Linux lists them; none if unknown."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine(), frozenset()
    fields = dict(line.split(":", 1) for line in text.split("\n\n", 1)[0].splitlines() if ":" in line)
    values = {name.strip(): value.strip() for name, value in fields.items()}
    flags = values.get("flags") or values.get("Features", "")
    return values.get("model name", platform.machine()), frozenset(flags.split())


def bfloat16_aborts() -> bool:
    """Returns whether TensorFlow would abort at a product in bfloat16 on the CPU.

    It does if the CPU has AVX-512 and the environment forbids oneDNN to use it.
    """
    _, flags = cpu_information()
    return "avx512f" in flags and bool(_NARROW_ISA.fullmatch(os.environ.get("ONEDNN_MAX_CPU_ISA", "")))


def import_tensorflow() -> Any:
    """Imports TensorFlow without Keras, and without its libraries' messages; errors are still raised.

    Returns:
      The module.
    """
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        with _muted_standard_error(), _without_keras():
            import tensorflow

            tensorflow.config.list_physical_devices()
    import tensorflow

    # It takes the graphs of a model's blocks, one for each, for one function that is traced again and again.
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


@contextmanager
def _without_keras() -> Iterator[None]:
    """Keeps TensorFlow from importing Keras as well, which takes as long and is not used here.

    TensorFlow imports one module of it, and goes on if that fails. `tf.keras` still loads when it is first used.
    """
    name = "keras.src.optimizers"
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it fails at once
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _muted_standard_error() -> Iterator[None]:
    """Discards writes to file descriptor 2: the libraries' start-up messages ignore the log level."""
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
    """Checks the name of a device, without TensorFlow.

    Raises:
      DeviceError: it is neither 'cpu', nor 'gpu', nor 'gpu:' and a number.
    """
    if name is not None and not DEVICE_PATTERN.fullmatch(name):
        raise DeviceError(f"unknown device {name!r}: expected cpu, gpu, or gpu:1 for the second GPU")


def prepare_device(name: str | None, precision: str = "float32", *, allow_nondeterministic: bool = False) -> Device:
    """Chooses a device and sets its arithmetic.

    Args:
      name: 'cpu', 'gpu', 'gpu:N', or None for the first GPU that TensorFlow sees, or the CPU if there is none.
      precision: one of PRECISIONS; with 'tf32' a GPU rounds the factors of products to 10 bits.
      allow_nondeterministic: whether a GPU may use operations whose results differ from run to run.

    Returns:
      The device. TensorFlow uses no other one from now on, and takes only as much of a GPU's memory as it needs.

    Raises:
      DeviceError: there is no such device, or this process already runs TensorFlow on another one.
    """
    check_device_name(name)
    if precision not in PRECISIONS:
        raise DeviceError(f"unknown precision {precision!r}: expected one of {', '.join(PRECISIONS)}")
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    match = DEVICE_PATTERN.fullmatch(name or ("gpu" if gpus else "cpu"))
    is_gpu = match is not None and match[0] != "cpu"
    if precision == "tf32" and not is_gpu:
        raise DeviceError(f"{option('--precision', precision)} requires a GPU: remove it to run on the CPU")
    number = int(match[1] or 0) if match else 0
    if is_gpu and number >= len(gpus):
        raise DeviceError(
            f"no device {name!r}: TensorFlow sees {len(gpus)} GPUs here; use {option('--device', 'cpu')}, or install "
            "enformer-vep[gpu] and check with nvidia-smi that the driver works"
        )
    chosen = gpus[number : number + 1] if is_gpu else []
    try:
        tf.config.set_visible_devices(chosen, "GPU")
        for gpu in chosen:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError as error:
        raise DeviceError(f"this process already runs TensorFlow on a device other than {name}") from error
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    if not is_gpu:
        return _prepare_cpu(precision)
    details = tf.config.experimental.get_device_details(gpus[number])
    if not allow_nondeterministic:
        tf.config.experimental.enable_op_determinism()
    description = f"GPU {number}: {details.get('device_name', 'unknown')}"
    return Device("GPU", description, is_deterministic=not allow_nondeterministic)


def _prepare_cpu(precision: str) -> Device:
    name, flags = cpu_information()
    if precision in BFLOAT16_PRECISIONS:
        if bfloat16_aborts():
            isa = os.environ["ONEDNN_MAX_CPU_ISA"]
            raise DeviceError(
                f"{option('--precision', precision)} does not work with ONEDNN_MAX_CPU_ISA={isa}: TensorFlow aborts at "
                f"bfloat16 products; unset the variable, or use {option('--precision', 'float32')}"
            )
        if flags and not flags & _BFLOAT16_FLAGS:
            logger.warning(
                "this CPU (%s) has no bfloat16 instructions: --precision %s is slower and less exact than float32 here",
                name,
                precision,
            )
    return Device("CPU", f"{name}, {os.cpu_count()} cores")


@contextmanager
def plain_float32() -> Iterator[None]:
    """Keeps a GPU from rounding the factors of products within the block."""
    tf = import_tensorflow()
    was_enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(was_enabled)
