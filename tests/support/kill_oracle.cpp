#include "support/kill_oracle.hpp"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace stele::test {
namespace {

std::string quoted(std::string_view body) { return std::string(body.substr(0, 80)); }

/// What the log holds, looked up by body; and what was found wrong with it.
class Judgement {
 public:
  Judgement(std::vector<WireEntry> const& stored, std::uint64_t removed_seq)
      : stored_(stored), removed_seq_(removed_seq) {
    for (auto const& entry : stored) {
      if (!seq_of_.emplace(entry.body, entry.seq).second) {
        report("(c) twice in the log: " + quoted(entry.body));
      }
    }
  }

  void seqs_are_dense(std::vector<NamedGap> const& gaps) {
    auto expected = removed_seq_ + 1;
    for (auto const& entry : stored_) {
      for (auto const& gap : gaps) {
        if (gap.first_seq <= expected && expected <= gap.last_seq) expected = gap.last_seq + 1;
      }
      if (entry.seq != expected) {
        report("(e) seq " + std::to_string(expected) + " expected, " + std::to_string(entry.seq) +
               " found");
        return;
      }
      ++expected;
    }
  }

  void holds(std::uint64_t seq, std::string_view body, std::string_view rule) {
    if (seq <= removed_seq_) return;
    auto const place = std::lower_bound(
        stored_.begin(), stored_.end(), seq,
        [](WireEntry const& entry, std::uint64_t wanted) { return entry.seq < wanted; });
    if (place == stored_.end() || place->seq != seq) {
      report(std::string(rule) + " seq " + std::to_string(seq) + " is missing: " + quoted(body));
    } else if (place->body != body) {
      report(std::string(rule) + " seq " + std::to_string(seq) +
             " has other bytes: " + quoted(place->body) + " instead of " + quoted(body));
    }
  }

  void acknowledged_is_stored(Intent const& intent) {
    if (intent.first_seq == 0) return;
    if (intent.last_seq - intent.first_seq + 1 != intent.bodies.size()) {
      report("(a) acknowledged with the wrong number of seqs: " + quoted(intent.bodies[0]));
      return;
    }
    for (std::size_t i = 0; i < intent.bodies.size(); ++i) {
      holds(intent.first_seq + i, intent.bodies[i], "(a)");
    }
  }

  /// Also the order and the wholeness of what is there, acknowledged or not.
  void is_a_prefix(Conversation const& conversation) {
    std::uint64_t last_seq = 0;
    bool ended = false;
    for (auto const& intent : conversation) {
      std::vector<std::uint64_t> seqs;
      for (auto const& body : intent.bodies) {
        auto const found = seq_of_.find(body);
        if (found != seq_of_.end()) seqs.push_back(found->second);
      }
      known_ += seqs.size();
      auto const name = quoted(intent.bodies[0]);
      if (intent.refused) {
        if (!seqs.empty()) report("(h) refused and stored: " + name);
        continue;
      }
      if (seqs.empty()) {
        // What was not answered may have had any later seq, also one that retention removed.
        last_seq = std::max(last_seq, intent.last_seq);
        auto const lowest_seq = intent.first_seq != 0 ? last_seq : last_seq + 1;
        ended = ended || lowest_seq > removed_seq_;
        continue;
      }
      if (ended) report("(d) an earlier request of the connection is missing before " + name);
      if (seqs.front() <= last_seq) report("(d) out of order: " + name);
      if (seqs.size() != intent.bodies.size()) report("(f) half a batch: " + name);
      for (std::size_t i = 1; i < seqs.size(); ++i) {
        if (seqs[i] != seqs[0] + i) report("(f) a batch in pieces: " + name);
      }
      last_seq = seqs.back();
    }
  }

  void all_was_intended() {
    if (known_ < seq_of_.size()) {
      report("(b) " + std::to_string(seq_of_.size() - known_) + " entries that nobody wrote");
    }
  }

  std::vector<std::string> take() { return std::move(reports_); }

 private:
  void report(std::string sentence) {
    constexpr std::size_t enough = 20;
    if (reports_.size() < enough) reports_.push_back(std::move(sentence));
  }

  std::vector<WireEntry> const& stored_;
  std::uint64_t removed_seq_;
  std::unordered_map<std::string_view, std::uint64_t> seq_of_{};
  std::size_t known_ = 0;
  std::vector<std::string> reports_{};
};

}  // namespace

std::vector<std::string> KillOracle::judge(std::vector<WireEntry> stored, std::uint64_t removed_seq,
                                           std::vector<NamedGap> const& gaps) const {
  std::sort(stored.begin(), stored.end(),
            [](WireEntry const& a, WireEntry const& b) { return a.seq < b.seq; });
  Judgement judgement(stored, removed_seq);
  judgement.seqs_are_dense(gaps);
  for (auto const& conversation : conversations_) {
    for (auto const& intent : conversation) judgement.acknowledged_is_stored(intent);
    judgement.is_a_prefix(conversation);
  }
  judgement.all_was_intended();
  for (auto const& [seq, body] : seen_) judgement.holds(seq, body, "(g)");
  return judgement.take();
}

std::size_t KillOracle::acknowledged() const {
  std::size_t count = 0;
  for (auto const& conversation : conversations_) {
    for (auto const& intent : conversation) {
      if (intent.first_seq != 0) count += intent.bodies.size();
    }
  }
  return count;
}

std::size_t KillOracle::intended() const {
  std::size_t count = 0;
  for (auto const& conversation : conversations_) {
    for (auto const& intent : conversation) count += intent.bodies.size();
  }
  return count;
}

RandomWrite random_write(std::mt19937_64& random, std::string const& name, std::size_t number) {
  bool const many = random() % 3 == 0;
  std::size_t const count = many ? 1 + random() % 20 : 1;
  RandomWrite write;
  write.text = many ? R"({"op":"write_many_logs","entries":[)" : R"({"op":"write_log","entry":)";
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t const fill = random() % 50 == 0 ? random() % 20'000 : random() % 200;
    auto body = R"("level":"info","message":")" + name + "-" + std::to_string(number) + "." +
                std::to_string(i) + " " + std::string(fill, static_cast<char>('a' + i)) +
                R"(","metadata":{"fill":)" + std::to_string(fill) + R"(.50},"version":1)";
    if (i > 0) write.text += ",";
    write.text += "{";
    // Some writers have clocks of their own, which neither rise nor agree.
    if (random() % 4 == 0) write.text += "\"timestamp\":" + std::to_string(random()) + ",";
    write.text += body + "}";
    write.intent.bodies.push_back(std::move(body));
  }
  write.text += many ? "]}" : "}";
  return write;
}

}  // namespace stele::test
