"""The verbs of ``tfnlp``: one file each, and the file name is the verb.

A verb is a function ``main(words) -> None``. Its docstring's first line is its
help; what it needs of TensorFlow is imported when it runs.
"""
