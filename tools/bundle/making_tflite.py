"""`python -m tools.bundle.making_tflite MODEL.pt2 OUT.tflite`: run where PyTorch and litert-torch are."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Writes the file, or ends with what the converter says on standard error."""
    import litert_torch  # noqa: PLC0415 - only its environment has these
    import torch  # noqa: PLC0415

    source, out = arguments
    program = torch.export.load(source)
    places, named = program.example_inputs
    if len(places) != 1 or named:
        sys.stderr.write(f"takes {len(places) + len(named)} inputs, and a bundle's model takes one picture\n")
        return 1
    litert_torch.convert(program.module(), places).export(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
