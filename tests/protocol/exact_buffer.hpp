// Text in a heap block of exactly its size, so that a read past its end is an error that the
// address sanitizer sees.
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>

namespace stele::test {

class ExactBuffer {
 public:
  explicit ExactBuffer(std::string_view text)
      : bytes_(std::make_unique<char[]>(text.size())), size_(text.size()) {
    std::copy(text.begin(), text.end(), bytes_.get());
  }

  std::string_view text() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

}  // namespace stele::test
