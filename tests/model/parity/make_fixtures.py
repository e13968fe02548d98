# SPDX-License-Identifier: Apache-2.0
"""Writes vit.safetensors, prompts.safetensors, tiny_vit.safetensors and efficient_net.safetensors: small networks with random weights, inputs, and
what transformers' SamModel, MobileSAM's TinyViT and EfficientNet-Lite make of them. Weights and inputs are half-precision numbers, so that
the files stay small and the references see exactly what plat sees. Run: python make_fixtures.py [FOLDER]"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import SamConfig, SamModel
from transformers.models.sam.modeling_sam import SamMaskDecoder, SamPositionalEmbedding, SamPromptEncoder
from torch import nn

import reference

HERE = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent
CHANNELS = 16
DECODER = dict(hidden_size=CHANNELS, mlp_dim=24, num_attention_heads=2, num_multimask_outputs=2, iou_head_hidden_dim=12)
# Where the encoder is what counts, the rest is as small as it can be.
SMALL_CHANNELS = 8
SMALL_DECODER = dict(hidden_size=SMALL_CHANNELS, mlp_dim=8, num_attention_heads=1, num_hidden_layers=1,
                     num_multimask_outputs=1, iou_head_hidden_dim=4)
CLASSES = dict(prompt_tokens=3, fuse_dims=[8, 8, 6], fuse_convs=[2, 1, 1])


class OtherSam(nn.Module):
    """Another encoder with transformers' prompt encoder and mask decoder."""

    def __init__(self, config, encoder):
        super().__init__()
        self.config = config
        self.shared_image_embedding = SamPositionalEmbedding(config.vision_config)
        self.vision_encoder = encoder
        self.prompt_encoder = SamPromptEncoder(config)
        self.prompt_encoder.shared_embedding = self.shared_image_embedding
        config.mask_decoder_config._attn_implementation = "eager"
        self.mask_decoder = SamMaskDecoder(config.mask_decoder_config)

    get_image_wide_positional_embeddings = SamModel.get_image_wide_positional_embeddings


def one_by_one(case):
    """The references take one mask for all prompts of an image: prompts with masks of their own are asked one at a time."""
    count = case["masks"].shape[1] if "masks" in case else 1
    return [case] if count == 1 else [{k: v[:, i:i + 1] for k, v in case.items()} for i in range(count)]


def prompt_answers(model, embedding, size, cases=6):
    """The first few prompts and what the reference makes of them, by name."""
    batch, out = embedding.shape[0], {}
    positions = model.get_image_wide_positional_embeddings()
    patch = model.config.prompt_encoder_config.patch_size
    for i, case in enumerate(reference.prompt_cases(size, batch, 7, patch)[:cases]):
        masks, iou = [], []
        for part in one_by_one(case):
            sparse, dense = model.prompt_encoder(input_points=part.get("points"), input_labels=part.get("labels"),
                                                 input_boxes=part.get("boxes"), input_masks=part.get("masks"))
            both = [model.mask_decoder(image_embeddings=embedding, sparse_prompt_embeddings=sparse,
                                       image_positional_embeddings=positions.repeat(batch, 1, 1, 1),
                                       dense_prompt_embeddings=dense, multimask_output=multimask)
                    for multimask in (False, True)]
            masks.append(torch.cat([m for m, _ in both], 2)), iou.append(torch.cat([s for _, s in both], 2))
        for name, value in case.items():
            out[f"prompt{i}.{name}"] = value.half() if value.dtype.is_floating_point else value
        out[f"prompt{i}.expected.logits"], out[f"prompt{i}.expected.iou"] = torch.cat(masks, 1), torch.cat(iou, 1)
    return out


def offset_answers(model, embedding, size):
    """The first prompt for an image that is a crop of a larger tile: all positions count from the tile's corner."""
    row, col, tokens = 1, 0, embedding.shape[-1]
    x = (torch.arange(tokens) + 0.5 + torch.tensor([[col], [row]])) / tokens
    grid = torch.stack(torch.meshgrid(x[0], x[1], indexing="xy"), -1)
    case = reference.prompt_cases(size, embedding.shape[0], 7)[0]
    sparse, dense = model.prompt_encoder(case["points"] + 16 * torch.tensor([col, row]), case["labels"], None, None)
    masks, _ = model.mask_decoder(image_embeddings=embedding, sparse_prompt_embeddings=sparse,
                                  image_positional_embeddings=model.shared_image_embedding(grid).permute(2, 0, 1)[None],
                                  dense_prompt_embeddings=dense, multimask_output=True)
    return {"offset.tokens": torch.tensor([row, col]), "offset.points": case["points"], "offset.labels": case["labels"],
            "offset.expected.logits": masks}


def class_answers(model, class_decoder, embedding, features):
    dense = model.prompt_encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
    positions = model.get_image_wide_positional_embeddings()
    maps, _ = class_decoder(model.mask_decoder.transformer, embedding + dense, positions, features)
    return {f"expected.{name}": maps[:, :, i] for i, name in enumerate(("extent", "boundary", "distance"))}


def write(name, config, state, out):
    tensors = {}
    for key, value in state.items():
        if not key.endswith("num_batches_tracked") and key != "prompt_encoder.shared_embedding.positional_embedding":
            tensors[key] = value.half()
    tensors = {k: v.contiguous().clone() for k, v in (tensors | out).items()}
    path = HERE / name
    save_file(tensors, path, metadata={"config.json": json.dumps(config)})
    print(path, path.stat().st_size, "bytes")


