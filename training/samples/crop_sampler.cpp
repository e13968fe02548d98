// SPDX-License-Identifier: Apache-2.0
#include "training/samples/crop_sampler.hpp"

#include "core/error.hpp"
#include "geo/rasterize.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace plat {
namespace {

constexpr uint8_t kTrain = static_cast<uint8_t>(PixelUse::Train);

/// The position mirrored into [0, size).
int64_t mirrored(int64_t i, int64_t size) {
  if (i >= 0 && i < size) return i;
  const int64_t period = 2 * size;
  i = ((i % period) + period) % period;
  return i < size ? i : period - 1 - i;
}

/// How many scene pixels a crop pixel spans, in the direction in which it spans fewer.
double span(const Affine& a) { return std::min(std::hypot(a.col_dx, a.col_dy), std::hypot(a.row_dx, a.row_dy)); }

uint8_t use_at(const LabelledScene& scene, const Point& p) {
  const auto col = static_cast<int64_t>(std::floor(p.x));
  const auto row = static_cast<int64_t>(std::floor(p.y));
  if (col < 0 || row < 0 || col >= scene.width() || row >= scene.height()) return static_cast<uint8_t>(PixelUse::None);
  return scene.use.at(col, row);
}

/// Share of a crop's pixels that training may use, from a lattice of 12 x 12 of them.
double train_share(const LabelledScene& scene, const Affine& scene_from_crop, int64_t size) {
  constexpr int kLattice = 12;
  int found = 0;
  for (int i = 0; i < kLattice * kLattice; ++i) {
    const double col = (i % kLattice + 0.5) * static_cast<double>(size) / kLattice;
    const double row = (i / kLattice + 0.5) * static_cast<double>(size) / kLattice;
    found += use_at(scene, scene_from_crop({col, row})) == kTrain ? 1 : 0;
  }
  return static_cast<double>(found) / (kLattice * kLattice);
}

/// How far around a crop outlines decide what counts in it, in pixels of that size.
int64_t doubt_reach(const LabelledScene& scene, double pixel_m) {
  const double metres = std::max(scene.label_margin_m, scene.incomplete ? kKnownAround_m : 0);
  return metres > 0 ? static_cast<int64_t>(std::ceil(metres / pixel_m)) + 1 : 0;
}

/// Takes pixels that the labels of a scene say nothing certain of out of those that count.
void discount_doubtful(const LabelledScene& scene, const Image<int32_t>& labels, const Image<float>& distance,
                       double pixel_m, Image<uint8_t>& counts) {
  if (scene.label_margin_m <= 0 && !scene.incomplete) return;
  const auto margin = static_cast<float>(scene.label_margin_m / pixel_m);
  const auto known = static_cast<float>(kKnownAround_m / pixel_m);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const float d = distance.data()[i];
    if (d < margin || (scene.incomplete && labels.data()[i] == 0 && d > known)) counts.data()[i] = 0;
  }
}

/// Sums of the areas for training up to each scene, times their weights.
std::vector<double> cumulative_areas(const std::vector<LabelledScene>& scenes, double gsd_m) {
  std::vector<double> sums;
  double sum = 0;
  for (const LabelledScene& scene : scenes) {
    // In pixels of the crops, so that fine scenes do not count more than coarse ones of the same area.
    const double pixels = scene.gsd_m / gsd_m;
    sum += static_cast<double>(scene.count(PixelUse::Train)) * pixels * pixels * scene.weight;
    sums.push_back(sum);
  }
  return sums;
}

/// One of the scenes, by such sums.
const LabelledScene& draw_scene(const std::vector<LabelledScene>& scenes, const std::vector<double>& sums,
                                Random& random) {
  const double at = random.uniform(0, sums.back());
  const auto chosen = std::upper_bound(sums.begin(), sums.end(), at) - sums.begin();
  return scenes[std::min(static_cast<std::size_t>(chosen), scenes.size() - 1)];
}

}  // namespace

