import platform
import subprocess
import sys

import pytest
import tensorflow as tf

from enformer_vep.errors import DeviceError
from enformer_vep.inference import device
from enformer_vep.inference.device import Device, check_device_name, cpu_information, prepare_device

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
    assert prepare_device("cpu").kind == "CPU"
    with pytest.raises(DeviceError, match="no device 'gpu': TensorFlow sees 0 GPUs"):
        prepare_device("gpu")
    with pytest.raises(DeviceError, match="tf32 requires a GPU"):
        prepare_device(None, "tf32")


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(DeviceError, match="unknown precision 'half': expected one of float32, tf32, mixed, bfloat16"):
        prepare_device("cpu", "half")


def test_a_cpu_runs_one_sequence_at_a_time() -> None:
    """Or where a sequence stands in its batch would change its last bits."""
    assert [Device("CPU", "").batch_size(wanted) for wanted in (None, 1, 8)] == [1, 1, 1]
    assert [Device("GPU", "").batch_size(wanted) for wanted in (None, 1, 8)] == [4, 1, 8]


def test_the_cpu_is_named() -> None:
    name, flags = cpu_information()
    assert name
    assert "\n" not in name
    assert prepare_device("cpu").description.startswith(f"{name}, ")
    if platform.machine() == "x86_64":
        assert {"fpu", "sse2"} <= flags


AVX2_CPU = ("Some CPU", frozenset({"avx2", "fma"}))
AVX512_CPU = ("Another CPU", frozenset({"avx2", "fma", "avx512f", "avx512_bf16"}))


@pytest.mark.parametrize("precision", ["mixed", "bfloat16"])
def test_a_cpu_without_bfloat16_is_warned_of(
    precision: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    for cpu, warning in (
        (AVX2_CPU, f"--precision {precision} is slower and less exact than float32"),
        (AVX512_CPU, ""),
    ):
        monkeypatch.setattr(device, "cpu_information", lambda cpu=cpu: cpu)
        caplog.clear()
        prepare_device("cpu", precision)
        assert warning in caplog.text
        assert bool(caplog.text) == bool(warning)
    prepare_device("cpu")
    assert not caplog.text


def test_where_tensorflow_would_abort_the_run_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    monkeypatch.setattr(device, "cpu_information", lambda: AVX2_CPU)
    assert not device.bfloat16_aborts()
    monkeypatch.setattr(device, "cpu_information", lambda: AVX512_CPU)
    with pytest.raises(DeviceError, match=r"mixed does not work with ONEDNN_MAX_CPU_ISA=AVX2.*unset the variable"):
        prepare_device("cpu", "mixed")
    prepare_device("cpu")


def test_tensorflow_is_silent() -> None:
    script = (
        "from enformer_vep.inference.device import prepare_device\nprepare_device('cpu')\n"
        "import tensorflow as tf\ntf.function(lambda x: tf.matmul(x, x))(tf.ones([64, 64]))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout + run.stderr == ""


def test_keras_is_imported_when_it_is_used_and_not_before() -> None:
    script = (
        "import sys\nfrom enformer_vep.inference.device import prepare_device\nprepare_device('cpu')\n"
        "assert not any(name.partition('.')[0] == 'keras' for name in sys.modules)\n"
        "import tensorflow as tf\nassert tf.keras.layers.Dense(3)(tf.ones([1, 2])).shape == (1, 3)"
    )
    subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)


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
