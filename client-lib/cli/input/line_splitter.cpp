#include "client-lib/cli/input/line_splitter.hpp"

namespace stele::cli {

std::optional<LineSplitter::Line> LineSplitter::next() {
  if (handed_out_) {
    started_.clear();
    started_bytes_ = 0;
    handed_out_ = false;
  }
  auto const end = chunk_.find('\n');
  auto const part = chunk_.substr(0, end);
  bool const whole_line_in_chunk = end != std::string_view::npos && started_bytes_ == 0;
  if (whole_line_in_chunk && part.size() <= line_bytes_max_) {
    chunk_.remove_prefix(end + 1);
    return Line{.text = part, .bytes = part.size()};
  }
  started_bytes_ += part.size();
  if (started_bytes_ <= line_bytes_max_) started_ += part;
  if (end == std::string_view::npos) {
    chunk_ = {};
    return std::nullopt;
  }
  chunk_.remove_prefix(end + 1);
  return complete();
}

std::optional<LineSplitter::Line> LineSplitter::finish() {
  if (started_bytes_ == 0 || handed_out_) return std::nullopt;
  return complete();
}

LineSplitter::Line LineSplitter::complete() {
  handed_out_ = true;
  if (started_bytes_ > line_bytes_max_) return {.bytes = started_bytes_, .too_long = true};
  return {.text = started_, .bytes = started_bytes_};
}

}  // namespace stele::cli
