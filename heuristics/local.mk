# heuristics/: messages to findings, one file per family of evidence; then the verdict and its words.

libmailaudit_a_SOURCES += \
	heuristics/allow.c \
	heuristics/allow.h \
	heuristics/backscatter.c \
	heuristics/delivery.c \
	heuristics/direct.c \
	heuristics/heuristics.c \
	heuristics/heuristics.def \
	heuristics/heuristics.h \
	heuristics/identity.c \
	heuristics/injection.c \
	heuristics/limits.c \
	heuristics/origin.c \
	heuristics/script.c \
	heuristics/tell.c \
	heuristics/tell.h \
	heuristics/verdict.c \
	heuristics/volume.c
