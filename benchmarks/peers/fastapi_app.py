"""What people write around a Keras model: FastAPI and `model.predict`.

    ARTEFACT=saved_models/demo uvicorn benchmarks.peers.fastapi_app:app --port 9000

The network and the text are those of the artefact, so that only serving differs.
"""

import os
from pathlib import Path

from fastapi import FastAPI
from pydantic import BaseModel

import tfnlp

predictor = tfnlp.load(Path(os.environ["ARTEFACT"]))
task, network = predictor.task, predictor.network
app = FastAPI()


class Request(BaseModel):
    """One text."""

    text: str


@app.post("/predict")
async def predict(request: Request) -> dict:
    """Its label, and how likely that is."""
    features = task.encode({"text": [request.text]})
    logits = network.predict(features, verbose=0)
    answer = task.decode(logits, {"text": [request.text]})
    return {
        "label": answer["label"].numpy()[0].decode(),
        "score": float(answer["score"].numpy()[0]),
    }
