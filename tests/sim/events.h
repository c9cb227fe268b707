/* What anchors reads: one record of 32 bytes per message that was submitted here and per answer
 * that was not "sent", in order of time, in the byte order of the machine. */
#ifndef MAILAUDIT_TESTS_SIM_EVENTS_H
#define MAILAUDIT_TESTS_SIM_EVENTS_H

#include <stdint.h>

#define EVENT_NO_SCRIPT 65535

enum event_type { EVENT_LOGIN, EVENT_SCRIPT, EVENT_FAILED, EVENT_DEFERRED };

struct sim_event {
	int64_t time; /* microseconds since 1970 */
	uint32_t account;
	uint32_t ip; /* EVENT_LOGIN; 127.0.0.1 is webmail */
	uint16_t type; /* enum event_type */
	uint16_t script; /* of the account, or EVENT_NO_SCRIPT for SMTP from 127.0.0.1 */
	uint16_t country; /* of the address; 65535 not known */
	uint16_t recipients;
	uint16_t unknown; /* EVENT_FAILED: 1 if there is no such user */
	uint16_t spare[3];
};

#endif
