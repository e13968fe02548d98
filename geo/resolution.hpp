// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace plat {

/// Whether pixels of two sizes (metres) pass for the same: within 5 % resampling would blur more than it helps, and every
/// model has seen a wider range of scales than this.
bool same_resolution(double gsd_m, double other_gsd_m);
/// Whether a scene's pixels are so much larger than a model's, three times, that they show nothing that the model knows; making
/// them finer would only make the scene larger.
bool far_too_coarse(double scene_gsd_m, double model_gsd_m);
/// Whether a scene is resampled for a model, unless a resolution is asked for: neither of the above.
bool resampled_for_model(double scene_gsd_m, double model_gsd_m);

}  // namespace plat
