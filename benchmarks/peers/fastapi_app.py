"""What people write around a Keras model: FastAPI and `model.predict`.

    ARTEFACT=saved_models/demo uvicorn benchmarks.peers.fastapi_app:app --port 9000

The network and the text are those of the artefact, so that only serving differs; as
with a TextVectorization layer in front, the model that is asked takes strings.
"""

import os
from pathlib import Path

import keras
import tensorflow as tf
from fastapi import FastAPI
from pydantic import BaseModel

import tfnlp

predictor = tfnlp.load(Path(os.environ["ARTEFACT"]))
task, network = predictor.task, predictor.network
app = FastAPI()


class Whole(keras.Model):
    """From strings to labels."""

    def call(self, text):
        """Answers texts [B]."""
        return task.answer(network, {"text": text})


class Request(BaseModel):
    """One text."""

    text: str


model = Whole()


@app.post("/predict")
async def predict(request: Request) -> dict:
    """Its label, and how likely that is."""
    answer = model.predict(tf.constant([request.text]), verbose=0)
    return {
        "label": answer["label"][0].decode(),
        "score": float(answer["score"][0]),
    }
