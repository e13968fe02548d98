// SPDX-License-Identifier: Apache-2.0
#include "training/data/training_data.hpp"

#include "core/cancel.hpp"
#include "core/error.hpp"
#include "core/file_identity.hpp"
#include "geo/location.hpp"
#include "training/data/data_discovery.hpp"
#include "training/data/data_report.hpp"
#include "training/data/ground_split.hpp"
#include "training/data/image_rules.hpp"
#include "training/data/kept_out_box.hpp"
#include "training/data/negatives.hpp"
#include "training/data/planned_scene.hpp"
#include "training/data/scene_loader.hpp"
#include "training/data/validation_areas.hpp"
#include "training/labels/label_checks.hpp"
#include "training/labels/label_reader.hpp"
#include "training/labels/labels_on_scene.hpp"
#include "training/samples/crop_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace plat {
namespace {

constexpr std::size_t kFewLines = 12;  // of a section of the report that people see as the run starts

using Labels = std::vector<std::shared_ptr<const LabelSet>>;

}  // namespace

/// Builds the training data step by step.
struct TrainingDataLoader::Impl {
 public:
  explicit Impl(TrainingDataOptions options)
      : options_(std::move(options)),
        rules_(options_.rules),
        reader_(options_.class_attribute, options_.labels_crs, options_.layer) {}

  /// All that needs no pixels.
  void plan() {
    FoundData found = find_training_data(options_.inputs());
    report_.left_out = std::move(found.left_out);
    read_labels(std::move(found.images));
    require_objects();
    const ClassChoice choice(all_labels(), options_.class_name, options_.class_values);
    std::vector<SceneFile> files;
    for (const ImageLabels& image : images_) files.push_back({image.image, group_of(image)});
    for (SceneFrame& frame :
         plan_scenes(files, {options_.bands, options_.gsd_m, options_.image_gsd_m, options_.assign_crs}))
      plan_scene(std::move(frame), choice);
    if (planned_.empty()) throw DataError("no label lies on any image" + reasons());
    if (data_.objects == 0) throw DataError("the images have labels, but no object is on them" + reasons());
    rules_.require_used();
    report_.findings = choice.findings();
    plan_validation();
    if (options_.negatives.paths.empty()) return;
    negatives_ =
        plan_negatives(options_.negatives, {options_.bands, options_.gsd_m, options_.image_gsd_m, options_.assign_crs});
    for (const PlannedNegative& planned : negatives_) {
      require_no_labels(planned.image);
      memory_.add_negative(static_cast<double>(planned.part.pixel_count()));
    }
  }

  const DataMemory& memory() const { return memory_; }

  TrainingData load() {
    for (PlannedScene& planned : planned_) {
      throw_if_cancelled();
      data_.scenes.push_back(load_planned(std::move(planned)));
    }
    for (const PlannedNegative& planned : negatives_) add_negative(planned);
    if (data_.negatives.empty() && !negatives_.empty())
      throw DataError("--negatives: no raster there shows ground that images with labels do not; name other imagery");
    leave_out();
    check();
    split();
    finish();
    return std::move(data_);
  }

 private:
  /// Throws DataError where the labels themselves hold nothing, wherever they lie.
  void require_objects() const {
    int64_t objects = 0;
    int64_t without_area = 0;
    for (const auto& set : all_labels()) {
      objects += static_cast<int64_t>(set->objects.size());
      without_area += set->without_area;
    }
    if (objects > 0 || labels_.empty()) return;
    throw DataError("the labels hold no object" +
                    (without_area > 0
                         ? ", only " + std::to_string(without_area) + " points, lines or boxes without an outline"
                         : std::string()) +
                    "; draw outlines, or name other labels" + (report_.left_out.empty() ? "" : reasons()));
  }

  /// Rasters are joined where they have the very same labels, and the same is said of them.
  std::string group_of(const ImageLabels& image) const {
    std::string group;
    if (image.own) return group;
    for (const LabelSource& source : image.labels) group += source.path + "\n";
    return group + rules_.of(image.image).key();
  }

