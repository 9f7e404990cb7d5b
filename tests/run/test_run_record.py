import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from enformer_vep.run import run_record
from enformer_vep.run.run_record import file_identity, peak_memory_bytes


def test_a_file_is_known_by_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"ACGT")
    assert file_identity(path) == {"bytes": 4, "sha256": hashlib.sha256(b"ACGT").hexdigest()}


def test_a_large_file_is_known_by_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_record, "WHOLE_FILE_BYTES", 1000)
    monkeypatch.setattr(run_record, "SAMPLE_BYTES", 16)
    path = tmp_path / "a"
    content = bytes(i * 37 % 251 for i in range(1 + 63 * 40))
    path.write_bytes(content)
    samples = b"".join(content[at : at + 16] for at in ((len(content) - 16) * i // 63 for i in range(64)))
    expected = hashlib.sha256(str(len(content)).encode() + samples).hexdigest()
    identity = file_identity(path)
    assert identity["sampled_sha256"] == expected
    assert "sha256" not in identity
    assert samples.startswith(content[:16])
    assert samples.endswith(content[-16:])
    path.write_bytes(content[:-1] + b"\xff")
    assert file_identity(path)["sampled_sha256"] != expected


def test_peak_memory_is_that_of_this_process_alone() -> None:
    held = np.ones(40_000_000)  # 320 MB, which a process that is started from here does not hold
    command = "from enformer_vep.run.run_record import peak_memory_bytes; print(peak_memory_bytes())"
    found = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 150e6 < held.nbytes <= peak_memory_bytes()
