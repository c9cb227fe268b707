/* Telling systemd how we are; nothing happens without it. */
#ifndef MAILAUDIT_DAEMON_READY_H
#define MAILAUDIT_DAEMON_READY_H

#include "base/stamp.h"

void ready_started(void);
void ready_reloading(usec_t monotonic);
void ready_reloaded(void);
void ready_stopping(void);
void ready_alive(void);
void ready_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* How often ready_alive() must be called; 0: not at all. */
usec_t ready_watchdog(void);

#endif
