# SPDX-License-Identifier: Apache-2.0
"""Checks that peft and transformers read what `plat train --method lora` writes, and make the same weights of it.

    python peft_adapter.py PLAT SCENE LABELS SCRATCH

Needs torch, transformers and peft. Makes a small SAM of random weights with transformers, lets plat train LoRA on it in
every way that splits the fused layer, loads base and adapter with peft, merges, and compares all tensors of the encoder with
those of the whole model that plat wrote. The base that peft has with its adapters off must be the one on disk, bit for bit.
"""
import subprocess
import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import SamConfig, SamImageProcessor, SamModel


def make_base(folder: Path) -> None:
    torch.manual_seed(1)
    config = SamConfig(
        vision_config=dict(hidden_size=48, num_hidden_layers=3, num_attention_heads=3, image_size=128, window_size=3,
                           global_attn_indexes=[1], mlp_dim=96, output_channels=32,
                           num_pos_feats=16, initializer_range=0.1),
        prompt_encoder_config=dict(hidden_size=32, image_size=128, image_embedding_size=8),
        mask_decoder_config=dict(hidden_size=32, mlp_dim=64, num_attention_heads=2, iou_head_hidden_dim=32))
    SamModel(config).save_pretrained(folder)
    SamImageProcessor(size={"longest_edge": 128}, pad_size={"height": 128, "width": 128}).save_pretrained(folder)


def main() -> None:
    plat, scene, labels, scratch = sys.argv[1:]
    base = Path(scratch) / "base"
    make_base(base)
    original = load_file(base / "model.safetensors")
    for targets in ("q,v", "q,k,v", "qkv", "k,proj", "q,v,mlp"):
        run = Path(scratch) / ("run-" + targets.replace(",", "-"))
        subprocess.run([plat, "train", "--scenes", scene, "--labels", labels, "--init", base, "--method", "lora", "--targets",
                        targets, "--rank", "4", "--steps", "3", "--batch", "2", "--crop", "128", "--learning-rate", "0.01",
                        "--prompts", "1", "--full-precision", "-o", run, "--overwrite", "-q"], check=True)
        tuned = PeftModel.from_pretrained(SamModel.from_pretrained(base), run / "adapter")
        with tuned.disable_adapter():
            state = {name.replace("base_model.model.", "").replace(".base_layer", ""): value
                     for name, value in tuned.state_dict().items()}
            assert all(torch.equal(state[name], value) for name, value in original.items() if name in state)
        merged = tuned.merge_and_unload().state_dict()
        whole = load_file(run / "model" / "model.safetensors")
        worst, changed = 0.0, 0
        for name, value in merged.items():
            if name in whole:
                worst = max(worst, (value - whole[name]).abs().max().item())
                changed += int(name in original and not torch.equal(value, original[name]))
        print(f"{targets}: {changed} tensors adapted, largest difference {worst:.1e}")
        assert worst < 1e-6 and changed >= 3


if __name__ == "__main__":
    main()
