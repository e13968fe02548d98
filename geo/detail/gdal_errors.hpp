// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace plat::detail {

/// Collects GDAL's and PROJ's messages on this thread while it lives, instead of letting them reach the log. Scopes
/// nest; the innermost one collects. One thread only.
class GdalErrors {
 public:
  GdalErrors();
  ~GdalErrors();
  GdalErrors(const GdalErrors&) = delete;
  GdalErrors& operator=(const GdalErrors&) = delete;

  bool failed() const { return failed_; }
  /// The first failure, else the first warning (what follows are its consequences), on one line and without the file's
  /// name, which our own sentences begin with; "" when nothing was said.
  std::string text(const std::string& path = "") const;
  /// The same in brackets after a space, for the end of a sentence; "" when nothing was said.
  std::string suffix(const std::string& path = "") const;
  /// Whether a warning says that pixels were lost: decoders of JPEG and others go on after damage.
  bool lost_data() const;
  void clear();

  /// Called by GDAL's error handler.
  void add(bool failure, const char* message);

 private:
  std::vector<std::string> failures_;
  std::vector<std::string> warnings_;
  bool failed_ = false;
};

}  // namespace plat::detail