void CropOptions::validate() const {
  constexpr int64_t kLargest = 16384;  // whose memory can still be told
  if (size < 32 || size % 32 != 0 || size > kLargest)
    throw UsageError("--crop: the size must be a multiple of 32 pixels, at most " + std::to_string(kLargest));
  if (!(gsd_m > 0)) throw UsageError("the ground sample distance must be more than 0 m");
  if (!(scale.first > 0 && scale.first <= scale.second))
    throw UsageError("the scale range must be two rising numbers above 0");
  if (!(least_train > 0 && least_train <= 1)) throw UsageError("'least_train' must lie in (0, 1]");
  colour.validate();
  targets.validate();
}

Image<float> warp_pixels(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height,
                         Show show) {
  // A level whose pixels are at most about 1.5 times finer than the crop's: bilinear reading then misses none.
  const double wide = span(scene_from_crop);
  std::size_t level = 0;
  while (level + 1 < scene.pyramid.size() && wide / static_cast<double>(1 << level) >= 1.5) ++level;
  const double factor = 1.0 / static_cast<double>(1 << level);
  const Image<uint8_t>& source = scene.pyramid[level];
  const int64_t source_width = source.width();
  const int64_t source_height = source.height();
  Image<float> out(width, height, source.bands());
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      const Point p = scene_from_crop({static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5});
      const Point mirrored_p = {
          static_cast<double>(mirrored(static_cast<int64_t>(std::floor(p.x)), scene.width())) + 0.5,
          static_cast<double>(mirrored(static_cast<int64_t>(std::floor(p.y)), scene.height())) + 0.5};
      if (show == Show::TrainingOnly && use_at(scene, mirrored_p) != kTrain) continue;
      const double x = p.x * factor - 0.5;
      const double y = p.y * factor - 0.5;
      const double x_floor = std::floor(x);
      const double y_floor = std::floor(y);
      const auto fx = static_cast<float>(x - x_floor);
      const auto fy = static_cast<float>(y - y_floor);
      const int64_t c0 = mirrored(static_cast<int64_t>(x_floor), source_width);
      const int64_t c1 = mirrored(static_cast<int64_t>(x_floor) + 1, source_width);
      const int64_t r0 = mirrored(static_cast<int64_t>(y_floor), source_height);
      const int64_t r1 = mirrored(static_cast<int64_t>(y_floor) + 1, source_height);
      for (int64_t b = 0; b < source.bands(); ++b) {
        const float top =
            static_cast<float>(source.at(c0, r0, b)) * (1 - fx) + static_cast<float>(source.at(c1, r0, b)) * fx;
        const float low =
            static_cast<float>(source.at(c0, r1, b)) * (1 - fx) + static_cast<float>(source.at(c1, r1, b)) * fx;
        out.at(col, row, b) = top * (1 - fy) + low * fy;
      }
    }
  }
  return out;
}

Image<int32_t> warp_labels(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height) {
  const Affine crop_from_scene = scene_from_crop.inverse();
  const auto right = static_cast<double>(width);
  const auto bottom = static_cast<double>(height);
  Bounds footprint;
  for (const Point corner : {Point{0, 0}, Point{right, 0}, Point{0, bottom}, Point{right, bottom}}) {
    footprint.add(scene_from_crop(corner));
  }
  std::vector<MultiPolygon> drawn;
  for (const std::size_t i : objects_in(scene, footprint)) {
    MultiPolygon object = scene.objects[i];
    for (Polygon& part : object) {
      for (Point& p : part.exterior) p = crop_from_scene(p);
      for (Ring& hole : part.holes) {
        for (Point& p : hole) p = crop_from_scene(p);
      }
    }
    drawn.push_back(std::move(object));
  }
  return rasterize_labels(drawn, width, height);
}

Image<uint8_t> warp_use(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height,
                        PixelUse wanted) {
  Image<uint8_t> out(width, height);
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      const Point p = scene_from_crop({static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5});
      out.at(col, row) = use_at(scene, p) == static_cast<uint8_t>(wanted) ? 1 : 0;
    }
  }
  return out;
}

