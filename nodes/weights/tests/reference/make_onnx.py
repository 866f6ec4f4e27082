"""Makes the small ONNX files the tests read, and `onnx/values.json` with what the package onnx says is in them.

Needs onnx and numpy (made with onnx 1.23 and numpy 2). Run it in this folder:

    python make_onnx.py
"""
import json
import os

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

KINDS = {"F64": T.DOUBLE, "F32": T.FLOAT, "F16": T.FLOAT16, "BF16": T.BFLOAT16, "F8_E4M3": T.FLOAT8E4M3FN, "F8_E5M2": T.FLOAT8E5M2,
         "I64": T.INT64, "I32": T.INT32, "I16": T.INT16, "I8": T.INT8, "U8": T.UINT8, "BOOL": T.BOOL}
SOME = [0, 1, -2.5, 3.25, -100, 64]


def some(name):
    if name == "BOOL":
        return [0, 1, 1, 0, 0, 1]
    if name[0] in "IU":
        return [0, 1, 7 if name == "U8" else -2, 3, 100, 64]
    return SOME


def shown(tensor):
    return [float(v) for v in nh.to_array(tensor).astype(np.float64).ravel()]


def main():
    tensors = []
    for name, kind in KINDS.items():
        typed = h.make_tensor(f"typed.{name}", kind, [2, 3], some(name))
        raw = nh.from_array(nh.to_array(typed), f"raw.{name}")
        raw.data_type = kind
        tensors += [typed, raw]
    tensors += [h.make_tensor("one", T.FLOAT, [], [5.0]), h.make_tensor("none", T.FLOAT, [0, 4], []),
                h.make_tensor("text", T.STRING, [1], [b"x"]), h.make_tensor("wide", T.UINT64, [1], [9])]
    weight = nh.from_array(np.arange(18, dtype=np.float32).reshape(1, 2, 3, 3), "w")
    nodes = [
        h.make_node("Identity", ["w"], ["same"]),
        h.make_node("Cast", ["same"], ["half"], to=T.FLOAT16),
        h.make_node("Constant", [], ["bias"], value=nh.from_array(np.array([2.5], np.float32))),
        h.make_node("Conv", ["x", "half", "bias"], ["y"], name="conv", dilations=[2, 3], pads=[1, 1, 1, 1], group=1),
        h.make_node("LeakyRelu", ["y"], ["z"], alpha=0.25),
        h.make_node("Resize", ["z", "", "one"], ["out"], mode="linear"),
    ]
    io = [h.make_tensor_value_info("x", T.FLOAT, [1, 2, None, None])], [h.make_tensor_value_info("out", T.FLOAT, None)]
    graph = h.make_graph(nodes, "small", *io, initializer=tensors + [weight])
    model = h.make_model(graph, producer_name="make_onnx.py", opset_imports=[h.make_opsetid("", 17)])
    h.set_model_props(model, {"made": "here"})
    onnx.save(model, "onnx/every.onnx")
    values = {t.name: {"dtype": next(n for n, k in KINDS.items() if k == t.data_type), "shape": list(t.dims), "values": shown(t)}
              for t in tensors + [weight] if t.name not in ("text", "wide")}
    model.graph.ClearField("initializer")
    model.graph.initializer.append(weight)
    onnx.save(model, "onnx/outside.onnx", save_as_external_data=True, location="outside.data", size_threshold=0)
    os.remove("onnx/outside.data")
    with open("onnx/values.json", "w") as file:
        json.dump(values, file, indent=0, sort_keys=True)
        file.write("\n")


main()
