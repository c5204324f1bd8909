// The replies of stele as the load driver takes them: it looks at no more than it must, since a
// client that costs as much as the server would measure itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "bench/peer.hpp"

namespace stele::bench {

/// Replies come in the order of the requests, so that one id serves all.
inline constexpr std::uint64_t request_id = 1;
/// How every reply to such a request begins, unless it is a failure.
inline constexpr std::string_view reply_start = R"({"id":1,"ok":true)";

/// How a frame of a read ends after which another one comes.
inline constexpr std::string_view more_follows = R"("more":true})";

/// `batch` entries an answer.
std::unique_ptr<ReplyReader> make_write_reply_reader(std::size_t batch);

/// Of each frame of a read it takes the length, the first bytes and the last ones. With
/// `operation.parse`, and for the first reply of a connection in any case, it parses all entries
/// and counts them.
std::unique_ptr<ReplyReader> make_read_reply_reader(Operation const& operation);

}  // namespace stele::bench
