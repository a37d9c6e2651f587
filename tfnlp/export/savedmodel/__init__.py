"""SavedModels: versioned folders that TensorFlow Serving loads."""
