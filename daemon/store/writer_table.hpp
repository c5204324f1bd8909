// Which numbered writes the log holds, so that one that comes again is not written again.
// No I/O, no clock.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "protocol/writer_id.hpp"
#include "wal/log.hpp"

namespace stele::daemon {

/// A Bloom filter in two generations. When the newer one is full the older one is dropped, and from
/// then on a no is no proof.
class ForgottenWriters {
 public:
  /// Of a generation: at 16 bits a writer, about one stranger in 2000 is taken for one of them.
  static constexpr std::size_t writers_max = std::size_t{1} << 18;
  static constexpr std::size_t bits = 16 * writers_max;
  /// Of both generations.
  static constexpr std::size_t bytes_max = 2 * bits / 8;

  void insert(protocol::WriterId const& writer);
  bool contains(protocol::WriterId const& writer) const noexcept;
  /// Whether every writer that was ever inserted is still in it.
  bool is_complete() const noexcept { return is_complete_; }
  std::size_t bytes() const noexcept {
    return (newer_.words ? bits / 8 : 0) + (older_.words ? bits / 8 : 0);
  }

 private:
  struct Free {
    void operator()(std::uint64_t* words) const noexcept { std::free(words); }
  };
  struct Generation {
    /// Zeros that the system has made: it gives a page of them when the page is first written to.
    std::unique_ptr<std::uint64_t[], Free> words{};
    std::size_t writers = 0;
  };
  static void prepare(Generation& generation);
  static bool contains(Generation const& generation, protocol::WriterId const& writer) noexcept;

  Generation newer_{};
  Generation older_{};
  bool is_complete_ = true;
};

using protocol::WriterId;

struct NumberedWrite {
  std::uint64_t write_no = 0;
  wal::Seq first_seq = 0;
  wal::Seq last_seq = 0;

  bool operator==(NumberedWrite const&) const = default;
};

/// For each writer: a number up to which nothing is sure (`floor`), and all its writes above it.
/// So a number above the floor either is one of these writes, or was never written.
///
///   staged --publish--> remembered --(newer writes, newer writers, remove_up_to)--> forgotten
///      \--unstage_from--> never was
///
/// Forgetting a write raises the floor above it. What a table says after a restart rests on what
/// the log still holds: it may know less than the one before it, and never says the contrary.
class WriterTable {
 public:
  /// Of one writer: its writes that may be under way when its connection breaks, and how far below
  /// its highest number a new one may be.
  static constexpr std::size_t writes_max = 64;

  explicit WriterTable(std::size_t writers_max) noexcept : writers_max_(writers_max) {}
  WriterTable(WriterTable const&) = delete;
  WriterTable& operator=(WriterTable const&) = delete;
  ~WriterTable();

 private:
  struct Writer;

 public:
  /// A connection's hold on its writer: while there is one, the writer's floor is not lost, whoever
  /// else made the table forget its writes. Ends before the table does.
  class Attachment {
   public:
    Attachment() noexcept = default;
    Attachment(Attachment&& other) noexcept
        : table_(std::exchange(other.table_, nullptr)),
          writer_(std::exchange(other.writer_, nullptr)) {}
    Attachment& operator=(Attachment other) noexcept {
      std::swap(table_, other.table_);
      std::swap(writer_, other.writer_);
      return *this;
    }
    ~Attachment() {
      if (writer_ != nullptr) table_->detach(*writer_);
    }

    explicit operator bool() const noexcept { return writer_ != nullptr; }
    /// Precondition: there is a writer.
    WriterId const& id() const noexcept { return writer_->id; }

   private:
    friend class WriterTable;
    Attachment(WriterTable* table, Writer* writer) noexcept : table_(table), writer_(writer) {}

    WriterTable* table_ = nullptr;
    Writer* writer_ = nullptr;
  };
  /// `since_seq`: the client's word that all writes of this writer have seqs above it. Without it,
  /// and with no proof that the writer is not a forgotten one, a number 1 is its word to be new.
  Attachment attach(WriterId const& writer, std::optional<wal::Seq> since_seq = std::nullopt);

  enum class Decision : std::uint8_t {
    is_new,     ///< Not written: to be written now.
    repeated,   ///< Written before, or staged.
    passed_by,  ///< Not written, and too far below the highest number to be written now.
    forgotten,  ///< Nobody knows whether it was written.
    crowded,    ///< Not written; too many of this writer's are staged.
  };
  struct CheckedWrite {
    Decision decision = Decision::is_new;
    bool late = false;         ///< With `is_new`: a higher number was written, or is staged.
    NumberedWrite original{};  ///< With `repeated`.
  };
  /// Also to be asked about a number whose write is refused for another reason: 1 may be a word.
  CheckedWrite check(Attachment const& writer, std::uint64_t write_no);

