/* stele for C, and for every language that can call C: libstele. examples/python.py uses ctypes.
 *
 * Stable: what is here keeps its meaning and its symbol version (STELE_0); additions get another.
 *
 * A function that can fail returns STELE_OK or another stele_code; the thread's last failure has a
 * sentence for people in stele_error_message(). Strings are UTF-8. A timeout is in milliseconds;
 * below 0: no limit. Handles must not be used in a child after fork(). No function raises SIGPIPE.
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
  /* The call itself is wrong: a null pointer, or a level that there is not. */
  STELE_INVALID_ARGUMENT = 201,
  STELE_OUT_OF_MEMORY = 202
};

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

/* One connection, one call at a time: a client belongs to one thread at a time. */
typedef struct stele_client stele_client;

/* socket_path NULL: $STELE_SOCKET, else the default. name may be NULL. */
int stele_client_open(const char* socket_path, const char* name, stele_client** client);
/* NULL is allowed. */
void stele_client_close(stele_client* client);
/* STELE_OK: on disk. seq may be NULL. */
int stele_write_log(stele_client* client, const stele_entry* entry, int64_t timeout_ms,
                    uint64_t* seq);
/* All or none, with consecutive seqs from first_seq on. first_seq may be NULL. */
int stele_write_many_logs(stele_client* client, const stele_entry* entries, size_t count,
                          int64_t timeout_ms, uint64_t* first_seq);
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
  uint64_t limit;        /* 0: all. Of a follow: so many of the newest first; of a count: unused. */
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

/* Writes in the background, each entry once; for any number of threads. See
 * <stele/buffered_logger.hpp>. */
typedef struct stele_logger stele_logger;

enum stele_when_full { STELE_BLOCK = 0, STELE_REFUSE = 1 };

/* buffer_bytes 0: 8 MiB. A daemon that is down is no failure. */
int stele_logger_open(const char* socket_path, const char* name, size_t buffer_bytes, int when_full,
                      stele_logger** logger);
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