  /// Reads the labels of images; those that cannot be read leave their image out.
  void read_labels(std::vector<ImageLabels> found) {
    for (ImageLabels& image : found) {
      throw_if_cancelled();
      Labels labels;
      std::vector<LabelSource> sources;
      for (const LabelSource& source : image.labels) {
        if (refused_.contains(source.path)) continue;
        try {
          labels.push_back(reader_.read(source));
          sources.push_back(source);
        } catch (const DataError& error) {
          refuse(source.path, error);
        } catch (const IoError& error) {
          refuse(source.path, error);
        }
      }
      if (labels.empty()) continue;
      image.labels = std::move(sources);
      labels_.push_back(std::move(labels));
      images_.push_back(std::move(image));
    }
    if (images_.empty()) throw DataError("no labels can be used" + reasons());
  }

  void refuse(const std::string& path, const Error& error) {
    refused_.insert(path);
    std::string reason = error.what();
    if (reason.starts_with(path + ": ")) reason.erase(0, path.size() + 2);
    report_.left_out.push_back({path, reason});
  }

  /// Each set once.
  Labels all_labels() const {
    std::set<std::shared_ptr<const LabelSet>> seen;
    Labels all;
    for (const Labels& labels : labels_) {
      for (const auto& set : labels) {
        if (seen.insert(set).second) all.push_back(set);
      }
    }
    return all;
  }

  void plan_scene(SceneFrame frame, const ClassChoice& choice) {
    throw_if_cancelled();
    const std::size_t first = frame.files.front();
    const ImageLabels& image = images_[first];
    const std::string name =
        file_name(image.image) + (frame.files.size() == 1 ? ""
                                  : frame.files.size() == 2
                                      ? " and a neighbour"
                                      : " and " + std::to_string(frame.files.size() - 1) + " neighbours");
    require_sensible_gsd(options_.gsd_m, frame.gsd_m, name);
    PlacedLabels placed;
    try {
      placed = place_labels(labels_[first], choice, frame, image.own, options_.gsd_m);
    } catch (const DataError& error) {
      report_.left_out.push_back({image.image, error.what()});
      return;
    }
    if (placed.objects.empty() && (!image.own || placed.counts.outside > 0)) {
      report_.left_out.push_back({image.image, image.own ? misplaced(image) : "no label lies on it"});
      return;
    }
    counts_.add(placed.counts);
    empty_ += placed.objects.empty() ? 1 : 0;
    without_georeference_ += frame.georeferenced ? 0 : 1;
    data_.objects += static_cast<int64_t>(placed.objects.size());
    ReportedScene reported;
    reported.name = name;
    reported.rule = rules_.of(image.image);
    if (reported.rule.incomplete && reported.rule.label_margin_m >= kKnownAround_m)
      throw UsageError("--label-margin and --incomplete leave no background of " + image.image +
                       " to learn from: give it a margin below 3 m, or one of the two");
    reported.width = frame.grid.width;
    reported.height = frame.grid.height;
    reported.gsd_m = frame.gsd_m;
    reported.objects = static_cast<int64_t>(placed.objects.size());
    for (const std::size_t file : frame.files) {
      reported.images.push_back(images_[file]);
      rules_.note_used(images_[file].image);
    }
    report_.scenes.push_back(std::move(reported));
    as_they_stand_.push_back(options_.labels_crs.empty() && !options_.fix_shift &&
                             count_as_they_stand(image, labels_[first], choice));
    const double context = static_cast<double>(options_.context_px) * options_.gsd_m / frame.gsd_m;
    planned_.push_back({name, std::move(frame), std::move(placed), report_.scenes.back().rule});
    planned_.back().hold_labelled(context);
    memory_.add_scene(name, static_cast<double>(planned_.back().part.pixel_count()));
  }

  /// Expects of the validation areas what the share that is kept out, or its rectangle, says of their size.
  void plan_validation() {
    double all = 0;
    for (const PlannedScene& planned : planned_) {
      const auto covered = static_cast<double>(planned.labels.covered.pixel_count());
      double pixels = planned.rule.left_out ? covered : options_.val_fraction * covered;
      if (options_.val_bbox && !planned.rule.left_out) {
        const std::optional<Window> box =
            pixels_in_box(planned.frame.grid.sub(planned.part), *options_.val_bbox, options_.val_bbox_crs);
        pixels = box && planned.frame.georeferenced ? static_cast<double>(box->pixel_count()) : 0;
      }
      all += planned.model_pixels(pixels);
    }
    memory_.plan_validation(all);
  }

