#include "client-lib/cli/times/time_text.hpp"

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <ctime>

#include "client-lib/cli/times/civil_time.hpp"

namespace stele::cli {
namespace {

void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  char digits[20];
  auto const end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  auto const count = static_cast<std::size_t>(end - digits);
  if (count < width) out.append(width - count, '0');
  out.append(digits, count);
}

void append_civil(std::string& out, std::tm const& time, std::uint64_t fraction_us) {
  auto const year = static_cast<std::uint64_t>(time.tm_year) + 1900;
  if (year > 9999) out += '+';
  append_padded(out, year, 4);
  out += '-';
  append_padded(out, static_cast<std::uint64_t>(time.tm_mon + 1), 2);
  out += '-';
  append_padded(out, static_cast<std::uint64_t>(time.tm_mday), 2);
  out += 'T';
  append_padded(out, static_cast<std::uint64_t>(time.tm_hour), 2);
  out += ':';
  append_padded(out, static_cast<std::uint64_t>(time.tm_min), 2);
  out += ':';
  append_padded(out, static_cast<std::uint64_t>(time.tm_sec), 2);
  out += '.';
  append_padded(out, fraction_us, 6);
}

}  // namespace

std::uint64_t now_us() noexcept {
  auto const now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

void append_utc_time(std::string& out, std::uint64_t time_us) {
  auto const seconds = static_cast<std::time_t>(time_us / second_us);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  append_civil(out, utc, time_us % second_us);
  out += 'Z';
}

void append_local_time(std::string& out, std::uint64_t time_us) {
  auto const seconds = static_cast<std::time_t>(time_us / second_us);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  append_civil(out, local, time_us % second_us);
  auto const offset_minutes = local.tm_gmtoff / 60;
  if (offset_minutes == 0) {
    out += 'Z';
    return;
  }
  auto const distance = static_cast<std::uint64_t>(std::abs(offset_minutes));
  out += offset_minutes < 0 ? '-' : '+';
  append_padded(out, distance / 60, 2);
  out += ':';
  append_padded(out, distance % 60, 2);
}

}  // namespace stele::cli
