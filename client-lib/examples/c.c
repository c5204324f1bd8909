/* Writes an entry, logs others in the background, and reads all of them back. The socket:
 * $STELE_SOCKET, else the default. */
#include <inttypes.h>
#include <stdio.h>
#include <stele/stele.h>
#include <string.h>

static int report(int code) {
  fprintf(stderr, "stele-c: %s: %s\n", stele_code_name(code), stele_error_message());
  return 1;
}

static stele_entry entry_of(int level, const char* message) {
  stele_entry entry = {0};
  entry.level = level;
  entry.message = message;
  entry.message_bytes = strlen(message);
  return entry;
}

static int print(void* context, const stele_stored_entry* entry) {
  (void)context;
  printf("%" PRIu64 " %s\n", entry->seq, entry->message);
  return 1;
}

int main(void) {
  stele_client* client = NULL;
  int code = stele_client_open(NULL, "c-example", &client);
  if (code != STELE_OK) return report(code);

  stele_entry entry = entry_of(STELE_WARN, "hello from C");
  entry.metadata = "{\"disk\":\"sda\"}";
  code = stele_write_log(client, &entry, 10000, NULL); /* On disk, if it is STELE_OK. */
  if (code != STELE_OK) return report(code);

  stele_logger* logger = NULL;
  code = stele_logger_open(NULL, "c-example", 0, STELE_BLOCK, &logger);
  if (code != STELE_OK) return report(code);
  entry = entry_of(STELE_INFO, "in the background");
  code = stele_logger_log(logger, &entry, -1);
  if (code != STELE_OK) return report(code);
  code = stele_logger_close(logger, 10000);
  if (code != STELE_OK) return report(code);

  code = stele_read_logs(client, 0, UINT64_MAX, 0, 10000, print, NULL);
  if (code != STELE_OK) return report(code);

  stele_query warnings = STELE_ALL;
  warnings.min_level = STELE_WARN;
  uint64_t count = 0;
  code = stele_count_logs(client, &warnings, 10000, &count);
  if (code == STELE_OK) printf("%" PRIu64 " of them warnings or worse\n", count);
  stele_client_close(client);
  return code == STELE_OK ? 0 : report(code);
}
