# SPDX-License-Identifier: Apache-2.0
"""Checks that transformers, peft and huggingface_hub read what `plat publish` writes.

    python published.py PLAT SCENE LABELS SCRATCH

Needs torch, transformers and peft. Makes a small SAM of random weights with transformers, lets plat train LoRA on it for two
steps, publishes the run, and reads the folder: the card's YAML and figures with huggingface_hub; the model with
SamModel.from_pretrained, whose tensors must be those that plat wrote; the adapter with peft on the base, which must draw the
model's masks.
"""
import subprocess
import sys
from pathlib import Path

import torch
from huggingface_hub import ModelCard
from peft import PeftModel
from safetensors.torch import load_file
from transformers import SamModel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "training" / "parity"))
from peft_adapter import make_base  # noqa: E402


def masks(model, pixels: torch.Tensor) -> torch.Tensor:
    points = torch.tensor([[[[64.0, 64.0]]]])
    with torch.no_grad():
        return model.eval()(pixel_values=pixels, input_points=points).pred_masks


def main() -> None:
    plat, scene, labels, scratch = sys.argv[1:]
    base, run = Path(scratch) / "base", Path(scratch) / "run"
    make_base(base)
    subprocess.run([plat, "train", "--scenes", scene, "--labels", labels, "--init", base, "--method", "lora", "--rank", "4",
                    "--steps", "2", "--batch", "2", "--crop", "128", "--learning-rate", "0.01", "--prompts", "1",
                    "--full-precision", "--attribution", "A drawn scene", "-o", run, "--overwrite", "-q"], check=True)
    subprocess.run([plat, "publish", run, "--repo", "someone/small", "--base-model", "someone/base", "--overwrite"], check=True)
    hub = run / "hub"

    card = ModelCard.load(hub / "README.md").data
    assert card.license == "apache-2.0" and card.base_model == "someone/base" and card.pipeline_tag == "image-segmentation"
    figures = {result.metric_type: result.metric_value for result in card.eval_results or []}
    print(f"card: {figures}")

    model = SamModel.from_pretrained(hub)
    written, read = load_file(hub / "model.safetensors"), model.state_dict()
    shared = [name for name in written if name in read]
    assert all(torch.equal(written[name].to(read[name].dtype), read[name]) for name in shared)
    missing = [name for name in read if name not in written and not name.startswith("prompt_encoder.shared_embedding")]
    assert not missing, missing
    print(f"transformers reads {len(shared)} tensors")

    pixels = torch.rand(1, 3, 128, 128, generator=torch.Generator().manual_seed(3)) * 4 - 2
    tuned = PeftModel.from_pretrained(SamModel.from_pretrained(base), hub, subfolder="adapter")
    whole = masks(model, pixels)
    difference = (masks(tuned, pixels) - whole).abs().max().item()
    change = (masks(SamModel.from_pretrained(base), pixels) - whole).abs().max().item()
    print(f"masks up to {whole.abs().max().item():.1e}: base + adapter and the model differ by {difference:.1e}, the base and "
          f"the model by {change:.1e}")
    # Random weights draw faint masks after two steps: what counts is that LoRA's part of them is the same.
    assert 0 < change and difference < 0.02 * change


if __name__ == "__main__":
    main()
