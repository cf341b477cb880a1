/* What the bench needs of the reference library: the size of what it decodes into, and its two ways to decode a pack. */
#include <stddef.h>
#include <stdint.h>
#include <opendroneid.h>
#include <odid_wifi.h>

size_t reference_size(void) { return sizeof(ODID_UAS_Data); }

/* As a receiver does: length check, everything set to unknown, then the messages. */
int reference_process(void *data, const uint8_t *pack, size_t len) { return odid_message_process_pack(data, pack, len); }

/* Only the messages, into what was there before; the caller has checked the length. */
int reference_decode(void *data, const uint8_t *pack) { return decodeMessagePack(data, (const ODID_MessagePack_encoded *)pack); }
