#!/bin/sh
# test_systemd.sh BUILD_DIR: the unit file is right and keeps the daemon in.
set -eu
build=$(cd "${1:?BUILD_DIR}" && pwd)
cd "$(dirname "$0")/../.."
limit=15 # systemd-analyze's exposure times 10
smtp_limit=25

command -v systemd-analyze >/dev/null || {
	echo "no systemd-analyze"
	exit 77
}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# verify looks for the program; it says nothing through its exit status.
sed "s|@sbindir@|$dir|g" systemd/mailauditd.service.in >"$dir/mailauditd.service"
cp "$build/mailauditd" "$dir/mailauditd"
chmod 755 "$dir" "$dir/mailauditd"

fail() {
	echo "$*"
	exit 1
}

verify() {
	systemd-analyze verify --man=no "$1" 2>"$dir/said" || fail "verify: $(cat "$dir/said")"
	[ ! -s "$dir/said" ] || fail "verify said: $(cat "$dir/said")"
}

exposure() {
	systemd-analyze security --offline=true "$1" |
		sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p'
}

grep -q '@' "$dir/mailauditd.service" && grep '@[a-z]*@' "$dir/mailauditd.service" &&
	fail "a substitution was left"
verify "$dir/mailauditd.service"
systemd-analyze security --offline=true --threshold=$limit "$dir/mailauditd.service" \
	>"$dir/table" || fail "$(tail -n 1 "$dir/table")"
echo "exposure $(exposure "$dir/mailauditd.service")"

# It starts sendmail(8), whose setgid bit must work: nothing may be there that implies
# NoNewPrivileges= (systemd.exec(5) lists what does).
sed "s|@bindir@|$dir|g" systemd/mailaudit-notify.service.in >"$dir/mailaudit-notify.service"
cp "$build/mailaudit" "$dir/mailaudit"
chmod 755 "$dir/mailaudit"
verify "$dir/mailaudit-notify.service"
for key in NoNewPrivileges DynamicUser LockPersonality MemoryDenyWriteExecute PrivateDevices \
	ProtectClock ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables \
	RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID \
	SystemCallArchitectures SystemCallFilter SystemCallLog; do
	! grep "^$key=" "$dir/mailaudit-notify.service" || fail "$key= keeps sendmail(8) from its queue"
done
cat "$dir/mailaudit-notify.service" systemd/mailaudit-notify-smtp.conf >"$dir/smtp.service"
verify "$dir/smtp.service"
systemd-analyze security --offline=true --threshold=$smtp_limit "$dir/smtp.service" \
	>"$dir/table" || fail "$(tail -n 1 "$dir/table")"
echo "exposure of notify $(exposure "$dir/mailaudit-notify.service")," \
	"by SMTP $(exposure "$dir/smtp.service")"
cat "$dir/mailaudit-notify.service" systemd/mailaudit-notify-actions.conf >"$dir/actions.service"
verify "$dir/actions.service"

# A key it does not know must be noticed, or this test is worth nothing.
sed 's/^PrivateTmp=/PrivateTemp=/' "$dir/mailauditd.service" >"$dir/broken.service"
systemd-analyze verify --man=no "$dir/broken.service" 2>"$dir/said" || :
[ -s "$dir/said" ] || fail "a wrong key was not noticed"

# With the drop-in for logs only customers can read.
cat "$dir/mailauditd.service" systemd/mailauditd-tenant-logs.conf >"$dir/tenant.service"
verify "$dir/tenant.service"
echo "exposure with the drop-in $(exposure "$dir/tenant.service")"

if command -v systemd-sysusers >/dev/null; then
	mkdir "$dir/etc"
	systemd-sysusers --root="$dir" "$PWD/systemd/mailaudit.sysusers" >"$dir/said" 2>&1 ||
		fail "sysusers: $(cat "$dir/said")"
	grep -q '^mailaudit:' "$dir/etc/passwd" || fail "sysusers made no user"
fi
if command -v systemd-tmpfiles >/dev/null && [ -f "$dir/etc/passwd" ]; then
	systemd-tmpfiles --root="$dir" --create "$PWD/systemd/mailaudit.tmpfiles" >"$dir/said" 2>&1 ||
		fail "tmpfiles: $(cat "$dir/said")"
	[ -d "$dir/var/lib/mailaudit" ] || fail "tmpfiles made no directory"
fi
