# base/: C, nothing about mail.

libmailaudit_a_SOURCES += \
	base/archive.c \
	base/archive.h \
	base/arena.c \
	base/arena.h \
	base/error.c \
	base/error.h \
	base/geo.c \
	base/geo.h \
	base/hash.c \
	base/hash.h \
	base/keys.c \
	base/keys.h \
	base/keys_sample.c \
	base/log.c \
	base/log.h \
	base/logfile.c \
	base/logfile.h \
	base/map.c \
	base/map.h \
	base/regex.c \
	base/regex.h \
	base/regex_need.c \
	base/regex_need.h \
	base/sdjournal.c \
	base/sdjournal.h \
	base/stamp.c \
	base/stamp.h \
	base/pack.c \
	base/pack.h \
	base/pairs.c \
	base/pairs.h \
	base/str.c \
	base/str.h \
	base/table.c \
	base/table.h \
	base/tarlog.c \
	base/tarlog.h \
	base/walk.c \
	base/walk.h \
	base/words.c \
	base/words.h \
	base/yaml.c \
	base/yaml.h \
	base/zone.c \
	base/zone.h