def small_sam(size, patch, channels, decoder, **vision):
    return SamConfig(
        vision_config=dict(image_size=size, patch_size=patch, output_channels=channels, num_pos_feats=channels // 2,
                           **vision),
        prompt_encoder_config=dict(hidden_size=channels, image_size=size, patch_size=patch, mask_input_channels=8),
        mask_decoder_config=decoder)


def random_sam(config, seed):
    model = reference.randomise(SamModel(config), seed, exact_half=True)
    model._tie_weights()
    return model


@torch.no_grad()
def vit():
    # Six tokens a side in windows of four: padded windows, and a layer that attends to the whole image.
    size = 48
    config = small_sam(size, 8, SMALL_CHANNELS, SMALL_DECODER, hidden_size=16, num_hidden_layers=3,
                       num_attention_heads=2, window_size=4, global_attn_indexes=[1], mlp_dim=24)
    model = random_sam(config, 1)
    pixels = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2)).half()
    embedding = model.vision_encoder(pixels.float()).last_hidden_state
    out = {"pixels": pixels, "expected.embedding": embedding} | prompt_answers(model, embedding, size, 1)
    write("vit.safetensors", config.to_dict(), model.state_dict(), out)


@torch.no_grad()
def prompts():
    size = 24
    config = small_sam(size, 8, CHANNELS, DECODER, hidden_size=4, num_hidden_layers=1, num_attention_heads=1,
                       window_size=2, global_attn_indexes=[], mlp_dim=4)
    model = random_sam(config, 5)
    embedding = torch.randn(2, CHANNELS, 3, 3, generator=torch.Generator().manual_seed(6)).half()
    out = {"embedding": embedding} | prompt_answers(model, embedding.float(), size)
    write("prompts.safetensors", config.to_dict(), model.state_dict(), out)


@torch.no_grad()
def tiny_vit():
    # Tokens a side: 8, 4, 2, 2. Windows that fit, that need padding, and that are larger than the image.
    size = 32
    encoder = dict(embed_dims=[8, 12, 16, 12], depths=[1, 1, 1, 1], num_heads=[1, 2, 4, 3], window_sizes=[3, 3, 2, 3],
                   mlp_ratio=2.0, mbconv_expand_ratio=2.0, local_conv_size=3)
    decoder = SMALL_DECODER | dict(layer_norm_eps=1e-5)
    config = small_sam(size, 16, SMALL_CHANNELS, decoder)
    model = OtherSam(config, reference.TinyVit(size, SMALL_CHANNELS, **encoder))
    skip = [encoder["embed_dims"][0] // 2, encoder["embed_dims"][0], encoder["embed_dims"][1]]
    model.class_decoder = reference.ClassDecoder(2, SMALL_CHANNELS, skip, subpixel=2, stem=False, **CLASSES)
    reference.randomise(model, 3, exact_half=True)
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(4)).half()
    embedding, features = model.vision_encoder(pixels.float())
    out = {"pixels": pixels, "expected.embedding": embedding} | prompt_answers(model, embedding, size, 1)
    out |= class_answers(model, model.class_decoder, embedding, features) | offset_answers(model, embedding, size)
    text = config.to_dict() | {"model_type": "sam_tinyvit"}
    text["vision_config"] = encoder | dict(image_size=size, output_channels=SMALL_CHANNELS, strides=[2, 2, 1])
    text["plat"] = dict(classes=[dict(name="building"), dict(name="field")], tile_size=size, overlap=8,
                        class_decoder=CLASSES | dict(subpixel=2))
    state = {k.replace("vision_encoder.net.", "vision_encoder."): v for k, v in model.state_dict().items()}
    write("tiny_vit.safetensors", text, state, out)


@torch.no_grad()
def efficient_net():
    # Each kind of block: with and without a wider middle, a residual, kernels of 3 and 5, strides of 1 and 2.
    size = 64
    stages = [(1, 3, 1, 1, 32, 4), (2, 3, 2, 2, 4, 6), (1, 5, 2, 2, 6, 6), (1, 3, 2, 3, 6, 8), (2, 5, 1, 2, 8, 10),
              (1, 5, 2, 2, 10, 12), (1, 3, 1, 2, 12, 8)]
    config = small_sam(size, 16, SMALL_CHANNELS, SMALL_DECODER)
    model = OtherSam(config, reference.EfficientNet(size, SMALL_CHANNELS, stages))
    model.class_decoder = reference.ClassDecoder(2, SMALL_CHANNELS, [4, 6, 6], subpixel=2, stem=False, **CLASSES)
    reference.randomise(model, 8, exact_half=True)
    pixels = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(9)).half()
    embedding, features = model.vision_encoder(pixels.float())
    out = {"pixels": pixels, "expected.embedding": embedding}
    out |= prompt_answers(model, embedding, size, 1)
    out |= class_answers(model, model.class_decoder, embedding, features)
    text = config.to_dict() | {"model_type": "sam_efficientnet"}
    text["vision_config"] = dict(stem_channels=32, channels=[s[5] for s in stages], depths=[s[0] for s in stages],
                                 kernel_sizes=[s[1] for s in stages], strides=[s[2] for s in stages],
                                 expand_ratios=[s[3] for s in stages], image_size=size, output_channels=SMALL_CHANNELS)
    text["plat"] = dict(classes=[dict(name="building"), dict(name="field")], tile_size=size, overlap=16,
                        class_decoder=CLASSES | dict(subpixel=2))
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("vision_encoder.")}
    write("efficient_net.safetensors", text, state | model.vision_encoder.state(), out)


if __name__ == "__main__":
    torch.set_num_threads(1)  # the same bytes every time
    vit()
    prompts()
    tiny_vit()
    efficient_net()
