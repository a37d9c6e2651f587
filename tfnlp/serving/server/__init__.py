"""The model server: REST, gRPC, dynamic batching, versions and labels."""
