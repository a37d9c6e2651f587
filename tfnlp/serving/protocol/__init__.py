"""TensorFlow Serving's protocol: JSON, protocol buffers and status codes."""