Image<uint8_t> warp_known(const LabelledScene& scene, const Affine& scene_from_crop, int64_t width, int64_t height) {
  const Affine& a = scene_from_crop;
  const bool same_pixels = a.col_dx == 1 && a.row_dy == 1 && a.row_dx == 0 && a.col_dy == 0 &&
                           a.x0 == std::floor(a.x0) && a.y0 == std::floor(a.y0);
  const Window all = {0, 0, scene.width(), scene.height()};
  const auto shown = [&scene](int64_t col, int64_t row) {
    return scene.use.at(mirrored(col, scene.width()), mirrored(row, scene.height())) !=
           static_cast<uint8_t>(PixelUse::NoData);
  };
  const double reach = same_pixels ? 0 : std::max(1.0, span(a));
  Image<uint8_t> out(width, height);
  for (int64_t row = 0; row < height; ++row) {
    for (int64_t col = 0; col < width; ++col) {
      const Point p = a({static_cast<double>(col) + 0.5, static_cast<double>(row) + 0.5});
      const auto floor = [](double value) { return static_cast<int64_t>(std::floor(value)); };
      if (!all.contains(floor(p.x), floor(p.y)) || !shown(floor(p.x), floor(p.y))) continue;
      out.at(col, row) =
          same_pixels ||
                  (shown(floor(p.x - reach), floor(p.y - reach)) && shown(floor(p.x + reach), floor(p.y - reach)) &&
                   shown(floor(p.x - reach), floor(p.y + reach)) && shown(floor(p.x + reach), floor(p.y + reach)))
              ? 1
              : 0;
    }
  }
  return out;
}

bool shows_objects(const LabelledScene& scene) {
  for (const Bounds& box : scene.object_bounds) {
    const auto col = static_cast<int64_t>(std::floor(box.min_x)), row = static_cast<int64_t>(std::floor(box.min_y));
    const Window all{0, 0, scene.width(), scene.height()};
    Window part = intersect(
        {col, row, static_cast<int64_t>(std::ceil(box.max_x)) - col, static_cast<int64_t>(std::ceil(box.max_y)) - row},
        all);
    if (part.empty()) continue;
    part = {part.col - 1, part.row - 1, part.width + 2, part.height + 2};  // with the outline all around
    const Affine place = {static_cast<double>(part.col), 1, 0, static_cast<double>(part.row), 0, 1};
    const Image<int32_t> labels = warp_labels(scene, place, part.width, part.height);
    Image<uint8_t> use = warp_use(scene, place, part.width, part.height, PixelUse::Train);
    discount_doubtful(scene, labels, outline_distance(labels), scene.gsd_m, use);
    for (std::size_t i = 0; i < use.size(); ++i) {
      if (use.data()[i] != 0 && labels.data()[i] != 0) return true;
    }
  }
  return false;
}

CropSampler::CropSampler(std::vector<LabelledScene> scenes, CropOptions options, uint64_t seed)
    : scenes_(std::move(scenes)), options_(std::move(options)), seed_(seed) {
  options_.validate();
  cumulative_share_ = cumulative_areas(scenes_, options_.gsd_m);
  if (cumulative_share_.empty() || !(cumulative_share_.back() > 0))
    throw DataError("no pixel is left for training: check that labels and scenes overlap, and the validation area");
}

void CropSampler::add_drawn(std::shared_ptr<const SceneSource> source, double share) {
  if (!(share >= 0 && share <= 1)) throw UsageError("the share of drawn scenes must lie in [0, 1]");
  drawn_ = std::move(source);
  drawn_share_ = share;
}

void CropSampler::add_negatives(std::vector<LabelledScene> scenes, double share) {
  if (!(share >= 0 && share + drawn_share_ <= 1))
    throw UsageError("the shares of drawn scenes and of images without objects must be 1 together at most");
  cumulative_negatives_ = cumulative_areas(scenes, options_.gsd_m);
  if (cumulative_negatives_.empty() || !(cumulative_negatives_.back() > 0))
    throw DataError("no image without objects has a pixel with data");
  negatives_ = std::move(scenes);
  negatives_share_ = share;
}

