"""`python -m measure.export.making_executorch SOURCE.pt2 OUT.pte INPUTS.npy ANSWERS.npz`: run where ExecuTorch is.

The file that was written is what its runtime opens and runs; the version and milliseconds of a run are printed as JSON.
"""

import json
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np


def main(arguments: Sequence[str]) -> int:
    """Writes the files, or ends with what ExecuTorch says on standard error."""
    import torch  # noqa: PLC0415 - only its environment has these
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner  # noqa: PLC0415
    from executorch.exir import to_edge_transform_and_lower  # noqa: PLC0415
    from executorch.runtime import Runtime  # noqa: PLC0415

    source, made, shown, answered = arguments
    program = torch.export.load(source)
    lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    Path(made).write_bytes(lowered.to_executorch().buffer)
    inputs = torch.from_numpy(np.load(shown))
    method = Runtime.get().load_program(made).load_method("forward")
    method.execute([inputs[0]])
    begun = time.process_time()
    answers = [[np.array(output) for output in method.execute([each])] for each in inputs]
    ms = (time.process_time() - begun) * 1000 / len(inputs)
    np.savez(answered, *[np.stack(kept) for kept in zip(*answers, strict=True)])
    print(json.dumps({"version": version("executorch"), "ms": ms}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
