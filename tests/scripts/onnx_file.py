"""Small networks in ONNX for the tests, written byte by byte."""
import struct


# Protocol buffers, as far as ONNX needs them.
def varint(value):
    out = b""
    while True:
        out += bytes([value & 127 | (128 if value > 127 else 0)])
        value >>= 7
        if not value:
            return out


def number(field, value):
    return varint(field << 3) + varint(value)


def text(field, value):
    value = value if isinstance(value, bytes) else value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def onnx(in_shape, weight):
    """One 1x1 (1x1x1) convolution: weight[out][in]."""
    rank = len(in_shape) - 2
    shape = [len(weight), len(weight[0])] + [1] * rank
    tensor = b"".join(number(1, d) for d in shape) + number(2, 1) + text(8, "w") + text(9, struct.pack(f"<{shape[0] * shape[1]}f", *(v for row in weight for v in row)))
    kernel = text(1, "kernel_shape") + b"".join(number(8, 1) for _ in range(rank)) + number(20, 7)
    node = text(1, "x") + text(1, "w") + text(2, "y") + text(3, "mix") + text(4, "Conv") + text(5, kernel)

    def info(name, extents):
        dims = b"".join(text(1, number(1, d)) for d in extents)
        return text(1, name) + text(2, text(1, number(1, 1) + text(2, dims)))

    graph = text(1, node) + text(2, "g") + text(5, tensor) + text(11, info("x", in_shape)) + text(12, info("y", [1, len(weight)] + in_shape[2:]))
    return number(1, 7) + text(8, text(1, "") + number(2, 11)) + text(7, graph)
