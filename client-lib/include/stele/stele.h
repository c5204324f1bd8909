/* stele for C, and for every language that can call C: libstele.
 *
 * Stable: what is here keeps its meaning and its symbol version; additions get another (STELE_0 was
 * the first, STELE_1 has what the comments call so). Structs that may grow begin with their size.
 *
 * A function that can fail returns STELE_OK or another stele_code; the thread's last failure has a
 * sentence for people in stele_error_message(), which names the argument that is wrong. Strings are
 * UTF-8. A timeout is in milliseconds; STELE_NO_LIMIT, or any below 0: no limit; 0: it has passed,
 * so the call fails with STELE_TIMED_OUT and nothing is sent. In a child after fork() calls with a
 * handle of the parent fail with STELE_MADE_BEFORE_FORK; it may be closed. No function raises
 * SIGPIPE. Once loaded the library stays loaded, so a plugin may be unloaded that has not closed
 * its handles, if none of them has a callback of the plugin.
 */
#ifndef STELE_STELE_H
#define STELE_STELE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum stele_code {
  STELE_OK = 0,
  /* The daemon's answers; PROTOCOL.md says what to do about each. */
  STELE_BAD_FRAME = 1,
  STELE_FRAME_TOO_LARGE = 2,
  STELE_BAD_JSON = 3,
  STELE_BAD_REQUEST = 4,
  STELE_UNKNOWN_OP = 5,
  STELE_INVALID_ENTRY = 6,
  STELE_ENTRY_TOO_LARGE = 7,
  STELE_UNSUPPORTED_VERSION = 8,
  STELE_NO_SPACE = 9,
  STELE_LOG_FAILED = 10,
  STELE_SHUTTING_DOWN = 11,
  STELE_TOO_MANY_CONNECTIONS = 12,
  STELE_OVERLOADED = 13,
  STELE_UNKNOWN_RETRY = 14,
  STELE_ID_CONFLICT = 15,
  STELE_CURSOR_EXPIRED = 16,
  STELE_INTERNAL = 17,
  STELE_FORBIDDEN = 18,
  /* There was no answer; <stele/client_error.hpp> says more. */
  STELE_CANNOT_CONNECT = 101,
  STELE_CONNECTION_LOST = 102,
  STELE_OUTCOME_UNKNOWN = 103,
  STELE_TIMED_OUT = 104,
  STELE_PROTOCOL_VIOLATION = 105,
  STELE_CANCELLED = 106,
  STELE_MADE_BEFORE_FORK = 107, /* The handle belongs to the parent. */
  /* The call itself is wrong: a null pointer, or a level that there is not. */
  STELE_INVALID_ARGUMENT = 201,
  STELE_OUT_OF_MEMORY = 202
};

/* Of a timeout. */
#define STELE_NO_LIMIT (-1)

enum stele_level {
  STELE_TRACE = 0,
  STELE_DEBUG = 1,
  STELE_INFO = 2,
  STELE_WARN = 3,
  STELE_ERROR = 4,
  STELE_FATAL = 5
};

/* An entry to be written. */
typedef struct stele_entry {
  uint64_t timestamp;     /* Microseconds since 1970, UTC; only with has_timestamp. */
  int32_t has_timestamp;  /* 0: the time of receipt, of a logger the time of the call. */
  int32_t level;
  const char* message;    /* May hold any bytes that are UTF-8, also NUL. */
  size_t message_bytes;
  const char* metadata;   /* The text of a JSON object, ended by NUL; NULL: {}. */
} stele_entry;

/* An entry as it was stored; valid during the call that shows it. */
typedef struct stele_stored_entry {
  uint64_t seq;
  uint64_t timestamp;
  int32_t level;
  int32_t pid;            /* Who wrote it. */
  uint32_t uid;
  uint32_t gid;
  const char* message;    /* With a NUL behind it. */
  size_t message_bytes;
  const char* metadata;   /* Ended by NUL. */
} stele_stored_entry;

