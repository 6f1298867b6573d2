"""Signatures as JSON: nothing that runs."""

from __future__ import annotations

from typing import Any

from paralab.core import Meaning, Signature
from paralab.spaces import decode_space, encode_space


def encode(signature: Signature) -> dict[str, Any]:
    outputs = {meaning.value: encode_space(space) for meaning, space in signature.outputs.items()}
    return {"inputs": encode_space(signature.inputs), "outputs": outputs}


def decode(data: dict[str, Any]) -> Signature:
    outputs = {Meaning(meaning): decode_space(space) for meaning, space in data["outputs"].items()}
    return Signature(decode_space(data["inputs"]), outputs)
