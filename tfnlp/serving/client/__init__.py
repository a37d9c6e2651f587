"""Clients of artefacts: in process, by REST, by gRPC and with ONNX Runtime."""
