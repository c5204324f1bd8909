// Whatever is typed as a time: what it means is written as a text that means the same.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "client-lib/cli/times/time_spec.hpp"
#include "client-lib/cli/times/time_text.hpp"

using namespace stele::cli;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  // 2023-11-14T22:13:20Z.
  constexpr std::uint64_t now_us = 1'700'000'000'000'000;
  // The last moment of the year 9999.
  constexpr std::uint64_t plain_us_max = 253'402'300'799'999'999;
  std::string_view const text(reinterpret_cast<char const*>(data), size);
  auto const span_us = parse_span_us(text);
  auto const time_us = parse_time(text, now_us);
  if (span_us && *span_us > 0 && text.starts_with('@')) std::abort();
  if (!time_us || *time_us > plain_us_max) return 0;
  std::string written;
  append_utc_time(written, *time_us);
  if (parse_time(written, now_us) != time_us) std::abort();
  return 0;
}
