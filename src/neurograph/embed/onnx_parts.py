"""The parts an encoder's ONNX graph is made of: constants, operators, and a linear layer in each precision.

1. Standard operators only (opset 20): any runtime reads the file. onnxruntime fuses them as it loads: as fast as its
   own `Attention` and `DynamicQuantizeMatMul` written out (0.61 s against 0.60 s for 512 glosses in int8, 1.40 s
   against 1.43 s in float32).
2. float16 is a way to store: weights are widened as the file is loaded. Processors have no float16 arithmetic that
   onnxruntime would use, and sums in float32 are closer.
3. int8 weights have a scale for each output and 7 bits: processors without VNNI add pairs of products in 16 bits,
   and 8-bit weights overflow there. Median cosine to float32 on 512 glosses: 0.9932 with 7 bits, 0.9939 with 8.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np

    Array = np.ndarray[Any, Any]

OPSET = 20
IR_VERSION = 10
MOST_OF_WEIGHT = 63  # 7 bits with a sign
MOST_OF_ROW = 127  # rows of the table of words are looked up, not multiplied: nothing overflows


class Parts:
    """What a graph has so far: its nodes and its constants."""

    def __init__(self, precision: str) -> None:
        from onnx import helper, numpy_helper

        self.precision = precision
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._helper = helper
        self._numpy = numpy_helper
        self._quantized: set[str] = set()

    def constant(self, name: str, array: Array) -> str:
        """Add a constant and return its name."""
        import numpy as np

        self.constants.append(self._numpy.from_array(np.ascontiguousarray(array), name))
        return name

    def apply(self, operator: str, inputs: Sequence[str], output: str | Sequence[str], **attributes: Any) -> str:
        """Add an operator and return the name of its (first) output."""
        outputs = [output] if isinstance(output, str) else list(output)
        self.nodes.append(self._helper.make_node(operator, list(inputs), outputs, outputs[0], **attributes))
        return outputs[0]

    def lookup(self, table: Array, ids: str, name: str) -> str:
        """Add rows of a table by id: (n, tokens) to (n, tokens, d)."""
        import numpy as np

        if self.precision == "float16":
            row = self.apply("Gather", [self.constant(f"{name}.table", table.astype(np.float16)), ids], f"{name}.half")
            return self.apply("Cast", [row], name, to=_FLOAT)
        if self.precision == "int8":
            scales, codes = _codes(table, MOST_OF_ROW, axis=1)
            row = self.apply("Gather", [self.constant(f"{name}.codes", codes), ids], f"{name}.row")
            scale = self.apply("Gather", [self.constant(f"{name}.scales", scales), ids], f"{name}.scale")
            return self.apply("Mul", [self.apply("Cast", [row], f"{name}.wide", to=_FLOAT), scale], name)
        return self.apply("Gather", [self.constant(f"{name}.table", table), ids], name)

    def linear(self, value: str, weight: Array, bias: Array, name: str, *, exact: bool = False) -> str:
        """Add ``value @ weight + bias``: weight (inputs, outputs); `exact` keeps it out of int8."""
        import numpy as np

        if self.precision == "int8" and not exact:
            product = self._integer_product(value, weight, name)
        elif self.precision == "float16":
            half = self.constant(f"{name}.half", weight.astype(np.float16))
            product = self.apply(
                "MatMul", [value, self.apply("Cast", [half], f"{name}.wide", to=_FLOAT)], f"{name}.product"
            )
        else:
            product = self.apply("MatMul", [value, self.constant(f"{name}.weight", weight)], f"{name}.product")
        return self.apply("Add", [product, self.constant(f"{name}.bias", bias)], name)

    def _integer_product(self, value: str, weight: Array, name: str) -> str:
        import numpy as np

        scales, codes = _codes(weight, MOST_OF_WEIGHT, axis=0)
        quantized = [f"{value}.codes", f"{value}.scale", f"{value}.zero"]
        if value not in self._quantized:
            self._quantized.add(value)
            self.apply("DynamicQuantizeLinear", [value], quantized)
        zeros = self.constant(f"{name}.zeros", np.zeros(weight.shape[1], np.int8))
        sums = [quantized[0], self.constant(f"{name}.codes", codes), quantized[2], zeros]
        product = self.apply("Cast", [self.apply("MatMulInteger", sums, f"{name}.sums")], f"{name}.wide", to=_FLOAT)
        scale = self.apply("Mul", [quantized[1], self.constant(f"{name}.scales", scales[0])], f"{name}.scale")
        return self.apply("Mul", [product, scale], f"{name}.product")

    def layer_norm(self, value: str, weight: Array, bias: Array, epsilon: float, name: str) -> str:
        """Add a layer normalisation over the last axis."""
        inputs = [value, self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]
        return self.apply("LayerNormalization", inputs, name, axis=-1, epsilon=epsilon)

    def model(self, inputs: Sequence[str], output: str, dimension: int) -> Any:
        """Return the whole: int64 inputs of (batch, sequence), and a vector a token."""
        values = [self._helper.make_tensor_value_info(name, _INT64, ["batch", "sequence"]) for name in inputs]
        result = self._helper.make_tensor_value_info(output, _FLOAT, ["batch", "sequence", dimension])
        graph = self._helper.make_graph(self.nodes, "encoder", values, [result], self.constants)
        model = self._helper.make_model(
            graph,
            producer_name="neurograph",
            opset_imports=[self._helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        self._helper.set_model_props(model, {"neurograph.precision": self.precision})
        return model


_FLOAT, _INT64 = 1, 7  # the format's numbers for its types


def _codes(weight: Array, most: int, axis: int) -> tuple[Array, Array]:
    """Return float32 scales, kept as an axis of 1, and int8 codes: weight = codes * scales within half a scale."""
    import numpy as np

    scales = np.abs(weight).max(axis=axis, keepdims=True) / np.float32(most)
    scales[scales == 0] = 1
    return scales.astype(np.float32), np.rint(weight / scales).astype(np.int8)
