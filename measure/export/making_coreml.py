"""`python -m measure.export.making_coreml SOURCE ORDER.json INPUTS.npy OUT.mlpackage KNOWN.npz`: where coremltools is.

SOURCE is a network of Keras, where TensorFlow is, or a program of PyTorch, where that is. KNOWN.npz gets its answers
and its weights, normalisations multiplied in as converters do.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

Weights = dict[str, Any]
_NAME: Final = "picture"
_LABEL: Final = "label"


def main(arguments: Sequence[str]) -> int:
    """Writes the files and prints milliseconds of a run of the source, or ends with what the converter says."""
    source, asked, shown, package, known = arguments
    order = json.loads(Path(asked).read_text(encoding="utf-8"))
    of_keras = source.endswith(".keras")
    network, run, weights = _keras(source, order) if of_keras else _torch(source, order)
    inputs = np.load(shown)
    run(inputs[0])
    begun = time.process_time()
    answers = [run(each) for each in inputs]
    ms = (time.process_time() - begun) * 1000 / len(inputs)
    _convert(network, order, inputs.shape[1:], of_keras=of_keras).save(package)
    outputs = {f"answers{place}": np.stack(kept) for place, kept in enumerate(zip(*answers, strict=True))}
    np.savez(known, **outputs, **weights)
    print(json.dumps({"ms": ms}))
    return 0


def _convert(network: Any, order: Mapping[str, Any], shape: Sequence[int], *, of_keras: bool) -> Any:  # noqa: ANN401
    import coremltools as ct  # noqa: PLC0415 - only its environments have it

    layout = ct.colorlayout.RGB if order["colours"] == "rgb" else ct.colorlayout.BGR
    scale = order["scale"]
    if len(set(scale)) == 1:
        scale = scale[0]
    elif of_keras:
        raise SystemExit("has a deviation for each colour, which coremltools takes of a program of PyTorch alone")
    picture = ct.ImageType(name=_NAME, shape=tuple(shape), scale=scale, bias=order["bias"], color_layout=layout)
    classes = None
    if order["shares"] is not None:
        classes = ct.ClassifierConfig(order["labels"], predicted_feature_name=_LABEL)
    return ct.convert(
        network,
        source="tensorflow" if of_keras else "pytorch",
        convert_to="mlprogram",
        inputs=[picture],
        classifier_config=classes,
        compute_precision=ct.precision.FLOAT16,
        minimum_deployment_target=ct.target.iOS15,
        skip_model_load=True,
    )


def _keras(source: str, order: Mapping[str, Any]) -> tuple[Any, Callable[[Any], tuple[Any, ...]], Weights]:
    import keras  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    model = keras.saving.load_model(source, compile=False)
    picture = tf.TensorSpec(model.inputs[0].shape, tf.float32, name=_NAME)
    how: Mapping[str, Callable[[Any], Any]] = {"logits": tf.nn.softmax, "sigmoid": tf.sigmoid}

    def shares(picture: Any) -> Any:  # noqa: ANN401 - a tensor
        given = model(picture, training=False)
        if order["shares"] is None:
            return given
        given = how.get(order["shares"], tf.identity)(given)
        return tf.concat([1 - given, given], -1) if _is_one_of_two(given, order) else given

    def run(one: Any) -> tuple[Any, ...]:  # noqa: ANN401
        return tuple(np.asarray(each) for each in tf.nest.flatten(model(one, training=False)))

    return [tf.function(shares, input_signature=[picture]).get_concrete_function()], run, _folded(_layers(model))


def _torch(source: str, order: Mapping[str, Any]) -> tuple[Any, Callable[[Any], tuple[Any, ...]], Weights]:
    import torch  # noqa: PLC0415

    program = torch.export.load(source)
    model = program.module()
    how: Mapping[str, Callable[[Any], Any]] = {
        "logits": lambda given: torch.softmax(given, -1),
        "sigmoid": torch.sigmoid,
    }

    class Shares(torch.nn.Module):  # type: ignore[misc] # torch is not where types are checked
        """The program with a share for each label."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model  # its weights are known to the tracer as weights only here

        def forward(self, picture: Any) -> Any:  # noqa: ANN401
            given = self.model(picture)
            if order["shares"] is None:
                return given
            given = how.get(order["shares"], lambda same: same)(given)
            return torch.cat((1 - given, given), -1) if _is_one_of_two(given, order) else given

    def run(one: Any) -> tuple[Any, ...]:  # noqa: ANN401
        with torch.no_grad():
            given = model(torch.from_numpy(one))
        return tuple(each.numpy() for each in (given if isinstance(given, tuple | list) else (given,)))

    (example,), _ = program.example_inputs
    with torch.no_grad():
        return torch.jit.trace(Shares(), example), run, _of_program(program)


def _is_one_of_two(given: Any, order: Mapping[str, Any]) -> bool:  # noqa: ANN401
    return len(order["labels"]) == 2 and tuple(given.shape) == (1, 1)  # noqa: PLR2004


def _layers(model: Any) -> list[Any]:  # noqa: ANN401
    """A network's layers in their order, those of networks inside it among them."""
    return [one for layer in model.layers for one in (_layers(layer) if hasattr(layer, "layers") else [layer])]


def _folded(layers: Sequence[Any]) -> Weights:
    """The layers' weights; each normalisation is multiplied into the convolution before it."""
    kept: Weights = {}
    last = ""
    for place, layer in enumerate(layers):
        weights = [np.asarray(each, np.float64) for each in layer.get_weights()]
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = weights
            factor = gamma / np.sqrt(variance + layer.epsilon)
            kept[f"{last}.kernel"] = kept[f"{last}.kernel"] * factor
            kept[f"{last}.bias"] = beta + (kept.get(f"{last}.bias", 0.0) - mean) * factor
        elif weights:
            last = f"{place}.{layer.name}"
            kept |= {f"{last}.{name}": each for name, each in zip(("kernel", "bias"), weights, strict=False)}
    return kept


def _of_program(program: Any) -> Weights:  # noqa: ANN401
    """The same of a program of PyTorch, by its graph."""
    names = program.graph_signature.inputs_to_parameters | program.graph_signature.inputs_to_buffers
    values = {place: program.state_dict[name].detach().numpy().astype(np.float64) for place, name in names.items()}
    kept: Weights = {}
    for node in program.graph.nodes:
        operator = getattr(node.target, "__name__", "").split(".")[0]
        given = [values.get(getattr(each, "name", "")) for each in node.args]
        if operator == "batch_norm" and f"{node.args[0].name}.kernel" in kept:
            last, (gamma, beta, mean, variance), epsilon = node.args[0].name, given[1:5], node.args[7]
            factor = gamma / np.sqrt(variance + epsilon)
            kernel = kept[f"{last}.kernel"]
            kept[f"{last}.kernel"] = kernel * factor.reshape(-1, *[1] * (kernel.ndim - 1))
            kept[f"{last}.bias"] = beta + (kept.get(f"{last}.bias", 0.0) - mean) * factor
            continue
        weights = [each for each in given if each is not None]
        kept |= {f"{node.name}.{name}": each for name, each in zip(("kernel", "bias"), weights, strict=False)}
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
