"""What a GPU would wait for: transfers between host and device are counted, with a second CPU in its place.

Every operation must find its inputs on its own device, or it fails: so nothing crosses over but what is counted.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import needs_bfloat16

pytestmark = pytest.mark.slow

SCRIPT = """
import sys
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from enformer_vep.genome.views import ViewSettings
from enformer_vep.genome.variant import Variant
from enformer_vep.inference.engine import EngineSettings
from enformer_vep.inference.comparer import reusing_engine
from tests.comparisons import SUMS, Contig, look_at
from tests.support import TINY_CONFIG, reference_model

contig = Contig(np.random.default_rng(7).integers(0, 4, 40_000, dtype=np.uint8))
tensor_type, num_more = type(tf.zeros(1)), 3
numpy = tensor_type.numpy


def count(precision, batch_size, step):
    settings = EngineSettings("human", batch_size=batch_size, precision=precision, is_fused=False)
    engine = reusing_engine(model, contig.fetch, settings)

    def look(number):
        start = 4000 + step * number
        ref = contig.letters(start, start + 1)
        return look_at(Variant("1", start + 1, ref, "ACGT"[("ACGT".index(ref) + 1) % 4]), contig.fetch,
                       TINY_CONFIG.geometry, placement="shared:600" if step < 20 else "centred")

    list(engine.compare([look(number) for number in range(batch_size)], SUMS))
    link = engine.link
    before = link.num_sent, link.num_received, link.bytes_received
    received = []
    tensor_type.numpy = lambda tensor: (received.append(tensor), numpy(tensor))[1]
    list(engine.compare([look(number) for number in range(batch_size, (1 + num_more) * batch_size)], SUMS))
    tensor_type.numpy = numpy
    assert all("CPU:1" in variable.device for variable in model.variables)
    after = link.num_sent, link.num_received, link.bytes_received
    return *((last - first) / num_more for last, first in zip(after, before)), len(received) / num_more


with tf.device("CPU:1"):
    model = reference_model(TINY_CONFIG)
    tf.config.experimental.set_device_policy("explicit")
    for batch_size in (2, 8):
        for step in (12, 700):
            print(batch_size, step, *count(sys.argv[1], batch_size, step))
"""


Transfers = dict[tuple[int, int], list[float]]


@pytest.fixture(scope="module", params=["float32", pytest.param("mixed", marks=[needs_bfloat16, pytest.mark.full])])
def transfers(request: pytest.FixtureRequest) -> Transfers:
    """By the size of a batch and the alleles' distance in bp: arrays sent, arrays received, bytes received, and arrays
    received by any way, for each batch."""
    command = [sys.executable, "-c", SCRIPT, request.param]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert run.returncode == 0, run.stderr[-3000:]
    lines = [[float(word) for word in line.split()] for line in run.stdout.splitlines()]
    return {(int(batch_size), int(step)): numbers for batch_size, step, *numbers in lines}


def test_transfers_grow_with_batches_not_with_alleles(transfers: Transfers) -> None:
    """Alleles of one window: the codes of their patches, where these begin, and their scores; nothing else."""
    for batch_size in (2, 8):
        num_sent, num_received, bytes_received, num_by_any_way = transfers[batch_size, 12]
        assert num_received == num_by_any_way == 1
        assert num_sent <= 7
        assert bytes_received == batch_size * 3 * 5 * 8  # three sums of five tracks in float64


def test_isolated_alleles_share_batches_too(transfers: Transfers) -> None:
    """Each has a window of its own: as many transfers for eight as for two, but for tiles, which it needs anew."""
    few, many = transfers[2, 700], transfers[8, 700]
    assert few[1] == many[1] == 1
    assert many[0] <= 1.5 * few[0]
