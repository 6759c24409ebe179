"""An exported model without Maskwright: needs onnxruntime, NumPy and Pillow, and works for networks that take grey or
colour pictures one by one.

    python use_onnx.py model.onnx picture.png mask.png
"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

model, source, target = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
about = json.loads(session.get_modelmeta().custom_metadata_map["maskwright"])
rule = about["input_rule"]

# What this script does not do would be a wrong mask without a word.
plain = {"fit": "resize", "depth": 0, "neighbours": 0, "gamma": 0, "sharpening": 0, "color_conversion": None}
odd = [f"{key} is {rule[key]!r}" for key, value in plain.items() if rule.get(key, value) != value]
odd += ["regions overlap"] if about["label_rule"].get("regions") else []
odd += ["thresholds are of each class"] if isinstance(about["predict"].get("threshold"), list) else []
odd += ["pictures are deep"] if rule["dtype"] != "uint8" or Image.open(source).mode[:1] in "IF" else []
if odd:
    sys.exit(f"{model}: {', '.join(odd)}, which this script does not know; use_exported.py does")


def resized(planes, size, how):
    """`(H, W, C)` at another (width, height), in float32 so that nothing is rounded on the way."""
    scaled = [Image.fromarray(plane.astype(np.float32)).resize(size, how) for plane in np.moveaxis(planes, -1, 0)]
    return np.stack([np.asarray(plane) for plane in scaled], axis=-1)


picture = Image.open(source).convert("RGB" if rule["channels"] == 3 else "L")
levels = np.asarray(picture).reshape(picture.height, picture.width, rule["channels"])
small = np.rint(resized(levels, (rule["width"], rule["height"]), Image.Resampling.BOX))[None]
if rule["intensity"] == "zscore":
    inputs = (small - small.mean()) / (small.std() + 1e-6)
else:
    inputs = (small - rule["low"]) / (rule["high"] - rule["low"]) * (1 if rule["intensity"] == "unit" else 255)

(found,) = session.run(["probabilities"], {"image": inputs.astype(np.float32)})
full = resized(found[0], picture.size, Image.Resampling.BILINEAR)
threshold = about["predict"].get("threshold", 0.5)
mask = (full[..., 0] >= threshold) * 255 if about["channels"] == 1 else full.argmax(axis=-1)
Image.fromarray(mask.astype(np.uint8)).save(target)
print(f"{target}: {(mask > 0).sum()} pixels of {', '.join(about['class_names'][1:])}")
