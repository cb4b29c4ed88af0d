"""`python -m measure.export.reading_coreml MODEL.mlpackage READ.npz`: run where coremltools is.

READ.npz gets the constants of real numbers in the package; what it says of itself is printed as JSON.
"""

import json
import sys
from collections.abc import Sequence

import numpy as np


def main(arguments: Sequence[str]) -> int:
    """Reads the package from the disk."""
    import coremltools as ct  # noqa: PLC0415 - only its environments have it
    from coremltools.converters.mil.frontend.milproto.load import load  # noqa: PLC0415

    package, read = arguments
    model = ct.models.MLModel(package, skip_model_load=True)
    spec = model.get_spec()
    program = load(spec, spec.specificationVersion, file_weights_dir=model.weights_dir)
    arrays, classes = [], []
    for operation in program.functions["main"].operations:
        value = operation.val.val if operation.op_type == "const" else None
        if operation.op_type == "classify":
            classes = [str(each) for each in np.asarray(operation.inputs["classes"].val).reshape(-1)]
        elif value is not None and np.asarray(value).dtype.kind == "f":
            arrays.append(np.asarray(value))
    np.savez(read, **{str(place): each for place, each in enumerate(arrays)})
    (taken,) = spec.description.input
    image = taken.type.imageType
    colour = type(image).ColorSpace.Name(image.colorSpace)
    said = {
        "width": image.width,
        "height": image.height,
        "colours": colour,
        "labels": classes,
        "predicted": spec.description.predictedFeatureName,
        "outputs": [each.name for each in spec.description.output],
    }
    print(json.dumps(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
