"""A model as C: an array and what a program has to say to TensorFlow Lite Micro."""

import re
from collections.abc import Sequence
from typing import Final

_A_LINE: Final = 12
_SHOWN: Final = re.compile(r"0x([0-9a-f]{2})")
_CUSTOM: Final = {"TFLite_Detection_PostProcess": "DetectionPostprocess"}
NAME: Final = "smartcam_model"


def source(model: bytes) -> str:
    """The model as the source of an array, aligned as TensorFlow Lite Micro wants it."""
    lines = [
        "    " + ", ".join(f"0x{byte:02x}" for byte in model[start : start + _A_LINE])
        for start in range(0, len(model), _A_LINE)
    ]
    body = ",\n".join(lines)
    return (
        '#include "model.h"\n\n'
        f"alignas(16) const unsigned char {NAME}[] = {{\n{body}\n}};\n"
        f"const unsigned int {NAME}_size = sizeof({NAME});\n"
    )


def bytes_of(text: str) -> bytes:
    """The bytes of the array in such a source."""
    return bytes(int(each, 16) for each in _SHOWN.findall(text))


def header(arena: int, operators: Sequence[str]) -> str:
    """What belongs to the array: its name, the arena that it needs, and the operators that it uses."""
    calls = "".join(f"  if (resolver.Add{method(name)}() != kTfLiteOk) return kTfLiteError;\n" for name in operators)
    return (
        "// Made by `smartcam export --to tflm`.\n"
        "#ifndef SMARTCAM_MODEL_H_\n#define SMARTCAM_MODEL_H_\n\n#include <cstddef>\n\n"
        f"extern const unsigned char {NAME}[];\nextern const unsigned int {NAME}_size;\n\n"
        "// Bytes, measured with the interpreter on a 64-bit machine: with pointers of 32 bits it is a little less.\n"
        f"constexpr std::size_t {NAME}_arena = {arena};\n"
        f"constexpr unsigned int {NAME}_operators = {len(operators)};\n\n"
        "#ifdef SMARTCAM_WITH_TFLM  // set it where TensorFlow Lite Micro's headers were included before\n"
        "template <typename Resolver>\n"
        f"TfLiteStatus {NAME}_add_operators(Resolver& resolver) {{\n{calls}  return kTfLiteOk;\n}}\n"
        "#endif\n\n#endif  // SMARTCAM_MODEL_H_\n"
    )


def method(operator: str) -> str:
    """What MicroMutableOpResolver calls an operator, after its `Add`: CONV_2D is Conv2D."""
    if operator in _CUSTOM:
        return _CUSTOM[operator]
    return "".join(word if word[0].isdigit() else word.capitalize() for word in operator.split("_"))
