"""Models in the format of ONNX, run by ONNX Runtime on the processor."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.runtimes.onnx_file import check_onnx_file
from smartcam.model.runtimes.open_shapes import brought_to, settled_shapes, trial_tensors
from smartcam.model.runtimes.port import Tensor, TensorSpec, check_count, check_numbers, first_line, single, single_type

try:
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state
except ImportError as error:
    raise ModelIntegrityError(
        "is an .onnx model, but ONNX Runtime is not installed: pip install 'smartcam[onnx]'; "
        "for devices, build the release with this bundle, then it carries ONNX Runtime"
    ) from error

_FATAL: Final = 4
onnxruntime.set_default_logger_severity(_FATAL)  # it writes what we raise to standard error as well

_FAULTS: Final[tuple[type[Exception], ...]] = (
    *(kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    ValueError,
    RuntimeError,
    TypeError,
    MemoryError,
    OverflowError,
)
"""Its own faults have no common ancestor; the others are those of its binding."""
_TYPES: Final[Mapping[str, Any]] = {
    f"tensor({name})": kind
    for name, kind in {
        "float": np.float32,
        "float16": np.float16,
        "double": np.float64,
        "uint8": np.uint8,
        "int8": np.int8,
        "uint16": np.uint16,
        "int16": np.int16,
        "int32": np.int32,
        "int64": np.int64,
        "bool": np.bool_,
    }.items()
}
_COLOURS: Final = 3
_SIDES_OF_PICTURES: Final = 4


class OnnxInterpreter:
    """An `Interpreter` for an .onnx model. Reals of 16 and 64 bits appear as float32."""

    def __init__(self, model: bytes, threads: int = 1, size: tuple[int, int] | None = None) -> None:
        """Loads a model from bytes; see `open_interpreter`.

        Raises:
            ModelIntegrityError: if it is not one that the runtime can run, keeps numbers in other files, or takes
                pictures of any size and no `size` (width, height) is given.
        """
        check_onnx_file(model)
        self._session = _session(model, threads, {})
        inputs = self._session.get_inputs()
        check_count(len(inputs), len(self._session.get_outputs()))
        self._name: str = inputs[0].name
        self._given = _dtype(inputs[0])
        shape = _fixed_shape(inputs[0].shape, size)
        open_sides = {side: shape[place] for place, side in enumerate(inputs[0].shape) if isinstance(side, str)}
        if open_sides:  # once more with the sides known: it plans its memory and shortens its graph by them
            self._session = _session(model, threads, open_sides)
        self.input = TensorSpec(shape, single_type(self._given), 0.0, 0, self._name)
        self._is_open = False
        check_numbers((self.input,))
        self.outputs = self._output_specs()
        check_numbers((self.input, *self.outputs))

    def _output_specs(self) -> tuple[TensorSpec, ...]:
        """As the file states them; what it leaves open is as in the answers to a few pictures."""
        stated = self._session.get_outputs()
        kinds = [single_type(_dtype(each)) for each in stated]
        shapes = [tuple(each.shape) for each in stated]
        if not all(shape and all(isinstance(side, int) for side in shape) for shape in shapes):
            shapes = [*settled_shapes([self.invoke(tensor) for tensor in trial_tensors(self.input)])]
            self._is_open = True
        return tuple(
            TensorSpec(shape, kind, 0.0, 0, each.name) for each, kind, shape in zip(stated, kinds, shapes, strict=True)
        )

    def invoke(self, tensor: Tensor) -> tuple[Tensor, ...]:
        """See `Interpreter.invoke`."""
        if tensor.shape != self.input.shape or tensor.dtype != self.input.dtype:
            wanted = f"{self.input.dtype} {self.input.shape}"
            raise ModelIntegrityError(f"could not be run: takes {wanted}, not {tensor.dtype} {tensor.shape}")
        try:
            answers = self._session.run(None, {self._name: tensor.astype(self._given, copy=False)})
        except _FAULTS as error:
            raise ModelIntegrityError(f"could not be run: {first_line(error)}") from error
        given = tuple(single(answer) for answer in answers)
        if self._is_open:
            return tuple(brought_to(answer, spec.shape) for answer, spec in zip(given, self.outputs, strict=True))
        return given


def _session(model: bytes, threads: int, open_sides: Mapping[str, int]) -> Any:  # noqa: ANN401  it publishes no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _FATAL
    # Threads that wait must not burn what the cameras need; and never its other, unchecked format.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    for name, side in open_sides.items():
        options.add_free_dimension_override_by_name(name, side)
    try:
        # Without its second try, of which it tells people on standard output.
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except _FAULTS as error:
        raise ModelIntegrityError(f"cannot be run as an .onnx model: {first_line(error)}") from error


def _fixed_shape(stated: Sequence[object], size: tuple[int, int] | None) -> tuple[int, ...]:
    """The input's shape with one picture at a time, of `size` where the model leaves it open."""
    sides = [side if isinstance(side, int) and side > 0 else None for side in stated]
    if sides and sides[0] is None:
        sides[0] = 1
    if size is not None:
        sides = _with_size(sides, size)
    shape = tuple(side for side in sides if side is not None)
    if len(shape) != len(sides):
        said = ", ".join(str(side or "any") for side in stated)
        raise ModelIntegrityError(
            f"takes pictures of any size ({said}): export it with a fixed one, or give --size WxH"
        )
    return shape


def _with_size(sides: Sequence[int | None], size: tuple[int, int]) -> list[int | None]:
    """The sides of pictures with those that are open set to `size`, width and height."""
    if len(sides) != _SIDES_OF_PICTURES or _COLOURS not in (sides[1], sides[3]):
        return list(sides)
    first, second, third, fourth = sides
    width, height = size
    if second == _COLOURS:
        return [first, second, third or height, fourth or width]
    return [first, second or height, third or width, fourth]


def _dtype(stated: Any) -> np.dtype[Any]:  # noqa: ANN401  it publishes no types
    if stated.type not in _TYPES:
        raise ModelIntegrityError(f"has {stated.name} of type {stated.type}; numbers are needed")
    return np.dtype(_TYPES[stated.type])
