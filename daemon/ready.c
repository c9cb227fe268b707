/* Telling systemd how we are: sd_notify(3).
 *
 * Without libsystemd, or not under systemd, every call does nothing. */
#include "daemon/ready.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notify(unset, text) ((void)(text))
#define sd_notifyf(unset, format, ...) ((void)snprintf(NULL, 0, format, __VA_ARGS__))
#define sd_watchdog_enabled(unset, usec) ((void)(usec), 0)
#endif

void ready_started(void)
{
	sd_notify(0, "READY=1");
}

void ready_reloading(usec_t monotonic)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)monotonic);
}

void ready_reloaded(void)
{
	sd_notify(0, "READY=1");
}

void ready_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void ready_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

void ready_status(const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	sd_notifyf(0, "STATUS=%s", text);
}

usec_t ready_watchdog(void)
{
	uint64_t usec = 0;

	return sd_watchdog_enabled(0, &usec) > 0 ? (usec_t)usec : 0;
}
