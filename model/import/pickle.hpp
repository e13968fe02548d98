// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace plat::detail {

/// A value of a pickle. Other values are named by their index in PickleValues, so that a value that holds itself or a
/// chain of a million lists does no harm.
struct PickleValue {
  enum class Kind : uint8_t {
    None,
    Boolean,     ///< `integer`
    Integer,     ///< `integer`
    Real,        ///< `real`
    Text,        ///< `text`
    Tuple,       ///< `items`
    List,        ///< `items`; sets too
    Dict,        ///< `items`: key, value, key, value, …
    Global,      ///< `text`: module.name
    Call,        ///< `items`: a Global and the Tuple of its arguments; what it would make in Python
    Persistent,  ///< `items`: the value that names something outside the pickle
  };
  Kind kind = Kind::None;
  union {
    int64_t integer = 0;
    double real;
  };
  std::string text;
  std::vector<uint32_t> items;
};

struct PickleValues {
  std::vector<PickleValue> values;
  uint32_t root = 0;
  std::size_t length = 0;  ///< bytes of the pickle; others may follow

  const PickleValue& at(uint32_t index) const { return values[index]; }
};

/// Reads a pickle of Python's protocols 2 to 5 as data: nothing in it is ever run. Globals are taken by name and only
/// where `allowed` holds them; collections.OrderedDict becomes a Dict, and attributes that are put on an object are left
/// out. Throws ModelError beginning with `where` for another global, an instruction that tables of tensors do not need,
/// a damaged pickle, or one with more than a million values.
PickleValues read_pickle(std::span<const std::byte> bytes, const std::set<std::string>& allowed,
                         const std::string& where);

}  // namespace plat::detail
