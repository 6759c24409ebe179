"""An exported model in Python: masks of pictures and label maps of scans, by the file alone.

maskwright export runs/config --format onnx --output model.onnx
python use_exported.py model.onnx IMAGE_OR_SCAN ... --output masks
"""

import argparse

import maskwright as mw

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("images", nargs="+")
parser.add_argument("--output", required=True)
arguments = parser.parse_args()

found = mw.predict(arguments.model, arguments.images, output=arguments.output)
for path in found.masks:
    print(path)
