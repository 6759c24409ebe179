"""nnU-Net's predictor as a process of its own: for each line `N` it predicts N slices of 256x256 and says so.

Its network is of the same size as ours (1.9 M parameters), with its own kind of blocks; mirroring is off. Images are as
large as its window, so that no work is done twice. Its network is compiled, as `nnUNet_compile` does, or runs eagerly,
whichever is faster in a trial; where the compiler fails, eagerly.
"""

from __future__ import annotations

import sys
import time

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from torch import nn

EDGE, FILTERS = 256, [16, 32, 64, 128, 256]
BLOCKS = {
    "n_stages": 5,
    "features_per_stage": FILTERS,
    "kernel_sizes": [[3, 3]] * 5,
    "strides": [[1, 1]] + [[2, 2]] * 4,
    "n_conv_per_stage": [2] * 5,
    "n_conv_per_stage_decoder": [2] * 4,
    "conv_bias": True,
    "norm_op_kwargs": {"eps": 1e-5, "affine": True},
    "dropout_op": None,
    "dropout_op_kwargs": None,
    "nonlin_kwargs": {"inplace": True},
}
NAMES = {
    "conv_op": "torch.nn.modules.conv.Conv2d",
    "norm_op": "torch.nn.modules.instancenorm.InstanceNorm2d",
    "nonlin": "torch.nn.LeakyReLU",
}
PLANS = {
    "dataset_name": "Dataset000_None",
    "plans_name": "nnUNetPlans",
    "image_reader_writer": "SimpleITKIO",
    "label_manager": "LabelManager",
    "configurations": {
        "2d": {
            "patch_size": [EDGE, EDGE],
            "batch_size": 4,
            "architecture": {
                "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                "arch_kwargs": BLOCKS | NAMES,
                "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
            },
        }
    },
}
DATASET = {"channel_names": {"0": "CT"}, "labels": {"background": 0, "organ": 1}, "file_ending": ".nii.gz"}


def main() -> None:
    torch.set_num_threads(2)
    plans = PlansManager(PLANS)
    kinds = {"conv_op": nn.Conv2d, "norm_op": nn.InstanceNorm2d, "nonlin": nn.LeakyReLU}
    network = PlainConvUNet(1, num_classes=2, deep_supervision=False, **BLOCKS, **kinds).eval()
    predictor = nnUNetPredictor(
        tile_step_size=0.5, use_gaussian=True, use_mirroring=False, device=torch.device("cpu"), allow_tqdm=False
    )
    configuration = plans.get_configuration("2d")
    trial = {}
    for way, one in (("eager", network), ("compiled", torch.compile(network))):
        try:
            predictor.manual_initialization(one, plans, configuration, None, DATASET, "nnUNetTrainer", None)
            trial[way] = (min(seconds(predictor, 8) for _ in range(3)), one)
        except Exception as error:  # noqa: BLE001  the compiler fails in many ways, and eager is the answer to all
            sys.stderr.write(f"{way}: {type(error).__name__}: {error}\n"[:300])
    best = min(trial, key=lambda way: trial[way][0])
    predictor.manual_initialization(trial[best][1], plans, configuration, None, DATASET, "nnUNetTrainer", None)
    sys.stdout.write(f"parameters {sum(one.numel() for one in network.parameters())}, {best}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        seconds(predictor, int(line))
        sys.stdout.write("done\n")
        sys.stdout.flush()


def seconds(predictor: nnUNetPredictor, count: int) -> float:
    """What `count` slices take."""
    image = torch.rand(1, count, EDGE, EDGE)
    begin = time.perf_counter()
    predictor.predict_sliding_window_return_logits(image)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
