// The metadata of an entry, member by member, for those who do not have it as JSON text already.
#pragma once

#include "stele/toolchain.hpp"  // First.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace stele {

/// A JSON object with its members in the order of adding:
///
///   entry.metadata = stele::Metadata{}.add("disk", "sda").add("used", 0.91).text();
///
/// The daemon refuses two members of the same name.
class Metadata {
 public:
  /// Bytes that are not UTF-8 become U+FFFD, in names too.
  Metadata& add(std::string_view name, std::string_view value);
  Metadata& add(std::string_view name, char const* value) {
    return add(name, std::string_view{value});
  }
  /// The shortest digits that give the same double; not a number and infinity become null.
  Metadata& add(std::string_view name, double value);
  Metadata& add(std::string_view name, bool value);
  Metadata& add(std::string_view name, Metadata const& value);
  template <std::signed_integral Integer>
  Metadata& add(std::string_view name, Integer value) {
    return add_signed(name, value);
  }
  template <std::unsigned_integral Integer>
  requires(!std::same_as<Integer, bool>) Metadata& add(std::string_view name, Integer value) {
    return add_unsigned(name, value);
  }

  /// As LogEntry takes it.
  std::string text() const { return members_.empty() ? "{}" : members_ + '}'; }

 private:
  void start(std::string_view name);
  Metadata& add_signed(std::string_view name, std::int64_t value);
  Metadata& add_unsigned(std::string_view name, std::uint64_t value);

  std::string members_{};  ///< With the opening brace, once there is a member.
};

}  // namespace stele
