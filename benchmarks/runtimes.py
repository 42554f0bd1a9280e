"""Words a second of the shipped words network: ONNX Runtime beside LiteRT (dynamic int8).

    KERAS_BACKEND=tensorflow python benchmarks/runtimes.py

One thread, batches of 32 crops of 32 x 160 px, five rounds in turn; both run the same weights.
Needs the extra `train` and `ai-edge-litert`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from hwdigitize.recognition.runtime import load_network, models_folder

BATCH = (32, 32, 160, 1)


def litert(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    function = tf.function(lambda image: model(image, training=False))
    concrete = function.get_concrete_function(tf.TensorSpec(BATCH, tf.float32))
    frozen = convert_variables_to_constants_v2(concrete)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    data = converter.convert()
    print(f"LiteRT int8 file: {len(data) / 1e6:.1f} MB")
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(batch: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source["index"], batch)
        interpreter.invoke()
        return interpreter.get_tensor(target["index"])

    return run


def main() -> None:
    trained = keras.models.load_model(models_folder() / "words.keras", compile=False)
    model = keras.Model(trained.inputs, trained.outputs[0])
    network = load_network("words")
    runtimes = {"ONNX Runtime": lambda batch: network.run(batch)[0], "LiteRT": litert(model)}
    batch = np.random.default_rng(0).random(BATCH, dtype=np.float32)
    exact = model.predict_on_batch(batch)
    seconds: dict[str, list[float]] = {name: [] for name in runtimes}
    for _ in range(5):
        for name, run in runtimes.items():
            began = time.perf_counter()
            for _ in range(4):
                out = run(batch)
            seconds[name].append((time.perf_counter() - began) / 4)
            if len(seconds[name]) == 1:
                print(f"{name}: largest difference from Keras {np.abs(out - exact).max():.3f}")
    for name, times in seconds.items():
        print(f"{name}: {BATCH[0] / statistics.median(times):.0f} words/s")


if __name__ == "__main__":
    main()
