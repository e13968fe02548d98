// SPDX-License-Identifier: Apache-2.0
#include "pipeline/extra_outputs.hpp"

#include "core/error.hpp"
#include "core/log.hpp"
#include "core/text.hpp"

#include <exception>

namespace plat {

bool ExtraOutputs::attempt(const std::string& path, const std::function<void()>& work) {
  try {
    work();
    return true;
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    lost_.push_back(path + " was not written (" + error.what() + ")");
    warnings_.push_back(lost_.back());
    log_warning(lost_.back());
    return false;
  }
}

std::string ExtraOutputs::text() const { return join(lost_, "; "); }

}  // namespace plat
