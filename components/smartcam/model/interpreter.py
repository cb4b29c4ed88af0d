"""Opens a model with the runtime that its format needs: the one door to LiteRT, tflite-runtime and ONNX Runtime."""

from typing import Final

from smartcam.contract.errors import ModelIntegrityError
from smartcam.model.manifest import ONNX_FILE
from smartcam.model.runtimes import tflite
from smartcam.model.runtimes.onnx_file import is_onnx
from smartcam.model.runtimes.port import Interpreter, Tensor, TensorSpec

__all__ = ["ONNX_RUNTIME", "RUNTIME", "Interpreter", "Tensor", "TensorSpec", "open_interpreter", "runtime_of"]

RUNTIME: Final = tflite.NAME
"""Which of LiteRT and tflite-runtime runs .tflite models here."""
ONNX_RUNTIME: Final = "ONNX Runtime"


def open_interpreter(model: bytes, threads: int = 1, size: tuple[int, int] | None = None) -> Interpreter:
    """Opens a model whose hash has been checked, or whose maker is trusted; its bytes tell its format.

    `size`, width and height, is for an ONNX model that leaves them open; another one takes what it takes.

    Raises:
        ModelIntegrityError: if it is neither a .tflite nor an .onnx model, or not one that can be run here.
    """
    if tflite.is_tflite(model):
        return tflite.TfliteInterpreter(model, threads)
    if not is_onnx(model):
        raise ModelIntegrityError(
            "is not a .tflite model: the identifier TFL3 is missing; nor an .onnx model: it has no graph"
        )
    # Here, because it takes 15 MB and 50 ms that only devices with such a model shall spend.
    from smartcam.model.runtimes.onnx import OnnxInterpreter  # noqa: PLC0415

    return OnnxInterpreter(model, threads, size)


def runtime_of(model_file: str) -> str:
    """The name of the runtime that runs a bundle's model, by the name of its file."""
    return ONNX_RUNTIME if model_file == ONNX_FILE else RUNTIME
