// Where in a request a fault lies: `entries[3].metadata.user.name` and the byte of the text. A text
// that was refused is read once more for it, so that reading a good one pays nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/json/canonical_object.hpp"
#include "protocol/json/json_tokens.hpp"
#include "stele/error.hpp"

namespace stele::protocol {

/// What is wrong inside an entry's metadata or a read's `where`, as CanonicalObject reports it.
struct ObjectFault {
  CanonicalObject::Problem problem = CanonicalObject::Problem::none;
  std::string text{};
};

/// Follows the tokens of a request and knows the path of the value that comes next, or of the one
/// that is being read.
class PlaceFinder {
 public:
  /// With a fault it keeps the path of the first member that has it.
  explicit PlaceFinder(ObjectFault const* fault = nullptr) : fault_(fault) {}

  void take(JsonToken const& token);
  /// Whether the value that begins is nested deeper than it may be.
  bool is_too_deep() const noexcept { return is_too_deep_; }

  /// At most path_bytes_max long. Empty: the request as a whole.
  std::string path() const;
  std::string const& path_of_fault() const noexcept { return path_of_fault_; }

 private:
  /// An object or array that is open.
  struct Level {
    bool is_array = false;
    bool has_name = false;
    std::size_t index = 0;
    std::string name{};                ///< Of the member that is being read, cut.
    std::vector<std::string> twins{};  ///< Names that may be the one of the fault.
  };

  void open(bool is_array);
  void close();
  void take_name(std::string_view name);
  void end_value() noexcept;
  bool begins_metadata() const noexcept;
  bool has_fault(CanonicalObject::Problem problem) const noexcept;

  ObjectFault const* fault_;
  std::string path_of_fault_{};
  bool is_too_deep_ = false;
  std::vector<Level> levels_{};
  std::size_t metadata_level_ = 0;  ///< Open levels around the metadata that is read; 0: none.
};

/// What is larger is not read again: it would hold up others.
inline constexpr std::size_t placed_bytes_max = std::size_t{256} << 10;

/// The path of the value at which the text cannot be read any more, of a text of which that is
/// known.
std::string path_of_bad_json(std::string_view text);

/// The path of the first member that has the fault.
std::string path_of_fault(std::string_view text, ObjectFault const& fault);

}  // namespace stele::protocol
