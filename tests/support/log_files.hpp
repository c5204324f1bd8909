// The files of a real log directory, to be compared and damaged.
#pragma once

#include <map>
#include <string>

namespace stele::test {

/// All files, with their bytes; LOCK is left out.
std::map<std::string, std::string> log_files(std::string const& directory);

/// The newest segment that a commit was written into.
std::string last_used_segment(std::string const& directory);

/// Changes the first byte of the last place in a file at which this text stands.
void change_last(std::string const& path, std::string const& text);

/// Behind all that is proven in a segment, writes the start of a commit that never became whole.
void begin_commit_at_the_end(std::string const& path);

}  // namespace stele::test