  void add_negative(const PlannedNegative& planned) {
    throw_if_cancelled();
    LabelledScene scene = load_negative(planned, options_.gsd_m);
    const int64_t pixels = hide_ground_of(scene, data_.scenes);
    if (pixels == 0) {
      report_.left_out.push_back({planned.image, "its middle has no data, or images with labels show it too"});
      return;
    }
    const double pixel_m = planned.frame.gsd_m;
    report_.negatives.push_back({planned.image, planned.frame.grid.width, planned.frame.grid.height, pixel_m,
                                 static_cast<double>(pixels) * pixel_m * pixel_m, planned.pixel_by_pixel});
    data_.negatives.push_back(std::move(scene));
  }

  /// Why none of the labels that were made for an image lies on it.
  std::string misplaced(const ImageLabels& image) const {
    const std::string labels = file_name(image.labels.front().path);
    if (image.labels.front().kind != LabelKind::Layer) return "all objects of " + labels + " lie outside it";
    return labels + " " +
           misplacement(layer_location(image.labels.front().path, options_.labels_crs, options_.layer),
                        {raster_location(image.image, options_.assign_crs)});
  }

  void note(Severity severity, const char* check, int64_t count, const std::string& text, const char* advice = "") {
    if (count > 0) report_.findings.push_back({severity, check, count, text + ": " + std::to_string(count) + advice});
  }

  void check() {
    int64_t without_area = 0;
    int64_t unknown = 0;
    for (const auto& set : all_labels()) {
      without_area += set->without_area;
      unknown += static_cast<int64_t>(set->unknown.size());
      if (set->misplaced > 0)
        report_.findings.push_back({Severity::Warning, "misplaced", set->misplaced, set->warning});
    }
    note(Severity::Note, "no-area", without_area, "labels without area (points, lines, boxes), left out");
    note(Severity::Note, "unknown", unknown, "areas that the labels call unknown (crowds, 255 in masks), not used");
    note(Severity::Note, "empty", empty_, "images with labels but no object, all of them background");
    if (!options_.image_gsd_m)
      note(Severity::Warning, "no-georeference", without_georeference_,
           "images without georeference, whose pixels are taken for those of the model",
           "; say how large they are with --image-gsd");
    for (Finding& finding : describe(counts_, data_.objects)) report_.findings.push_back(std::move(finding));
    ShiftCheck shift = check_shift(data_.scenes, options_.fix_shift);
    for (std::size_t i = 0; i < shift.scenes.size(); ++i) report_.scenes[i].shift = shift.scenes[i];
    for (Finding& finding : shift.findings) report_.findings.push_back(std::move(finding));
  }

  void split() {
    if (options_.val_bbox) {
      for (LabelledScene& scene : data_.scenes) keep_out_box(scene, *options_.val_bbox, options_.val_bbox_crs);
      report_.split.how = "the rectangle of --val-bbox";
    } else {
      report_.split = split_on_ground(data_.scenes, {options_.val_fraction, options_.val_block_m, options_.seed});
    }
  }

  /// Throws UsageError where an image without objects is one with labels, or one that is left out.
  void require_no_labels(const std::string& negative) const {
    if (std::ranges::any_of(images_, [&](const ImageLabels& image) { return same_file(image.image, negative); }))
      throw UsageError("--negatives: " + negative + " has labels; name images without any object");
    if (rules_.of(negative).left_out)
      throw UsageError("--negatives: " + negative + " lies at or below a path of --leave-out; name other images");
  }

  /// Keeps scenes out whole.
  void leave_out() {
    std::vector<bool> left_out;
    for (const ReportedScene& scene : report_.scenes) left_out.push_back(scene.rule.left_out);
    report_.left_out_whole = std::ranges::count(left_out, true);
    note(Severity::Note, "left-out-ground", keep_out_scenes(data_.scenes, left_out),
         "pixels of other images on ground that --leave-out names, not used");
  }

