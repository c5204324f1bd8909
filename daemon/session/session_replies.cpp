// How the replies of a connection are made: each kind of them, and the frames of its follows.
#include <boost/assert.hpp>
#include <utility>

#include "daemon/session/session_state.hpp"
#include "protocol/limits.hpp"
#include "protocol/reply/reply.hpp"

namespace stele::daemon {
namespace {

/// Shorter runs of neighbours are copied: a part of a gather write costs more than such a copy.
constexpr std::size_t copied_run_bytes_max = std::size_t{4} << 10;

}  // namespace

void SessionState::append_frame(std::string_view text) {
  protocol::FrameBuilder frame(filling_.text(), form());
  filling_.text() += text;
  frame.finish();
}

void SessionState::append_frame_failure(std::string_view id, Failure const& failure,
                                        std::optional<protocol::WriteState> state) {
  protocol::FrameBuilder frame(filling_.text(), form());
  handler_.append_failure(filling_.text(), id, failure, state);
  frame.finish();
}

SessionState::Produced SessionState::produce(ReadyReply& reply) {
  append_frame(reply.text);
  turn_.pay_for_copy(reply.text.size());
  return Produced::all;
}

SessionState::Produced SessionState::produce(WriteReply& reply) {
  bool const is_ready = reply.failure || reply.last_seq <= handler_.store().visible_seq();
  if (is_ready && reply.numbered) {
    --numbered_queued_;
    ++numbered_filling_;
  }
  if (reply.failure) {
    append_frame_failure(reply.id, *reply.failure, reply.state);
    return Produced::all;
  }
  if (!is_ready) return Produced::none;
  turn_.pay(30);
  if (!reply.dup) handler_.metrics().entries_written += reply.last_seq - reply.first_seq + 1;
  protocol::WrittenSeqs const written{reply.first_seq, reply.last_seq, reply.dup};
  protocol::FrameBuilder frame(filling_.text(), form());
  if (reply.many) {
    protocol::append_write_many_logs_reply(filling_.text(), reply.id, written);
  } else {
    protocol::append_write_log_reply(filling_.text(), reply.id, written);
  }
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(ReadReply& reply) {
  auto const& store = handler_.store();
  bool const is_first = !std::exchange(reply.begun, true);
  if (auto const ready = is_first ? reply.read.begin(store) : reply.read.resume(store); !ready) {
    append_frame_failure(reply.id, ready.error());
    return Produced::all;
  }
  if (!reply.cancelled) return produce_entries(reply);
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_entries_start(filling_.text(), reply.id);
  protocol::append_entries_end(filling_.text(), reply.read.cursor());
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(FollowReply& reply) {
  turn_.pay_for_step();
  auto const added = follows_.add({reply.id, std::move(*reply.read)}, handler_.store());
  if (!added) {
    append_frame_failure(reply.id, added.error());
  } else if (reply.cancelled) {
    end_follow(*follows_.find(reply.id));
  }
  return Produced::all;
}

SessionState::Produced SessionState::produce(CancelReply& reply) {
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_ok_start(filling_.text(), reply.id);
  filling_.text() += reply.found ? R"(,"cancelled":true})" : R"(,"cancelled":false})";
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(CountReply& reply) {
  auto const& store = handler_.store();
  if (!std::exchange(reply.begun, true)) {
    if (auto const begun = reply.count.begin(store); !begun) {
      append_frame_failure(reply.id, begun.error());
      return Produced::all;
    }
  }
  auto const status = reply.count.step(store, turn_);
  if (status == RangeCount::Status::more) return Produced::part;
  if (status == RangeCount::Status::too_many_buckets) {
    append_frame_failure(reply.id, too_many_buckets_failure());
    return Produced::all;
  }
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_count_reply(filling_.text(), reply.id, reply.count.count(),
                               reply.count.buckets());
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(StatsReply& reply) {
  protocol::FrameBuilder frame(filling_.text(), form());
  auto const bytes_before = filling_.text().size();
  handler_.append_stats_reply(filling_.text(), reply);
  turn_.pay_for_text(4 * (filling_.text().size() - bytes_before));
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(AuditReply& reply) {
  protocol::FrameBuilder frame(filling_.text(), form());
  auto const bytes_before = filling_.text().size();
  handler_.append_audit_reply(filling_.text(), reply);
  turn_.pay(handler_.gaps_looked_at());
  turn_.pay_for_text(filling_.text().size() - bytes_before);
  frame.finish();
  return Produced::all;
}

SessionState::Produced SessionState::produce(DropReply& reply) {
  if (reply.failure) {
    append_frame_failure(reply.id, *reply.failure, reply.state);
    return Produced::all;
  }
  if (reply.commit_no > handler_.durable_commit()) return Produced::none;
  protocol::FrameBuilder frame(filling_.text(), form());
  if (reply.acknowledged) {
    protocol::append_acknowledge_reply(filling_.text(), reply.id, *reply.acknowledged);
  } else {
    protocol::append_report_dropped_reply(filling_.text(), reply.id, reply.before_seq);
  }
  frame.finish();
  return Produced::all;
}

/// Makes the next frame of a read, if anything was found for it.
SessionState::Produced SessionState::produce_entries(ReadReply& reply) {
  auto const step = reply.read.step(handler_.store(), protocol::read_frame_bytes, turn_);
  bool const more = step.status == RangeRead::Status::more;
  if (more && step.runs.empty()) return Produced::part;

  std::string& text = filling_.text();
  protocol::FrameBuilder frame(text, form());
  protocol::append_entries_start(text, reply.id);
  append_runs(frame, step.runs);
  handler_.metrics().entries_read += step.entries;
  if (more) {
    protocol::append_entries_more(text);
  } else if (step.status == RangeRead::Status::limited) {
    protocol::append_entries_end(text, reply.read.cursor());
  } else {
    protocol::append_entries_end(text, {});
  }
  frame.finish();
  return more ? Produced::part : Produced::all;
}

void SessionState::append_follow_frame(Follow const& follow, FollowRead::Step const& step) {
  std::string& text = filling_.text();
  protocol::FrameBuilder frame(text, form());
  protocol::append_entries_start(text, follow.id);
  append_runs(frame, step.runs);
  handler_.metrics().entries_tailed += step.entries;
  auto const seq = follow.read.seq();
  if (step.lost) {
    ++handler_.metrics().tails_lagged;
    protocol::append_follow_lagged(text, seq, *step.lost);
  } else if (step.caught_up) {
    protocol::append_follow_caught_up(text, seq);
  } else {
    protocol::append_follow_more(text, seq);
  }
  frame.finish();
}

void SessionState::end_follow(Follow const& follow) {
  protocol::FrameBuilder frame(filling_.text(), form());
  protocol::append_entries_start(filling_.text(), follow.id);
  protocol::append_follow_end(filling_.text(), follow.read.seq());
  frame.finish();
  follows_.remove(follow);
}

void SessionState::append_runs(protocol::FrameBuilder& frame, std::span<EntryRun const> runs) {
  std::string& text = filling_.text();
  bool first = true;
  for (auto const& run : runs) {
    if (!first) text += ',';
    first = false;
    if (run.text.size() <= copied_run_bytes_max) {
      turn_.pay_for_copy(run.text.size());
      text += run.text;
    } else {
      filling_.add_slice(*run.chunk, run.text);
      frame.add_external_bytes(run.text.size());
    }
  }
}

}  // namespace stele::daemon
