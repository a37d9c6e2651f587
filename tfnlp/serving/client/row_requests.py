"""Builds requests from rows, and rows from answers, for every transport.

Knows the fields, defaults and outputs of each endpoint, and nothing of the transport.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2

from tfnlp.errors import RequestError, UsageError, nearest
from tfnlp.serving.client import answers as plain_rows
from tfnlp.serving.client.requests import Fields, holds_lists, shape_of, short, tensor
from tfnlp.serving.protocol.signatures import DEFAULT, specs
from tfnlp.task import Arrays

Row = Mapping[str, Any]


class RequestBuilder:
    """Builds requests to the signatures of an artefact and reads their answers.

    Args:
        definitions: endpoint → SignatureDef of saved_model.pb.
        place: path or address of the artefact, for messages.
    """

    def __init__(
        self, definitions: Mapping[str, meta_graph_pb2.SignatureDef], place: str
    ):
        names = sorted(definitions, key=lambda name: (name != DEFAULT, name))
        self.endpoints: dict[str, Fields] = {
            name: specs(definitions[name].inputs) for name in names
        }
        self.defaults: dict[str, dict[str, Any]] = {
            name: {
                field: tf.make_ndarray(number).item()
                for field, number in definitions[name].defaults.items()
            }
            for name in names
        }
        self._outputs = {name: specs(definitions[name].outputs) for name in names}
        self._place = place

    def forms(self, names: Collection[str] = ()) -> dict[str, Fields]:
        """Fields of a request per endpoint: the required ones, and those in `names`."""
        return {
            endpoint: {
                name: spec
                for name, spec in fields.items()
                if name in names or name in self._needed(endpoint)
            }
            for endpoint, fields in self.endpoints.items()
        }

    def requests(
        self, rows: Iterable[str | Row], *, batch_size: int, endpoint: str | None
    ) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
        """Batches rows into requests, in order: endpoint and input tensors.

        Raises:
            RequestError: a row fits no endpoint, or a value has the wrong type.
            UsageError: the batch size is below 1, or there is no such endpoint.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size must be 1 or more. Received: {batch_size}.")
        if isinstance(rows, str | bytes | Mapping):
            raise RequestError(
                "Rows come in a list, even a single one. "
                f"Received: {short(rows)} alone. Put it in brackets."
            )
        if endpoint is not None and endpoint not in self.endpoints:
            raise UsageError(
                f"{self._place} answers at {', '.join(self.endpoints)}. "
                f"Received: {endpoint!r}.{nearest(endpoint, list(self.endpoints))}"
            )
        chosen = self.endpoints if endpoint is None else (endpoint,)
        return self._requests(rows, batch_size, chosen)

    def request(self, columns: Mapping[str, Any]) -> tuple[str, dict[str, tf.Tensor]]:
        """Builds a request to the first endpoint whose required fields are all present.

        Raises:
            RequestError: a field is missing, or a value has the wrong type.
        """
        for endpoint, fields in self.endpoints.items():
            if self._needed(endpoint) <= columns.keys():
                given = [len(columns[name]) for name in fields if name in columns]
                count = max(given, default=0)
                optional = self.defaults[endpoint].items()
                whole = {name: [value] * count for name, value in optional}
                return endpoint, self._tensors(endpoint, {**whole, **columns})
        raise self._wrong_fields(columns)

    def ordered(self, endpoint: str, answers: Arrays) -> Arrays:
        """Sorts answers: by name, those with one value per row first."""
        outputs = self._outputs[endpoint]
        names = sorted(answers, key=lambda name: (outputs[name].shape.rank or 0, name))
        return {name: answers[name] for name in names}

    def rows(self, endpoint: str, answers: Arrays) -> Iterator[dict[str, Any]]:
        """Converts answers to plain rows; see `tfnlp.serving.client.answers`."""
        lists = [
            name
            for name, spec in self._outputs[endpoint].items()
            if (spec.shape.rank or 0) > 1 and spec.shape[1] is None
        ]
        return plain_rows.rows(self.ordered(endpoint, answers), lists)

    def _requests(
        self, rows: Iterable[str | Row], batch_size: int, chosen: Collection[str]
    ) -> Iterator[tuple[str, dict[str, tf.Tensor]]]:
        for batch in _batches(rows, batch_size):
            match_endpoints = [self._match_endpoint(row, chosen) for row in batch]
            for (endpoint, _), group in groupby(match_endpoints, key=self._group_key):
                those = [row for _, row in group]
                fields = self.endpoints[endpoint]
                columns = {name: [row[name] for row in those] for name in fields}
                yield endpoint, self._tensors(endpoint, columns)

    def _group_key(self, matched: tuple[str, Row]) -> tuple[str, list[tuple[int, ...]]]:
        """What the rows of one request share: the endpoint, and the shapes of lists."""
        endpoint, row = matched
        fields = self.endpoints[endpoint].items()
        return endpoint, [shape_of(row[n]) for n, spec in fields if holds_lists(spec)]

    def _tensors(
        self, endpoint: str, columns: Mapping[str, Sequence[Any]]
    ) -> dict[str, tf.Tensor]:
        fields = self.endpoints[endpoint]
        return {name: tensor(name, columns[name], s) for name, s in fields.items()}

    def _match_endpoint(self, row: str | Row, chosen: Iterable[str]) -> tuple[str, Row]:
        """The first of the chosen endpoints that accepts a row, and its fields."""
        if not isinstance(row, Mapping):
            endpoint = next(iter(chosen))
            needed = self._needed(endpoint)
            if len(needed) != 1:
                raise self._wrong_fields(row)
            return endpoint, {**self.defaults[endpoint], next(iter(needed)): row}
        for endpoint in chosen:
            fields = self.endpoints[endpoint].keys()
            if self._needed(endpoint) <= row.keys() <= fields:
                return endpoint, {**self.defaults[endpoint], **row}
        raise self._wrong_fields(row)

    def _needed(self, endpoint: str) -> set[str]:
        return self.endpoints[endpoint].keys() - self.defaults[endpoint].keys()

    def _wrong_fields(self, row: Any) -> RequestError:
        known = {name for fields in self.endpoints.values() for name in fields}
        names = [str(name) for name in row] if isinstance(row, Mapping) else []
        odd = next((name for name in names if name not in known), "")
        forms = "; or ".join(map(self._form, self.endpoints))
        return RequestError(
            f"A row must have exactly the fields {forms}. "
            f"Received: {', '.join(names) or short(row)}.{nearest(odd, known)}"
        )

    def _form(self, endpoint: str) -> str:
        """Required and optional fields of an endpoint, for messages."""
        optional = ", ".join(self.defaults[endpoint])
        needed = [n for n in self.endpoints[endpoint] if n in self._needed(endpoint)]
        return ", ".join(needed) + (
            f" (and, if wanted, {optional})" if optional else ""
        )


def _batches(rows: Iterable, size: int) -> Iterator[list]:
    batch: list = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