CropPlace CropSampler::place(const LabelledScene& scene, Random& random) const {
  constexpr int kTries = 24;
  const auto size = static_cast<double>(options_.size);
  const auto width = static_cast<double>(scene.width());
  const auto height = static_cast<double>(scene.height());
  CropPlace best;
  double best_share = -1;
  for (int i = 0; i < kTries && best_share < options_.least_train; ++i) {
    const double scale = std::exp(random.uniform(std::log(options_.scale.first), std::log(options_.scale.second)));
    const double spacing = options_.gsd_m / scene.gsd_m / scale;
    double angle = static_cast<double>(random.integer(4)) * std::numbers::pi / 2;
    if (random.chance(options_.rotate)) angle = random.uniform(0, 2 * std::numbers::pi);
    const double aspect =
        random.chance(options_.stretch) ? std::exp(random.uniform(-options_.log_aspect, options_.log_aspect)) : 1;
    const double flip = random.chance(0.5) ? -1 : 1;
    Affine a;
    a.col_dx = std::cos(angle) * spacing * aspect * flip;
    a.col_dy = std::sin(angle) * spacing * aspect * flip;
    a.row_dx = -std::sin(angle) * spacing / aspect;
    a.row_dy = std::cos(angle) * spacing / aspect;
    // The centre keeps most of the crop in the scene; crops that are larger than the scene are centred.
    const double reach_x = std::min((std::abs(a.col_dx) + std::abs(a.row_dx)) * size / 2, width / 2) * 0.8;
    const double reach_y = std::min((std::abs(a.col_dy) + std::abs(a.row_dy)) * size / 2, height / 2) * 0.8;
    const double x = random.uniform(reach_x, width - reach_x);
    const double y = random.uniform(reach_y, height - reach_y);
    a.x0 = x - (a.col_dx + a.row_dx) * size / 2;
    a.y0 = y - (a.col_dy + a.row_dy) * size / 2;
    const double share = train_share(scene, a, options_.size);
    if (share > best_share) {
      best = {a, scale};
      best_share = share;
    }
  }
  return best;
}

Sample CropSampler::cut(const LabelledScene& scene, Random& random) const {
  const CropPlace where = place(scene, random);
  const int64_t size = options_.size;
  const double pixel_m = options_.gsd_m / where.scale;
  const int64_t margin = std::max(options_.targets.margin(), doubt_reach(scene, pixel_m));
  // Labels around the crop too, so that objects just outside have their boundary and distance inside.
  Affine wide = where.scene_from_crop;
  const Point corner = wide({-static_cast<double>(margin), -static_cast<double>(margin)});
  wide.x0 = corner.x;
  wide.y0 = corner.y;
  const Image<int32_t> labels = warp_labels(scene, wide, size + 2 * margin, size + 2 * margin);
  const Window inner = {margin, margin, size, size};
  Sample sample;
  sample.pixels = augment_colour(warp_pixels(scene, where.scene_from_crop, size, size, Show::TrainingOnly), random,
                                 options_.colour);
  sample.labels = crop(labels, inner);
  const Image<float> distance = crop(outline_distance(labels), inner);
  sample.maps = class_targets(sample.labels, distance, options_.targets);
  sample.counts = warp_use(scene, where.scene_from_crop, size, size, PixelUse::Train);
  discount_doubtful(scene, sample.labels, distance, pixel_m, sample.counts);
  if (options_.targets.neighbour_weight > 1) {
    const Image<uint8_t> between = crop(between_neighbours(labels), inner);
    for (std::size_t i = 0; i < between.size(); ++i) {
      if (between.data()[i] != 0) sample.counts.data()[i] *= static_cast<uint8_t>(options_.targets.neighbour_weight);
    }
  }
  if (options_.prompts > 0) sample.prompts = sample_prompts(sample.labels, options_.prompts, random);
  return sample;
}

Sample CropSampler::sample(int64_t number) const {
  Random random(seed_, static_cast<uint64_t>(number));
  if (drawn_ || !negatives_.empty()) {
    const double kind = random.uniform();
    if (drawn_ && kind < drawn_share_) {
      const auto size = static_cast<int64_t>(static_cast<double>(options_.size) / options_.scale.first);
      return cut(drawn_->scene(random.next(), size, options_.gsd_m), random);
    }
    if (!negatives_.empty() && kind < drawn_share_ + negatives_share_)
      return cut(draw_scene(negatives_, cumulative_negatives_, random), random);
  }
  return cut(draw_scene(scenes_, cumulative_share_, random), random);
}

}  // namespace plat