const char* stele_version(void);
/* The code's name, such as "no_space". Never NULL. */
const char* stele_code_name(int code);
/* Of the last call of this thread that failed; valid until its next call. */
const char* stele_error_message(void);
/* The same failure's facts: the text of a JSON object. */
const char* stele_error_detail(void);
/* Whether a write that failed with this code may be stored all the same. */
int stele_may_be_stored(int code);
/* STELE_1. Of the last failure: "not_written" or "unknown" if it was one of a write and anybody
 * knows; else "". */
const char* stele_error_state(void);
/* STELE_1. Whether the daemon said that the same request may succeed later: 1 or 0; -1: it did not
 * answer. */
int stele_error_retryable(void);

/* One connection, one call at a time: a client belongs to one thread at a time. */
typedef struct stele_client stele_client;

/* socket_path NULL: $STELE_SOCKET, else the default. name may be NULL. */
int stele_client_open(const char* socket_path, const char* name, stele_client** client);
/* NULL is allowed. */
void stele_client_close(stele_client* client);

/* STELE_1. Start from STELE_CLIENT_OPTIONS. */
typedef struct stele_client_options {
  size_t size;                 /* sizeof(stele_client_options) */
  const char* socket_path;     /* NULL: $STELE_SOCKET, else the default. */
  const char* name;            /* NULL: none. */
  const uint8_t* writer;       /* 16 bytes, whose the numbered writes are; NULL: nobody's. */
  int64_t connect_timeout_ms;  /* The daemon's answer included. */
  int64_t request_timeout_ms;  /* Longest time of a call in which not a byte moves. */
} stele_client_options;
#define STELE_CLIENT_OPTIONS {sizeof(stele_client_options), NULL, NULL, NULL, 5000, 30000}
int stele_client_open_with(const stele_client_options* options, stele_client** client);

/* STELE_1. What the daemon said when the client connected; valid as long as the client. */
typedef struct stele_server {
  size_t size;            /* sizeof(stele_server), set by the caller. */
  const char* store_id;   /* Changes when the store was wiped or replaced. */
  const char* version;
  uint64_t entry_bytes_max;
  uint64_t frame_bytes_max;
  uint64_t last_write_no; /* Of the writer that was named; 0: it is not remembered. */
} stele_server;
int stele_client_server(const stele_client* client, stele_server* server);
/* STELE_OK: on disk. seq may be NULL. */
int stele_write_log(stele_client* client, const stele_entry* entry, int64_t timeout_ms,
                    uint64_t* seq);
/* All or none, with consecutive seqs from first_seq on. first_seq may be NULL. */
int stele_write_many_logs(stele_client* client, const stele_entry* entries, size_t count,
                          int64_t timeout_ms, uint64_t* first_seq);
/* STELE_1. The same, in the log once however often it is sent: numbers rise from 1, one a call. */
int stele_write_once(stele_client* client, const stele_entry* entries, size_t count,
                     uint64_t write_no, int64_t timeout_ms, uint64_t* first_seq);
/* STELE_1. Writes for event loops of any kind: notes what is to be sent, and returns. write_no 0:
 * without a number. `written` is called once, by stele_client_process: with STELE_OK and the first
 * seq, or with why it is not known to be on disk (then 0, and stele_error_message() holds). It may
 * submit more and close the client. While writes are under way, the calls that wait fail. */
typedef void (*stele_written)(void* context, int code, uint64_t first_seq);
int stele_client_submit(stele_client* client, const stele_entry* entries, size_t count,
                        uint64_t write_no, stele_written written, void* context);
/* Sends, receives and calls `written`, and never waits. Fails once the connection is gone. Call it
 * when the descriptor can be read, or written while has_to_send is not 0. */
int stele_client_process(stele_client* client);
int stele_client_descriptor(const stele_client* client);
int stele_client_has_to_send(const stele_client* client);
size_t stele_client_writes_under_way(const stele_client* client);
/* STELE_1. Stores that this many entries were given up; writer: 16 bytes or NULL. */
int stele_report_dropped(stele_client* client, uint64_t count, const uint8_t* writer,
                         int64_t timeout_ms);
