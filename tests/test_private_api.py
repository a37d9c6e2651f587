"""Private names of other packages that tfnlp uses, and what breaks without each.

An upgrade of one of them that takes a name away fails here, with the reason, before it
fails anywhere else.
"""

import importlib

import keras
import keras_tuner
import pytest

PRIVATE = {
    "keras.src.backend.tensorflow.trainer:reduce_per_replica": (
        "training: logs of a step on several devices"
    ),
    "keras.src.export.tf2onnx_lib:patch_tf2onnx": "ONNX export with NumPy 2",
    "keras:Model._flatten_layers": "export: nested layers, for cuDNN and float32",
    "keras:Optimizer._get_variable_index": "training: a multiplier for each weight",
    "keras:Optimizer._all_reduce_sum_gradients": (
        "training: gradients are summed once, before clipping"
    ),
    "tensorflow.python.framework.convert_to_constants:"
    "convert_variables_to_constants_v2_as_graph": "LiteRT: a graph without variables",
    "tensorflow.lite.python.convert:ConverterError": "LiteRT: why a conversion failed",
    "tensorflow.lite.python.schema_py_generated:Model": "LiteRT: what a file holds",
    "tensorflow:Module._TF_MODULE_IGNORED_PROPERTIES": (
        "vocabularies: tokens that tf.Module need not track"
    ),
    "tf2onnx.onnx_opset.tensor:RaggedRange": "ONNX: ragged rows",
    "tf2onnx.onnx_opset.tensor:RaggedTensorToSparse": "ONNX: ragged rows",
    "tf2onnx.onnx_opset.tensor:RaggedTensorToTensor": "ONNX: ragged rows",
    "sacrebleu.metrics:BLEU._extract_corpus_statistics": "scores by sums over rows",
    "sacrebleu.metrics:CHRF._compute_score_from_stats": "scores by sums over rows",
    "sacrebleu.metrics:TER._compute_score_from_stats": "scores by sums over rows",
}
"""``module:name`` → what needs it."""


@pytest.mark.parametrize("place", sorted(PRIVATE))
def test_a_private_name_is_there(place):
    module, _, path = place.partition(":")
    found = importlib.import_module(module)
    first, *rest = path.split(".")
    found = getattr(found, first, None) or getattr(found.optimizers, first)
    for name in rest:
        found = getattr(found, name, None)
    assert found is not None, f"{place} is gone. It served: {PRIVATE[place]}."


@pytest.mark.parametrize(
    ("optimizer", "names"),
    [
        (keras.optimizers.Adam, ("_momentums", "_velocities", "_trainable_variables")),
        (keras.optimizers.Adagrad, ("_accumulators",)),
    ],
)
def test_an_optimizer_keeps_its_state_under_private_names(optimizer, names):
    """The updates of sparse gradients (`LazyAdam`, `LazyAdagrad`) read and write it."""
    built = optimizer()
    built.build([keras.Variable([1.0, 2.0])])
    assert [name for name in names if not hasattr(built, name)] == []


def test_a_grid_search_keeps_the_order_of_its_trials():
    """A resumed grid search finds its place by it."""
    oracle = keras_tuner.oracles.GridSearchOracle(objective="val_loss")
    assert hasattr(oracle, "_ordered_ids")
