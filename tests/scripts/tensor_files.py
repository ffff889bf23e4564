"""safetensors files with the standard library alone: what the scripts share that look into models or make weights. Not a test itself: it has no label."""
import json
import struct
from typing import NamedTuple


class Tensor(NamedTuple):
    dtype: str
    shape: list
    data: bytes


def read(path):
    """Metadata, and name -> Tensor."""
    with open(path, "rb") as file:
        whole = file.read()
    begin = 8 + struct.unpack("<Q", whole[:8])[0]
    header = json.loads(whole[8:begin])
    metadata = header.pop("__metadata__", {})
    return metadata, {name: Tensor(entry["dtype"], entry["shape"], whole[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]]) for name, entry in header.items()}


def read_bytes(path):
    """Name -> bytes."""
    return {name: tensor.data for name, tensor in read(path)[1].items()}


def write(path, tensors, metadata=None):
    """tensors: name -> Tensor; metadata: name -> text."""
    header, body = {"__metadata__": metadata} if metadata else {}, b""
    for name, tensor in tensors.items():
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [len(body), len(body) + len(tensor.data)]}
        body += tensor.data
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)
