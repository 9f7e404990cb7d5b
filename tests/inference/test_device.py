import subprocess
import sys

import pytest
import tensorflow as tf

from enformer_vep.errors import DeviceError
from enformer_vep.inference.device import check_device_name, prepare_device

HAS_GPU = bool(tf.config.list_physical_devices("GPU"))


@pytest.mark.parametrize("name", [None, "cpu", "gpu", "gpu:0", "gpu:12"])
def test_device_names(name: str | None) -> None:
    check_device_name(name)


@pytest.mark.parametrize("name", ["", "tpu", "gpu:", "gpu:x", "CPU", "cpu:0", "gpu:-1"])
def test_unknown_devices_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match="expected cpu, gpu, or gpu:1"):
        check_device_name(name)


@pytest.mark.skipif(HAS_GPU, reason="this machine has a GPU")
def test_without_a_gpu() -> None:
    assert prepare_device(None).kind == "CPU"
    assert prepare_device("cpu").default_batch_size == 1
    with pytest.raises(DeviceError, match="no device 'gpu': TensorFlow sees 0 GPUs"):
        prepare_device("gpu")
    with pytest.raises(DeviceError, match="tf32 needs a GPU"):
        prepare_device(None, "tf32")


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(DeviceError, match="unknown precision 'half': expected one of float32, tf32, mixed, bfloat16"):
        prepare_device("cpu", "half")


def test_tensorflow_is_silent() -> None:
    script = (
        "from enformer_vep.inference.device import prepare_device\nprepare_device('cpu')\n"
        "import tensorflow as tf\ntf.function(lambda x: tf.matmul(x, x))(tf.ones([64, 64]))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


@pytest.mark.gpu
@pytest.mark.skipif(not HAS_GPU, reason="no GPU here")
def test_tf32_is_off_unless_asked_for() -> None:
    script = (
        "from enformer_vep.inference.device import prepare_device\nimport sys\n"
        "print(prepare_device('gpu', sys.argv[1]).kind)\n"
        "import tensorflow as tf\nprint(tf.config.experimental.tensor_float_32_execution_enabled())"
    )
    for precision, expected in (("float32", "False"), ("tf32", "True")):
        run = subprocess.run([sys.executable, "-c", script, precision], capture_output=True, text=True, check=True)
        assert run.stdout.split() == ["GPU", expected]
