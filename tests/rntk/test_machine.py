"""What a process is told of its own memory."""

import subprocess
import sys

import numpy as np

from rntk.machine import peak_memory

SAY = "import numpy as np; x = np.ones({n}); del x; from rntk.machine import peak_memory; print(peak_memory())"


def test_the_memory_of_a_process_is_its_own():
    """Neither what its parent has, nor only what is left: the array is gone when it is asked."""
    mine = np.ones(50_000_000)  # 400 MB
    few, many = (
        int(subprocess.check_output([sys.executable, "-c", SAY.format(n=n)], text=True)) for n in (1, 25_000_000)
    )
    assert peak_memory() > mine.nbytes
    assert few < 150e6 < 200e6 < many < 400e6
