# docs/: man pages (mdoc), the tour of the tree, decisions.

dist_man_MANS = \
	docs/man/mailaudit-notify.8 \
	docs/man/mailaudit.1 \
	docs/man/mailaudit-alerts.5 \
	docs/man/mailaudit.yaml.5 \
	docs/man/mailauditd.8

dist_doc_DATA = README.md LICENSE SECURITY.md CHANGELOG.md docs/architecture.md \
	docs/performance.md
EXTRA_DIST += docs/decisions
