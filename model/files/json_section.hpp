// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/error.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <type_traits>
#include <utility>

namespace plat::detail {

/// Reads the keys of one JSON object into values that keep their default where a key is absent. Errors are ModelErrors
/// that name the file and the key. Not part of the public interface: it shows json.
class JsonSection {
 public:
  /// `object` must outlive this. `name` is what errors call it, "" for the whole file.
  JsonSection(const nlohmann::json& object, std::string file, std::string name)
      : object_(object), file_(std::move(file)), name_(std::move(name)) {
    if (!object_.is_object()) throw ModelError(file_ + ": '" + name_ + "' must be a JSON object");
  }

  /// Reads a key; `null` counts as absent. Returns whether it was there.
  template <typename T>
  bool read(const std::string& key, T& value) {
    known_.insert(key);
    const auto found = object_.find(key);
    if (found == object_.end() || found->is_null()) return false;
    try {
      value = found->template get<T>();
    } catch (const nlohmann::json::exception&) {
      fail(key, "has the wrong type");
    }
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!found->is_number_integer()) fail(key, "must be a whole number");
    }
    return true;
  }

  /// The object below a key, or an empty one.
  JsonSection section(const std::string& key) {
    static const nlohmann::json empty = nlohmann::json::object();
    known_.insert(key);
    const auto found = object_.find(key);
    return {found == object_.end() ? empty : *found, file_, path(key)};
  }

  /// Marks a key as known without reading it.
  const nlohmann::json* find(const std::string& key) {
    known_.insert(key);
    const auto found = object_.find(key);
    return found == object_.end() ? nullptr : &*found;
  }

  /// Fails where the key has another value than the only one that plat supports.
  template <typename T>
  void require(const std::string& key, const T& only) {
    T value = only;
    if (read(key, value) && value != only) fail(key, "is not supported, only " + nlohmann::json(only).dump() + " is");
  }

  /// Fails at the first key that nothing has asked for.
  void reject_unknown() const {
    for (const auto& item : object_.items()) {
      if (!known_.contains(item.key())) fail(item.key(), "is not a key that plat knows; correct or remove it");
    }
  }

  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw ModelError(file_ + ": '" + path(key) + "' " + what);
  }

  std::string path(const std::string& key) const { return name_.empty() ? key : name_ + "." + key; }

 private:
  const nlohmann::json& object_;
  std::string file_, name_;
  std::set<std::string> known_;
};

}  // namespace plat::detail
