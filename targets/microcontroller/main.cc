// A bundle's classifier on a microcontroller: one picture in, one byte for each output out.
//
// Without any board's own code: `TakePicture` and `Report` are yours. Smartcam's own tests compile it against declarations
// of theirs, not against TensorFlow Lite Micro (see CMakeLists.txt), and run the very array in model.cc in its interpreter.

#include <cstdint>
#include <cstdio>

#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#define SMARTCAM_WITH_TFLM
#include "model.h"

namespace {

// A little room beside what was measured: other kernels than the reference ones may want some of their own.
constexpr std::size_t kArena = smartcam_model_arena + 2048;
alignas(16) std::uint8_t arena[kArena];

// Fills `rgb` with height * width * 3 samples, row by row; false where there is no picture. Yours to write.
bool TakePicture(std::uint8_t* rgb, int width, int height) {
  for (int place = 0; place < width * height * 3; ++place) rgb[place] = 0;
  return true;
}

// `shares`: 0 to 255 for each output; how they are read stands in the bundle's manifest.json. Yours to write.
void Report(const std::uint8_t* shares, std::size_t count) {
  for (std::size_t place = 0; place < count; ++place) std::printf("%u ", static_cast<unsigned>(shares[place]));
  std::printf("\n");
}

}  // namespace

int main() {
  const tflite::Model* model = tflite::GetModel(smartcam_model);
  if (model->version() != TFLITE_SCHEMA_VERSION) return 1;
  tflite::MicroMutableOpResolver<smartcam_model_operators> resolver;
  if (smartcam_model_add_operators(resolver) != kTfLiteOk) return 2;
  tflite::MicroInterpreter interpreter(model, resolver, arena, kArena);
  if (interpreter.AllocateTensors() != kTfLiteOk) return 3;
  TfLiteTensor* input = interpreter.input(0);
  const TfLiteTensor* output = interpreter.output(0);
  if (input->type != kTfLiteUInt8 || output->type != kTfLiteUInt8 || input->dims->size != 4) return 4;
  const int height = input->dims->data[1], width = input->dims->data[2];
  while (TakePicture(input->data.uint8, width, height)) {
    if (interpreter.Invoke() != kTfLiteOk) return 5;
    Report(output->data.uint8, output->bytes);
  }
  return 0;
}