  void finish() {
    for (std::size_t i = 0; i < data_.scenes.size(); ++i) {
      const LabelledScene& scene = data_.scenes[i];
      const auto train = static_cast<double>(scene.count(PixelUse::Train));
      const auto validate = static_cast<double>(scene.count(PixelUse::Validate));
      const double pixel_m2 = scene.gsd_m * scene.gsd_m;
      report_.training.area_m2 += train * pixel_m2;
      report_.validation.area_m2 += validate * pixel_m2;
      report_.training.objects += objects_on(scene, PixelUse::Train);
      report_.validation.objects += objects_on(scene, PixelUse::Validate);
      const auto all = static_cast<double>(report_.scenes[i].width * report_.scenes[i].height);
      data_.teaches = data_.teaches || shows_objects(scene);
      report_.scenes[i].training = train / all;
      report_.scenes[i].validation = validate / all;
      std::ranges::move(
          kept_out_ground(scene, report_.scenes[i].images, options_.bands, options_.assign_crs, as_they_stand_[i]),
          std::back_inserter(data_.kept_out));
    }
    data_.validation = validation_areas(data_.scenes);
    const double model_m2 = options_.gsd_m * options_.gsd_m;
    data_.training_pixels = std::llround(report_.training.area_m2 / model_m2);
    data_.validation_pixels = std::llround(report_.validation.area_m2 / model_m2);
    data_.validation_objects = report_.validation.objects;
    if (data_.validation_pixels > 0 && data_.validation_objects == 0) {
      report_.findings.push_back(
          {Severity::Warning, "validation", 0, "no object lies in the validation area: its figures will say nothing"});
    }
    report_.negatives_share = options_.negatives.share;
    data_.report = lines_of(report_, options_.data.size() + options_.scenes.size() + images_.size() +
                                         negatives_.size() + report_.left_out.size());
    data_.summary = lines_of(report_, kFewLines);
    data_.json = to_json(report_);
  }

  /// The first reasons why something was left out, to end a message with.
  std::string reasons() const {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(report_.left_out.size(), 3); ++i)
      text += (i == 0 ? ": " : "; ") + file_name(report_.left_out[i].path) + ": " + report_.left_out[i].reason;
    return text.empty() ? ": check their coordinate reference systems" : text;
  }

  const TrainingDataOptions options_;
  ImageRules rules_;
  LabelReader reader_;
  std::vector<ImageLabels> images_;
  std::vector<Labels> labels_;       ///< one an image
  std::vector<bool> as_they_stand_;  ///< whether the labels of a scene count as their file has them
  std::set<std::string> refused_;
  LabelCounts counts_;
  int64_t empty_ = 0;
  int64_t without_georeference_ = 0;
  std::vector<PlannedScene> planned_;
  std::vector<PlannedNegative> negatives_;
  DataMemory memory_;
  DataReport report_;
  TrainingData data_;
};

TrainingDataLoader::TrainingDataLoader(TrainingDataOptions options) {
  options.validate();
  impl_ = std::make_unique<Impl>(std::move(options));
  impl_->plan();
}

TrainingDataLoader::~TrainingDataLoader() = default;
TrainingDataLoader::TrainingDataLoader(TrainingDataLoader&&) noexcept = default;
TrainingDataLoader& TrainingDataLoader::operator=(TrainingDataLoader&&) noexcept = default;

const DataMemory& TrainingDataLoader::memory() const { return impl_->memory(); }
TrainingData TrainingDataLoader::load() { return impl_->load(); }

void TrainingDataOptions::validate() const {
  if (data.empty() && scenes.empty())
    throw UsageError(
        "no training data is given; name a folder, a list, a STAC item, a COCO file, or images and labels");
  if (data.empty() && labels.empty()) throw UsageError("--scenes needs --labels, or name both without options");
  if (!(gsd_m > 0)) throw UsageError("--gsd must be more than 0 m");
  if (image_gsd_m && !(*image_gsd_m > 0)) throw UsageError("--image-gsd must be more than 0 m");
  if (!(val_fraction >= 0 && val_fraction <= 0.9)) throw UsageError("--val-fraction must lie in [0, 0.9]");
  if (context_px < 0) throw UsageError("the context of labelled parts must be 0 pixels or more");
  if (!(val_block_m > 0)) throw UsageError("--val-block must be more than 0 m");
  rules.validate();
  negatives.validate();
  if (val_bbox && val_bbox->empty())
    throw UsageError("--val-bbox needs xmin,ymin,xmax,ymax with xmin < xmax and ymin < ymax");
}

DataInputs TrainingDataOptions::inputs() const {
  return {data, scenes, labels, class_attribute, assign_crs, labels_crs, layer};
}

TrainingData load_training_data(const TrainingDataOptions& options) { return TrainingDataLoader(options).load(); }

}  // namespace plat
