#include "support/load.hpp"

#include <chrono>
#include <random>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace stele::test {
namespace {

constexpr std::chrono::milliseconds pause_after_refusal{1};
constexpr std::size_t under_way_max = 8;
/// What a reply that is neither an acknowledgement nor a known refusal is noted as: an
/// acknowledgement that no log can keep, so that the oracle sees it.
constexpr std::uint64_t impossible_seq = UINT64_MAX;

bool stopped(ClientPlan const& plan) { return plan.stop != nullptr && *plan.stop; }

/// Runs `converse` on a connection, and on the next one when it has broken, as the plan says.
template <class Converse>
void on_connections(ClientPlan const& plan, ClientNotes& notes, Converse const& converse) {
  do {
    try {
      WirePeer peer(plan.socket);
      notes.on_connected();
      converse(peer);
    } catch (std::exception const&) {
      // Nobody listens, or the connection broke: what was not answered stays so.
      std::this_thread::sleep_for(pause_after_refusal);
    }
  } while (plan.reconnects && !stopped(plan));
}

/// Notes what a reply to a write says. False if it was not written, for now.
bool note_reply(boost::json::object const& reply, std::size_t index, ClientNotes& notes) {
  if (reply.at("ok").as_bool()) {
    auto const seq = [&](std::string_view member) {
      auto const* const one = reply.if_contains("seq");
      return (one != nullptr ? *one : reply.at(member)).to_number<std::uint64_t>();
    };
    notes.on_acknowledged(index, seq("first_seq"), seq("last_seq"));
    return true;
  }
  auto const code = error_code_of(reply);
  if (code == "no_space" || code == "shutting_down") {
    notes.on_refused(index);
  } else if (code != "log_failed") {  // Which says that nobody knows.
    notes.on_acknowledged(index, impossible_seq, impossible_seq);
  }
  return false;
}

}  // namespace

void MemoryNotes::on_connected() { conversations_.emplace_back(); }

void MemoryNotes::on_intent(Intent intent) {
  conversations_.back().push_back({std::move(intent), now_(), 0});
}

void MemoryNotes::on_acknowledged(std::size_t index, std::uint64_t first, std::uint64_t last) {
  auto& noted = conversations_.back().at(index);
  noted.intent.first_seq = first;
  noted.intent.last_seq = last;
  noted.answered = now_();
  acknowledged_ += noted.intent.bodies.size();
}

void MemoryNotes::on_refused(std::size_t index) {
  auto& noted = conversations_.back().at(index);
  noted.intent.refused = true;
  noted.answered = now_();
  ++refused_;
}

void MemoryNotes::on_seen(WireEntry const& entry) {
  auto const [place, is_new] = seen_.try_emplace(entry.seq, Seen{entry.body, 0});
  if (is_new) place->second.when = now_();
}

void MemoryNotes::tell(KillOracle& oracle, Moment until) const {
  for (auto const& noted_conversation : conversations_) {
    Conversation conversation;
    for (auto const& noted : noted_conversation) {
      if (noted.sent > until) break;
      conversation.push_back(noted.intent);
      if (noted.answered <= until) continue;
      conversation.back().first_seq = conversation.back().last_seq = 0;
      conversation.back().refused = false;
    }
    oracle.add(std::move(conversation));
  }
  Sightings sightings;
  for (auto const& [seq, seen] : seen_) {
    if (seen.when <= until) sightings.emplace(seq, seen.body);
  }
  oracle.add(sightings);
}

void write_under_load(ClientPlan const& plan, ClientNotes& notes) {
  std::mt19937_64 random(plan.seed);
  std::size_t number = 0;
  on_connections(plan, notes, [&](WirePeer& peer) {
    std::size_t sent = 0;
    // At the end it waits for what is still under way: whose fate would else be unknown.
    for (std::size_t answered = 0; !stopped(plan) || answered < sent; ++answered) {
      auto const under_way = 1 + random() % under_way_max;
      for (; !stopped(plan) && sent - answered < under_way; ++sent) {
        auto write = random_write(random, plan.name, number++);
        notes.on_intent(std::move(write.intent));
        if (!peer.send(write.text)) throw std::runtime_error("the connection broke");
      }
      bool const written = note_reply(peer.receive_json(), answered, notes);
      if (plan.replies != nullptr) ++*plan.replies;
      if (!written) std::this_thread::sleep_for(pause_after_refusal);
    }
  });
}

void read_under_load(ClientPlan const& plan, ClientNotes& notes) {
  on_connections(plan, notes, [&](WirePeer& peer) {
    while (!stopped(plan)) {
      for (auto const& entry : read_entries(peer, R"("order":"desc","limit":30)")) {
        notes.on_seen(entry);
      }
    }
  });
}

Load::Load(Plan const& plan, std::mt19937_64& random)
    : notes_(plan.writers + 1, MemoryNotes(plan.now)) {
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    ClientPlan const client{.socket = plan.socket,
                            .name = plan.name + "w" + std::to_string(i),
                            .seed = random(),
                            .reconnects = plan.reconnects,
                            .stop = &stop_,
                            .replies = &replies_};
    auto const work = i < plan.writers ? &write_under_load : &read_under_load;
    threads_.emplace_back([work, client, &notes = notes_[i]] { work(client, notes); });
  }
}

bool Load::wait_for_replies(std::size_t count, Program& daemon) {
  auto const wanted = replies_ + count;
  auto const deadline = std::chrono::steady_clock::now() + patience;
  while (replies_ < wanted) {
    if (daemon.wait_for(std::chrono::microseconds(100))) return false;
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

void Load::finish() {
  stop_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Load::tell(KillOracle& oracle, MemoryNotes::Moment until) const {
  for (auto const& notes : notes_) notes.tell(oracle, until);
}

std::size_t Load::acknowledged() const {
  std::size_t count = 0;
  for (auto const& notes : notes_) count += notes.acknowledged();
  return count;
}

std::size_t Load::refused() const {
  std::size_t count = 0;
  for (auto const& notes : notes_) count += notes.refused();
  return count;
}

}  // namespace stele::test
