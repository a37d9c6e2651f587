"""FastAPI and `model.predict`: the usual way to serve a Keras model.

    ARTEFACT=saved_models/demo uvicorn benchmarks.peers.fastapi_app:app --port 9000

Network and preprocessing are those of the artefact, so that only serving differs. The
model takes strings, as with a TextVectorization layer in front.
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
