# SPDX-License-Identifier: Apache-2.0
"""Imports networks of the published sizes, with random weights, and compares what plat makes of them with their references:
    python import_full_size.py PLAT CHECK vit_b|vit_l|vit_h|mobile …
PLAT is the program, CHECK the one that full_size_check.cpp builds to. Each network is made by Meta's or MobileSAM's own
package and saved by torch.save as they publish theirs; `plat models import` makes a model folder of it; CHECK runs that and
compares it with the package's answers, and, for a ViT, transformers reads the folder and must give the same too. vit_b is
also imported from folders that transformers saved: whole, in shards, in float16, in bfloat16, and as pytorch_model.bin.
Needs torch, transformers, segment-anything and mobilesam-mirror; vit_h takes about 12 GB of memory and of disk."""
import gc
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import torch
from safetensors import safe_open
from torch import nn
from transformers import SamConfig, SamImageProcessor, SamModel, logging

import reference
from full_size import SIDE, SIZES, TINY, pixels, save

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "import"))
from make_checkpoints import heads, import_segment_anything


def network(size):
    """As the packages' build_sam does it."""
    if size == "mobile":
        modeling = reference.import_mobile_sam()
        encoder = modeling.TinyViT(img_size=SIDE, in_chans=3, num_classes=1000, **TINY)
    else:
        modeling = import_segment_anything()
        shape = SIZES[size]
        encoder = modeling.ImageEncoderViT(
            depth=shape["num_hidden_layers"], embed_dim=shape["hidden_size"], img_size=SIDE, mlp_ratio=4, patch_size=16,
            norm_layer=lambda n: nn.LayerNorm(n, eps=1e-6), num_heads=shape["num_attention_heads"], qkv_bias=True,
            use_rel_pos=True, global_attn_indexes=shape["global_attn_indexes"], window_size=14, out_chans=256)
    prompt_encoder, decoder = heads(modeling, 256, SIDE, 16, 2048, 256, 16, 3)
    return modeling.Sam(image_encoder=encoder, prompt_encoder=prompt_encoder, mask_decoder=decoder)


def answers(sam):
    x = pixels()
    start = time.time()
    embedding = sam.image_encoder(x)
    print(f"the package's encoder {time.time() - start:.1f} s")
    out = {"pixels": x, "expected.embedding": embedding}
    # Meta's and MobileSAM's code know no label for a point to be ignored.
    for i, case in enumerate(reference.prompt_cases(SIDE, 1, 7, ignored=0)):
        points = (case["points"][0], case["labels"][0]) if "points" in case else None
        boxes = case["boxes"][0] if "boxes" in case else None
        sparse, dense = sam.prompt_encoder(points=points, boxes=boxes, masks=case.get("masks"))
        masks, iou = sam.mask_decoder.predict_masks(
            image_embeddings=embedding, image_pe=sam.prompt_encoder.get_dense_pe(), sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense)
        out |= {f"prompt{i}.{k}": v for k, v in case.items()}
        out |= {f"prompt{i}.expected.logits": masks[None], f"prompt{i}.expected.iou": iou[None]}
    return out


def plat_import(plat, source, folder, *options):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    subprocess.run([plat, "models", "import", source, "-o", folder, *options], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"import {time.time() - start:.1f} s, {cpu:.1f} s of processor time")


def check_in_transformers(folder, out):
    model, info = SamModel.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["mismatched_keys"] and not info["unexpected_keys"], info
    embedding = model.eval().vision_encoder(out["pixels"]).last_hidden_state
    expected = out["expected.embedding"]
    print(f"transformers reads the folder, its embedding differs by {(embedding - expected).abs().max() / expected.abs().max():.1e}")
    assert (embedding - expected).abs().max() < 1e-4 * expected.abs().max()


def meta_file(plat, check, root, size):
    sam = reference.randomise(network(size), 31)
    file = root / f"{size}.pth"
    torch.save(sam.state_dict(), file)
    out = answers(sam)
    del sam
    gc.collect()
    folder, copy = root / size, root / (size + "_copy")
    copy.mkdir()
    plat_import(plat, file, folder, "--licence", "apache-2.0")
    file.unlink()
    save(folder, out)
    subprocess.run([check, folder, copy], check=True)
    if size != "mobile":
        check_in_transformers(folder, out)
    for file in [*folder.iterdir(), *copy.iterdir()]:
        file.unlink()


def transformers_folders(plat, root):
    """Every number must come through as transformers wrote it."""
    config = SamConfig(vision_config=SIZES["vit_b"])
    cases = {"whole": (torch.float32, {}), "shards": (torch.float32, dict(max_shard_size="100MB")),
             "float16": (torch.float16, {}), "bfloat16": (torch.bfloat16, {}), "bin": (torch.float32, None)}
    model = reference.randomise(SamModel(config), 32)
    model._tie_weights()
    for name, (dtype, options) in cases.items():
        source, folder = root / ("from_" + name), root / ("to_" + name)
        model = model.float().to(dtype)
        if options is None:
            source.mkdir()
            torch.save(model.state_dict(), source / "pytorch_model.bin")
            (source / "config.json").write_text(json.dumps(config.to_dict()))
        else:
            model.save_pretrained(source, **options)
            SamImageProcessor().save_pretrained(source)
        print(f"{name}: {len(list(source.glob('*.safetensors')) + list(source.glob('*.bin')))} files of weights")
        plat_import(plat, source, folder)
        state = model.state_dict()
        state.pop("prompt_encoder.shared_embedding.positional_embedding")
        with safe_open(folder / "model.safetensors", "pt") as file:
            assert set(file.keys()) == set(state)
            for key, value in state.items():
                found = file.get_tensor(key)
                assert found.dtype == dtype and torch.equal(found, value), key
        SamModel.from_pretrained(folder)
        print(f"{name}: {len(state)} tensors came through bit for bit as {dtype}")
        for file in [*source.iterdir(), *folder.iterdir()]:
            file.unlink()


@torch.no_grad()
def main():
    plat, check, sizes = sys.argv[1], sys.argv[2], sys.argv[3:]
    torch.set_num_threads(2)
    logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as root:
        for size in sizes:
            print(f"-- {size}")
            meta_file(plat, check, pathlib.Path(root), size)
            if size == "vit_b":
                transformers_folders(plat, pathlib.Path(root))


if __name__ == "__main__":
    main()
