// SPDX-License-Identifier: Apache-2.0
#include "model/import/pickle.hpp"

#include "core/error.hpp"

#include <bit>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace plat::detail {
namespace {

using Kind = PickleValue::Kind;

// The largest SAM's table has some ten thousand values; beyond this a file only means to exhaust memory.
constexpr std::size_t kMaxValues = 1'000'000;
constexpr std::string_view kOrderedDict = "collections.OrderedDict";

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 80)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

/// The stack machine of Python's Lib/pickle.py, with the instructions that data needs. Opcodes are named as there.
class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const std::set<std::string>& allowed, const std::string& where)
      : bytes_(bytes), allowed_(allowed), where_(where) {}

  PickleValues run() {
    while (step()) {
    }
    result_.root = pop();
    result_.length = at_;
    return std::move(result_);
  }

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw ModelError(where_ + ": its table of tensors (a pickle) is damaged: " + what + "; download or write it again");
  }

  std::string_view take(uint64_t count) {
    if (count > bytes_.size() - at_) damaged("it ends too early");
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    at_ += static_cast<std::size_t>(count);
    return {begin, static_cast<std::size_t>(count)};
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view line() {
    const auto* begin = reinterpret_cast<const char*>(bytes_.data()) + at_;
    const void* end = std::memchr(begin, '\n', bytes_.size() - at_);
    if (end == nullptr) damaged("it ends too early");
    const std::string_view text = take(static_cast<uint64_t>(static_cast<const char*>(end) - begin));
    ++at_;
    return text;
  }

  PickleValue& push(Kind kind) {
    if (result_.values.size() >= kMaxValues) damaged("it has more than a million values");
    stack_.push_back(static_cast<uint32_t>(result_.values.size()));
    PickleValue& value = result_.values.emplace_back();
    value.kind = kind;
    return value;
  }

  void push_items(Kind kind, std::vector<uint32_t> items) { push(kind).items = std::move(items); }

  void push_integer(int64_t integer, Kind kind = Kind::Integer) { push(kind).integer = integer; }

  /// Values above the last mark are what an instruction may take one by one.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  uint32_t pop() {
    if (stack_.size() <= floor()) damaged("an instruction finds no value");
    const uint32_t index = stack_.back();
    stack_.pop_back();
    return index;
  }

  uint32_t top() const {
    if (stack_.size() <= floor()) damaged("an instruction finds no value");
    return stack_.back();
  }

  std::vector<uint32_t> pop_to_mark() {
    if (marks_.empty()) damaged("an instruction finds no mark");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<uint32_t> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::vector<uint32_t> pop_count(std::size_t count) {
    std::vector<uint32_t> items(count);
    for (std::size_t i = count; i > 0; --i) items[i - 1] = pop();
    return items;
  }

  void remember(uint64_t key) {
    if (memo_.size() >= kMaxValues) damaged("it has more than a million values");
    memo_[key] = top();
  }

  void recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) damaged("it names a value that is not there");
    stack_.push_back(found->second);
  }

  void extend(Kind kind, const std::vector<uint32_t>& items) {
    PickleValue& target = result_.values[top()];
    if (target.kind != kind || (kind == Kind::Dict && items.size() % 2 != 0)) damaged("a value has the wrong type");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void global(std::string_view module, std::string_view name) {
    const std::string whole = std::string(module) + "." + std::string(name);
    if (!allowed_.contains(whole)) {
      throw ModelError(where_ + ": asks for " + printable(whole) +
                       ", which no table of tensors needs; nothing of it was run; save the network's state_dict() "
                       "alone with torch.save, or as safetensors");
    }
    push(Kind::Global).text = whole;
  }

  void stack_global() {
    const uint32_t name = pop(), module = pop();
    if (result_.at(name).kind != Kind::Text || result_.at(module).kind != Kind::Text) {
      damaged("the name of a global is no text");
    }
    // Pushing moves the texts.
    const std::string module_text = result_.at(module).text, name_text = result_.at(name).text;
    global(module_text, name_text);
  }

  void call() {
    const uint32_t arguments = pop(), callee = pop();
    if (result_.at(callee).kind != Kind::Global || result_.at(arguments).kind != Kind::Tuple) {
      damaged("it calls what is no function");
    }
    if (result_.at(callee).text != kOrderedDict) return push_items(Kind::Call, {callee, arguments});
    std::vector<uint32_t> items;  // of the pairs that old Pythons pass to the constructor
    const PickleValue& tuple = result_.at(arguments);
    if (!tuple.items.empty()) {
      for (const uint32_t index : result_.at(tuple.items[0]).items) {
        const auto& pair = result_.at(index).items;
        if (pair.size() != 2) damaged("a value has the wrong type");
        items.insert(items.end(), pair.begin(), pair.end());
        // The same list may be passed again and again.
        if (++copied_ > kMaxValues) damaged("it has more than a million values");
      }
    }
    push_items(Kind::Dict, std::move(items));
  }

  int64_t long_integer(std::size_t size) {
    const std::string_view digits = take(size);
    if (digits.size() > sizeof(int64_t)) damaged("a number is too large");
    // The sign is that of the last byte.
    uint64_t value = !digits.empty() && static_cast<signed char>(digits.back()) < 0 ? ~uint64_t{0} : 0;
    std::memcpy(&value, digits.data(), digits.size());
    return static_cast<int64_t>(value);
  }

  /// Instructions with a text or a number in the stream; false where `code` is none of them.
  bool step_literal(char code) {
    switch (code) {
      case 'J': push_integer(number<int32_t>()); return true;                   // BININT
      case 'K': push_integer(number<uint8_t>()); return true;                   // BININT1
      case 'M': push_integer(number<uint16_t>()); return true;                  // BININT2
      case '\x8a': push_integer(long_integer(number<uint8_t>())); return true;  // LONG1
      case 'G': push(Kind::Real).real = real(); return true;                    // BINFLOAT
      case 'X': text(number<uint32_t>()); return true;                          // BINUNICODE
      case 'T': text(number<uint32_t>()); return true;                          // BINSTRING
      case 'B': text(number<uint32_t>()); return true;                          // BINBYTES
      case 'U': text(number<uint8_t>()); return true;                           // SHORT_BINSTRING
      case 'C': text(number<uint8_t>()); return true;                           // SHORT_BINBYTES
      case '\x8c': text(number<uint8_t>()); return true;                        // SHORT_BINUNICODE
      case '\x8d': text(number<uint64_t>()); return true;                       // BINUNICODE8
      case 'N': push(Kind::None); return true;                                  // NONE
      case '\x88': push_integer(1, Kind::Boolean); return true;                 // NEWTRUE
      case '\x89': push_integer(0, Kind::Boolean); return true;                 // NEWFALSE
      default: return false;
    }
  }

  double real() {
    // Big-endian, unlike all other numbers.
    uint64_t bits = 0;
    for (const char c : take(sizeof(double))) bits = bits << 8U | static_cast<unsigned char>(c);
    return std::bit_cast<double>(bits);
  }

  void text(uint64_t size) {
    const std::string_view characters = take(size);
    push(Kind::Text).text = characters;
  }

  /// Instructions that build lists, tuples and dictionaries; false where `code` is none of them.
  bool step_container(char code) {
    switch (code) {
      case '(': marks_.push_back(stack_.size()); return true;           // MARK
      case '}': push(Kind::Dict); return true;                          // EMPTY_DICT
      case ']': push(Kind::List); return true;                          // EMPTY_LIST
      case '\x8f': push(Kind::List); return true;                       // EMPTY_SET
      case ')': push(Kind::Tuple); return true;                         // EMPTY_TUPLE
      case 't': push_items(Kind::Tuple, pop_to_mark()); return true;    // TUPLE
      case 'l': push_items(Kind::List, pop_to_mark()); return true;     // LIST
      case '\x91': push_items(Kind::List, pop_to_mark()); return true;  // FROZENSET
      case '\x85': push_items(Kind::Tuple, pop_count(1)); return true;  // TUPLE1
      case '\x86': push_items(Kind::Tuple, pop_count(2)); return true;  // TUPLE2
      case '\x87': push_items(Kind::Tuple, pop_count(3)); return true;  // TUPLE3
      case 'a': extend(Kind::List, pop_count(1)); return true;          // APPEND
      case 'e': extend(Kind::List, pop_to_mark()); return true;         // APPENDS
      case '\x90': extend(Kind::List, pop_to_mark()); return true;      // ADDITEMS
      case 's': extend(Kind::Dict, pop_count(2)); return true;          // SETITEM
      case 'u': extend(Kind::Dict, pop_to_mark()); return true;         // SETITEMS
      case 'd': {                                                       // DICT
        std::vector<uint32_t> items = pop_to_mark();
        push(Kind::Dict);
        extend(Kind::Dict, items);
        return true;
      }
      default: return false;
    }
  }

  /// One instruction; false after the last.
  bool step() {
    const char code = take(1)[0];
    if (step_literal(code) || step_container(code)) return true;
    switch (code) {
      case '.': return false;                                             // STOP
      case '\x80': proto(); return true;                                  // PROTO
      case '\x95': number<uint64_t>(); return true;                       // FRAME: only a hint for reading ahead
      case 'q': remember(number<uint8_t>()); return true;                 // BINPUT
      case 'r': remember(number<uint32_t>()); return true;                // LONG_BINPUT
      case '\x94': remember(memo_.size()); return true;                   // MEMOIZE
      case 'h': recall(number<uint8_t>()); return true;                   // BINGET
      case 'j': recall(number<uint32_t>()); return true;                  // LONG_BINGET
      case '0': pop(); return true;                                       // POP
      case '1': pop_to_mark(); return true;                               // POP_MARK
      case '2': stack_.push_back(top()); return true;                     // DUP
      case 'Q': push_items(Kind::Persistent, pop_count(1)); return true;  // BINPERSID
      case '\x93': stack_global(); return true;                           // STACK_GLOBAL
      case 'c': {                                                         // GLOBAL
        const std::string_view module = line();
        global(module, line());
        return true;
      }
      case 'R': call(); return true;     // REDUCE
      case '\x81': call(); return true;  // NEWOBJ
      case 'b':                          // BUILD: attributes of an object
        pop();
        top();
        return true;
      default: break;
    }
    char hex[8];
    std::snprintf(hex, sizeof hex, "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(code)));
    damaged(std::string("it has the instruction ") + hex + ", which no table of tensors needs");
  }

  void proto() {
    const int version = number<uint8_t>();
    if (version > 5) damaged("it has the protocol " + std::to_string(version) + ", plat knows those up to 5");
  }

  std::span<const std::byte> bytes_;
  const std::set<std::string>& allowed_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t copied_ = 0;
  PickleValues result_;
  std::vector<uint32_t> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<uint64_t, uint32_t> memo_;
};

}  // namespace

PickleValues read_pickle(std::span<const std::byte> bytes, const std::set<std::string>& allowed,
                         const std::string& where) {
  return Machine(bytes, allowed, where).run();
}

}  // namespace plat::detail
