// See micro_interpreter.h.
#pragma once

#include <cstdint>

namespace tflite {

struct Model {
  std::uint32_t version() const;
};
const Model* GetModel(const void* buffer);

}  // namespace tflite
