// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace plat {

/// A name beside `target` that nothing else has or gets: ".out.plat-<process>-<random>.tif" for "out.tif", so that two runs with one
/// output never share it, no file of the user's is taken for it, and the extension still tells the format.
/// Names of the same target that processes which are gone have left behind, with what lies under them, are removed.
std::string staged_name(const std::string& target);

/// Whether a file's name is one that staged_name() gives.
bool is_staged_name(const std::string& name);

/// Gives a complete file or folder another name beside it, in one step; what had that name before is removed, and where that
/// takes long it has another name meanwhile. Throws IoError, and then both are as they were.
void replace_path(const std::string& from, const std::string& to);

/// A file or folder that takes the name of its target when it is complete, and is removed where that does not happen.
/// What had the name before stays as it is until then. One thread at a time.
class StagedPath {
 public:
  enum class Kind { File, Folder };

  /// Chooses the name; a folder is made under it. Throws IoError when the folder of the target is missing or not writable.
  explicit StagedPath(const std::string& target, Kind kind = Kind::File);
  /// Removes what was not committed.
  ~StagedPath();
  StagedPath(const StagedPath&) = delete;
  StagedPath& operator=(const StagedPath&) = delete;

  /// Where to write.
  const std::string& path() const { return path_; }
  /// Gives what was written its target's name in one step; a file or folder that had it before is gone afterwards.
  /// Throws IoError, and then both are as they were.
  void commit();

 private:
  std::string target_;
  std::string path_;
  bool committed_ = false;
};

/// Writes a file that has its name only when all of it is there. Throws IoError, and then an earlier one is as it was.
void write_whole_file(const std::string& path, std::string_view bytes);

}  // namespace plat