/* STELE_1. The consumer of this name has what it needs up to seq. */
int stele_confirm(stele_client* client, const char* consumer, uint64_t seq, int64_t timeout_ms);
/* STELE_1. The text of one JSON object, valid until the next call with this client. */
int stele_stats(stele_client* client, int64_t timeout_ms, const char** json);
int stele_audit(stele_client* client, uint64_t start_ts, int64_t timeout_ms, const char** json);
/* Returns whether to go on (not 0). It must not use the client, nor unwind its stack. */
typedef int (*stele_visitor)(void* context, const stele_stored_entry* entry);
/* Entries with start_ts <= timestamp <= end_ts, by (timestamp, seq); limit 0: all. */
int stele_read_logs(stele_client* client, uint64_t start_ts, uint64_t end_ts, uint64_t limit,
                    int64_t timeout_ms, stele_visitor visitor, void* context);

/* Which entries. All zero but for end_ts means all: start from STELE_ALL. Additions to it are made
 * by another function. */
typedef struct stele_query {
  uint64_t start_ts;     /* Inclusive, both. */
  uint64_t end_ts;
  uint64_t limit;        /* 0: all. Of a follow: the newest N first; of a count: unused. */
  uint64_t after_seq;    /* Only entries with a greater seq. */
  int32_t newest_first;  /* Not of a follow. */
  int32_t min_level;
  const char* contains;  /* Text in the message, ended by NUL; NULL: any. */
  const char* where;     /* The text of a JSON object: members of the metadata; NULL: any. */
  const int32_t* pid;    /* Who wrote it; NULL: anybody. */
  const uint32_t* uid;
} stele_query;
#define STELE_ALL {0, UINT64_MAX, 0, 0, 0, STELE_TRACE, NULL, NULL, NULL, NULL}

/* The entries that the query means; NULL: all. */
int stele_query_logs(stele_client* client, const stele_query* query, int64_t timeout_ms,
                     stele_visitor visitor, void* context);
int stele_count_logs(stele_client* client, const stele_query* query, int64_t timeout_ms,
                     uint64_t* count);
/* Told of seqs that retention removed before they could come; both inclusive. */
typedef void (*stele_removed)(void* context, uint64_t first_seq, uint64_t last_seq);
/* What is there, then each entry as it becomes durable, in the order of the log. STELE_OK: the
 * visitor ended it. STELE_TIMED_OUT: the client stays usable. STELE_SHUTTING_DOWN: the daemon
 * stops; connect again, and go on with after_seq. `removed` may be NULL. */
int stele_follow_logs(stele_client* client, const stele_query* query, int64_t timeout_ms,
                      stele_visitor visitor, stele_removed removed, void* context);
int stele_ping(stele_client* client, int64_t timeout_ms);

/* STELE_1. A query with all that the protocol has. Start from STELE_SELECT_ALL. */
typedef struct stele_selection {
  size_t size;             /* sizeof(stele_selection) */
  uint64_t start_ts;       /* Inclusive, both. */
  uint64_t end_ts;
  const uint64_t* limit;   /* NULL: all. Of a follow: the newest N; 0: from now on. */
  const uint64_t* after_seq;
  int32_t newest_first;    /* Not of a follow. */
  int32_t min_level;
  const char* contains;    /* May hold any text, also NUL; NULL: any. */
  size_t contains_bytes;
  const char* where;       /* The text of a JSON object; NULL: any. */
  const int32_t* pid;
  const uint32_t* uid;
  const char* cursor;      /* From stele_read_page; NULL: from the start. Not of a follow. */
} stele_selection;
#define STELE_SELECT_ALL \
  {sizeof(stele_selection), 0, UINT64_MAX, NULL, NULL, 0, STELE_TRACE, NULL, 0, NULL, NULL, NULL, \
   NULL}
/* STELE_1. The entries of the selection, which may end with its limit: then *cursor goes on there,
 * with the same selection. "": the range is exhausted. Valid until the next call with this client;
 * cursor may be NULL. */
int stele_read_page(stele_client* client, const stele_selection* selection, int64_t timeout_ms,
                    stele_visitor visitor, void* context, const char** cursor);
/* STELE_1. As stele_follow_logs. last_seq (may be NULL): where to go on, with after_seq. */
int stele_follow(stele_client* client, const stele_selection* selection, int64_t timeout_ms,
                 stele_visitor visitor, stele_removed removed, void* context, uint64_t* last_seq);

