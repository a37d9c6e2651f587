"""ONNX: an artefact for runtimes without TensorFlow, with strings in where it can."""