  /// A write that is_new was given to the log, by this user. Seqs rise from call to call.
  void stage(Attachment const& writer, NumberedWrite const& write, std::uint32_t uid, bool late);
  /// The log, which is read from its start, holds this write.
  void restore(WriterId const& writer, NumberedWrite const& write, std::uint32_t uid, bool late);
  /// Up to `seq` all is on disk.
  void publish(wal::Seq seq);
  /// From `first` on nothing was written.
  void unstage_from(wal::Seq first);
  /// Up to `seq` entries were removed: all writes up to there are forgotten.
  void remove_up_to(wal::Seq seq);
  /// The same, and some of what was there was never restored.
  void lose_up_to(wal::Seq seq);

  /// What is known of a writer, to be reported to it.
  struct Knowledge {
    /// Numbers above it that are not in the lists are not written. Nothing: no number is sure.
    std::optional<std::uint64_t> known_above{};
    std::vector<NumberedWrite> written{};    ///< On disk; by rising number.
    std::vector<NumberedWrite> under_way{};  ///< Staged; by rising number.
  };
  Knowledge knowledge(Attachment const& writer);
  /// The write of this writer that is on disk and has the highest number.
  std::optional<NumberedWrite> last(WriterId const& writer) const;
  /// Writers of which writes on disk are remembered.
  std::size_t size() const noexcept { return size_; }
  /// Users whose writers these are.
  std::size_t users() const noexcept { return users_.size(); }
  /// What was written up to this seq may be of a writer that is forgotten; 0: none is.
  wal::Seq forgotten_seq() const noexcept { return forgotten_seq_; }
  /// Memory that it takes, about, and at most for this many writers with this many connections.
  std::size_t bytes() const noexcept;
  static std::size_t bytes_max(std::size_t writers_max, std::size_t connections_max) noexcept;

 private:
  /// A write that is remembered or staged.
  struct Kept {
    Kept() noexcept = default;
    Kept(NumberedWrite const& write, bool late_) noexcept
        : write_no(write.write_no),
          first_seq(write.first_seq),
          entries(static_cast<std::uint32_t>(write.last_seq - write.first_seq + 1)),
          late(late_) {}

    wal::Seq last_seq() const noexcept { return first_seq + entries - 1; }
    NumberedWrite write() const noexcept { return {write_no, first_seq, last_seq()}; }
    /// No number above it was written before this write was.
    std::uint64_t highest_before() const noexcept {
      return late ? write_no + writes_max - 1 : write_no - 1;
    }

    std::uint64_t write_no = 0;
    wal::Seq first_seq = 0;
    std::uint32_t entries = 1;
    bool late = false;
  };
  struct User;
  struct Writer : boost::intrusive::list_base_hook<> {
    WriterId id{};
    std::vector<Kept> writes{};  ///< By rising number.
    std::uint64_t floor = 0;
    bool may_begin = false;  ///< Though all is below the floor, number 1 is taken for new.
    std::uint32_t staged = 0;
    std::uint32_t attached = 0;
    User* user = nullptr;  ///< While a write on disk is remembered: who made the newest.
    Kept newest{};         ///< On disk.
    std::uint64_t trimmed_at = 0;
  };
  /// The writers of one user, the one that wrote longest ago first.
  struct User {
    std::uint32_t uid = 0;
    std::size_t count = 0;
    boost::intrusive::list<Writer, boost::intrusive::constant_time_size<false>> writers{};
  };
  struct Staged {
    Writer* writer;
    Kept write;
    std::uint32_t uid;
  };
  /// The floor of a writer of which nothing is known: above all numbers.
  static constexpr std::uint64_t nothing_known = UINT64_MAX;

  void detach(Writer& writer);
  bool is_proven_new(WriterId const& writer, std::optional<wal::Seq> since_seq) const noexcept;
  Writer& writer_of(WriterId const& id);
  void place(Writer& writer, Kept const& kept, std::uint32_t uid);
  void on_disk(Staged const& staged);
  void count_for(Writer& writer, std::uint32_t uid);
  void change_count(User& user, std::size_t count);
  void leave_user(Writer& writer);
  void trim(Writer& writer);
  void drop_lowest(Writer& writer);
  void forget_one(Writer const& spared);
  void forget(Writer& writer);
  void erase_if_idle(Writer& writer);
  bool is_staged(Kept const& write) const noexcept { return write.last_seq() > published_seq_; }

  std::size_t writers_max_;
  std::map<WriterId, Writer> writers_{};
  std::map<std::uint32_t, User> users_{};
  /// Of each user: how many writers it has. The last one has the most.
  std::set<std::pair<std::size_t, std::uint32_t>> by_count_{};
  std::size_t size_ = 0;
  std::size_t kept_bytes_ = 0;
  std::deque<Staged> staged_{};
  ForgottenWriters forgotten_{};
  bool is_complete_ = true;  ///< Each writer that was ever in the log is remembered or forgotten_.
  std::uint64_t removals_ = 0;  ///< How often something was removed.
  bool is_restoring_ = false;   ///< A write of the log that is being read.
  std::uint64_t lost_at_ = 0;   ///< removals_ when something was lost last.
  wal::Seq published_seq_ = 0;
  wal::Seq removed_seq_ = 0;
  wal::Seq forgotten_seq_ = 0;
};

}  // namespace stele::daemon
