// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "model/nn/decoded_prompts.hpp"
#include "model/precision.hpp"
#include "model/sam_config.hpp"

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

namespace plat::nn {

struct VitImpl;
struct TinyVitImpl;
struct EfficientNetImpl;
struct PositionEncodingImpl;
struct PromptEncoderImpl;
struct MaskDecoderImpl;
struct ClassDecoderImpl;

/// What the image encoder makes of B images of H x W pixels. C = prompt_encoder.hidden_size.
struct Encoded {
  at::Tensor embedding;  ///< (B, C, H/16, W/16)
  at::Tensor stride2;    ///< early features for the class maps, (B, c2, H/2, W/2); undefined without a class decoder
  at::Tensor stride4;    ///< (B, c4, H/4, W/4)
  at::Tensor stride8;    ///< (B, c8, H/8, W/8)
};

/// Where the top-left corner of an image lies in the tile of image_size pixels, in tokens of 16 pixels: a training crop
/// smaller than the tile is placed anywhere in it, so that all positions of a tile are learned. Not for a ViT
/// encoder, which stretches its positions over the image, whatever its size.
struct TokenOffset {
  int64_t row = 0;
  int64_t col = 0;
};

/// Maps of K classes at the resolution of the image, each (B, K, H, W), all as logits: the sigmoid of each gives the
/// probability of the class, the probability of a boundary, and the normalised distance to the boundary.
struct ClassMaps {
  at::Tensor extent;
  at::Tensor boundary;
  at::Tensor distance;
  at::Tensor auxiliary;  ///< coarse logits for deep supervision, (B, 3K, H/16, W/16), band 3 · class + map; only in
                         ///< training mode
};

/// Prompts for B images, P prompts each; any tensor may be undefined. Coordinates are pixels (col, row) of the image,
/// whose top-left pixel's centre is (0, 0), as everywhere in SAM.
struct Prompts {
  at::Tensor points;  ///< (B, P, N, 2) float
  at::Tensor labels;  ///< (B, P, N) int64: 1 object, 0 background, 2 and 3 first and second corner of a box, -1 none,
                      ///< -10 ignore
  at::Tensor boxes;   ///< (B, P, 4) float: left, top, right, bottom
  at::Tensor masks;   ///< (B, P, 4h, 4w) float, h x w the tokens of the image: logits of an earlier mask of each prompt
  bool pad_points = true;  ///< as published: a point with label -1 is appended where there are no boxes. Off where
                           ///< `labels` has its own
};

/// M = num_multimask_outputs + 1 masks per prompt; the first is meant for unambiguous prompts, the others are
/// alternatives.
struct PromptMasks {
  at::Tensor logits;  ///< (B, P, M, H/4, W/4)
  at::Tensor iou;     ///< (B, P, M), the network's own estimate of each mask's IoU
};

/// Segment Anything with class maps. Parameters and buffers carry transformers' SamModel names
/// (`vision_encoder.layers.0.attn.qkv.weight`, `prompt_encoder…`, `mask_decoder…`,
/// `shared_image_embedding.positional_embedding`); a TinyViT encoder has MobileSAM's names under `vision_encoder.`, an
/// EfficientNet names of plat's own; the part that SAM does not have lies under `class_decoder.`.
///
/// A new network has random weights from torch's generator (torch::manual_seed) and is in training mode; eval()
/// switches batch normalisation to its running statistics and drop path off. Use: `auto encoded = sam->encode(pixels)`
/// once per batch, then `forward_classes(encoded)` and `forward_prompts(encoded.embedding, prompts)` as needed; both
/// share the mask decoder's transformer. Save and load with model/nn/weights.hpp. To copy a network (for a moving
/// average), construct another from config() and copy parameters and buffers name by name.
///
/// Forward passes in eval mode may run from several threads at once; anything that changes the network may not.
class SamImpl : public torch::nn::Module {
 public:
  /// Throws ModelError where the configuration is not valid, or only an encoder's.
  explicit SamImpl(const SamConfig& config);

  const SamConfig& config() const { return config_; }

  /// `pixels`: (B, 3, H, W) float, normalised with the model's mean and deviation; H and W are multiples of 32 (of the
  /// patch size for a ViT).
  Encoded encode(const at::Tensor& pixels);
  /// encode() in two steps: what the image encoder makes, and for a ViT the early features, which are learned with the
  /// class maps and not with the encoder.
  Encoded encode_image(const at::Tensor& pixels);
  void add_detail(Encoded& encoded, const at::Tensor& pixels);

  /// From now on the encoder multiplies in a type of 16 bits, at::kHalf or at::kBFloat16, as torch's autocast does: sums and
  /// norms where it matters, and what encode() returns, stay float32. at::kFloat is how it begins. Not for training.
  void set_encoder_type(at::ScalarType type) { encoder_type_ = type; }

  ClassMaps forward_classes(const Encoded& encoded, TokenOffset offset = {});
  ClassMaps forward_classes(const at::Tensor& pixels, TokenOffset offset = {});

  /// `embedding`: of encode(). Prompts with masks cost more than others: each mixes its mask into an image of its own.
  PromptMasks forward_prompts(const at::Tensor& embedding, const Prompts& prompts, TokenOffset offset = {});
  /// forward_prompts() in two steps: the second takes a third of the time, and is asked for only the masks that are wanted:
  /// (masks, H/4, W/4) of one prompt of one image.
  DecodedPrompts decode_prompts(const at::Tensor& embedding, const Prompts& prompts, TokenOffset offset = {});
  at::Tensor read_masks(const DecodedPrompts& decoded, int64_t image, int64_t prompt, at::IntArrayRef masks);

  /// Folds batch normalisation into the convolutions and looks the attention biases up once: faster, the same numbers
  /// within 1e-5. With Int16, for a ViT encoder on a CPU with Int16Product::available(), packs the encoder's linear layers
  /// and gives their weights up. For inference only: call after eval() and loading; later changes of parameters are not
  /// seen.
  void prepare_for_inference(Precision precision = Precision::Float32);

  torch::nn::Module& encoder();
  /// Makes training keep only what lies between the encoder's blocks and compute the rest again in the backward pass. Blocks
  /// with batch normalisation only in eval mode.
  void recompute_blocks(bool on);

 private:
  /// What the mask decoder takes for prompts: positions of the image, sparse and dense embeddings of the prompts.
  struct EmbeddedPrompts {
    at::Tensor positions, sparse, dense;
  };
  EmbeddedPrompts embed(const at::Tensor& embedding, const Prompts& prompts, TokenOffset offset);
  /// The tile that positions are measured in, in tokens.
  struct Frame {
    int64_t rows, cols;
  };
  Frame frame_of(const at::Tensor& embedding) const;
  Encoded encode_as_is(const at::Tensor& pixels);
  at::Tensor image_positions(const at::Tensor& embedding, TokenOffset offset);

  SamConfig config_;
  at::ScalarType encoder_type_ = at::kFloat;
  std::shared_ptr<VitImpl> vit_;
  std::shared_ptr<TinyVitImpl> tiny_vit_;
  std::shared_ptr<EfficientNetImpl> efficient_net_;
  std::shared_ptr<PositionEncodingImpl> shared_image_embedding_;
  std::shared_ptr<PromptEncoderImpl> prompt_encoder_;
  std::shared_ptr<MaskDecoderImpl> mask_decoder_;
  std::shared_ptr<ClassDecoderImpl> class_decoder_;
};
TORCH_MODULE(Sam);

}  // namespace plat::nn