/* STELE_1. Follows over restarts of the daemon, each entry once. See <stele/follower.hpp>. */
typedef struct stele_follower stele_follower;
int stele_follower_open(const stele_client_options* options, const stele_selection* selection,
                        stele_follower** follower);
/* NULL is allowed. */
void stele_follower_close(stele_follower* follower);
/* STELE_OK: the visitor ended it; a later run goes on behind the entry that it was shown last.
 * STELE_CANCELLED: stele_follower_wake. It waits for a daemon that is away. `removed` may be
 * NULL. */
int stele_follower_run(stele_follower* follower, int64_t timeout_ms, stele_visitor visitor,
                       stele_removed removed, void* context);
/* Ends the run under way, or else the next one; from any thread, also in a signal handler. */
void stele_follower_wake(stele_follower* follower);
/* For an event loop of one's own: call process once, and whenever this can be read. */
int stele_follower_descriptor(const stele_follower* follower);
/* Shows what is there, and never waits. STELE_OK, also if the visitor ended it. */
int stele_follower_process(stele_follower* follower, stele_visitor visitor, stele_removed removed,
                           void* context);

/* Writes in the background, each entry once; for any number of threads. See
 * <stele/buffered_logger.hpp>. */
typedef struct stele_logger stele_logger;

/* What stele_logger_log does while the buffer has no free bytes: waits for its timeout; fails at
 * once; waits a second at most, and once only as long as nothing is stored (STELE_1). */
enum stele_when_full { STELE_BLOCK = 0, STELE_REFUSE = 1, STELE_WAIT = 2 };

/* buffer_bytes 0: 64 MiB. A daemon that is down is no failure. */
int stele_logger_open(const char* socket_path, const char* name, size_t buffer_bytes, int when_full,
                      stele_logger** logger);

/* STELE_1. Told that entries which the logger had taken will not be stored: from its own thread, or
 * from close. It must not call the logger, nor unwind the stack. */
typedef void (*stele_loss)(void* context, uint64_t entries, int code, const char* message);
/* STELE_1. Start from STELE_LOGGER_OPTIONS. */
typedef struct stele_logger_options {
  size_t size;              /* sizeof(stele_logger_options) */
  const char* socket_path;  /* NULL: $STELE_SOCKET, else the default. */
  const char* name;         /* NULL: none. */
  size_t buffer_bytes;      /* 0: 64 MiB. */
  size_t batch_bytes;       /* 0: 1 MiB. */
  int32_t when_full;
  stele_loss on_loss;       /* NULL: a line on standard error, once a second at most. */
  void* context;            /* Of on_loss. */
} stele_logger_options;
#define STELE_LOGGER_OPTIONS \
  {sizeof(stele_logger_options), NULL, NULL, 0, 0, STELE_WAIT, NULL, NULL}
int stele_logger_open_with(const stele_logger_options* options, stele_logger** logger);
/* STELE_1. */
typedef struct stele_logger_status {
  size_t size;        /* sizeof(stele_logger_status), set by the caller. */
  uint64_t accepted;  /* Entries that the logger took: stored, refused later, or waiting. */
  uint64_t stored;    /* On disk. */
  uint64_t refused;   /* Not stored, and will not be. */
  uint64_t waiting;   /* In the buffer. */
  uint64_t maybe_duplicated; /* May be stored twice: see <stele/buffered_logger.hpp>. */
} stele_logger_status;
int stele_logger_get_status(const stele_logger* logger, stele_logger_status* status);

/* STELE_OK: in the buffer. */
int stele_logger_log(stele_logger* logger, const stele_entry* entry, int64_t timeout_ms);
/* STELE_OK: all is on disk. */
int stele_logger_flush(stele_logger* logger, int64_t timeout_ms);
/* Entries that were not stored and will not be. */
uint64_t stele_logger_refused(const stele_logger* logger);
/* Flushes, and frees the logger also if that fails; what is not on disk then is lost. No other
 * thread may use it any more. NULL is allowed. */
int stele_logger_close(stele_logger* logger, int64_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
