/* What a stream's habits are: buckets of hours, lists of what was seen, and
 * their packed form.
 *
 * Invariant: stream_unpack(stream_pack(s)) is s, so that a restart in the middle
 * of an attack changes nothing. Lists never grow beyond their bound: the entry
 * that was seen longest ago makes room. What a habit means is the heuristics'. */
#include "core/stream.h"

#include <arpa/inet.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/pack.h"

#define STATE_VERSION 3
#define STATE_AT_LENGTH 2 /* times in full, and each real; nothing of whom it knows */
#define STATE_WITHOUT_VISITS 1 /* up to 0.1: like 2, all but reads and entries */
/* A state that needs more than so many bytes has a run, or limits. */
#define STATE_USUAL 3000
/* Weight of the newest day in what is usual; a rise is believed faster. */
#define LEARN_FALL 0.15f
#define LEARN_RISE 0.30f
#define HOUR_LEAST 0.001f
/* An hour nobody spoke in is an hour of 0, but no more than so many are told one
 * by one: what is usual has long been forgotten by then. */
#define QUIET_HOURS (24 * 21)
#define MONTH_FADE (1 - 1 / 720.0f)
#define PRIOR_USEC (14 * USEC_DAY)

/* What a form is: recipients an hour at most, calls and time behind it at least. */
#define FORM_HOUR 4.0f
#define FORM_CALLS 3
#define FORM_AGE (7 * USEC_DAY)

const char *const stream_kind_name[STREAM_KINDS] = {
	[STREAM_LOGIN] = "login",     [STREAM_SCRIPT] = "script",   [STREAM_USER] = "user",
	[STREAM_NETWORK] = "network", [STREAM_ACCOUNT] = "account", [STREAM_INBOUND] = "inbound",
	[STREAM_DIRECT] = "direct",   [STREAM_HOST] = "host",
};

/* ---- hours ---- */

static void learn_hour(float *usual, float seen)
{
	*usual += (seen > *usual ? LEARN_RISE : LEARN_FALL) * (seen - *usual);
	/* What is packed as nothing must be nothing. */
	if (*usual < HOUR_LEAST)
		*usual = 0;
}

static void end_hour(struct stream *s)
{
	int at = (int)(s->hour % 24);

	if (!s->hour_tainted) {
		learn_hour(&s->usual_novel[at], s->hour_novel);
		learn_hour(&s->usual_all[at], s->hour_all);
	}
	s->hour_novel = s->hour_all = 0;
	s->hour_tainted = false;
	s->switching *= MONTH_FADE;
	s->hour++;
}

void stream_roll(struct stream *s, usec_t now)
{
	int64_t hour = now / USEC_HOUR;

	if (!s->hour)
		s->hour = hour;
	if (hour - s->hour > QUIET_HOURS) {
		memset(s->usual_novel, 0, sizeof(s->usual_novel));
		memset(s->usual_all, 0, sizeof(s->usual_all));
		s->hour_novel = s->hour_all = s->switching = 0;
		s->hour = hour;
	}
	while (s->hour < hour)
		end_hour(s);
}

float stream_usual(const struct stream *s, const float *by_hour, usec_t now, float floor,
		   float prior)
{
	int at = (int)(now / USEC_HOUR % 24);
	float usual = by_hour[at];
	float age = (float)(now - s->born) / (float)PRIOR_USEC;

	if (by_hour[(at + 23) % 24] > usual)
		usual = by_hour[(at + 23) % 24];
	if (by_hour[(at + 1) % 24] > usual)
		usual = by_hour[(at + 1) % 24];
	if (age < 1 && usual < prior)
		usual = prior + age * (usual - prior);
	return usual > floor ? usual : floor;
}

bool stream_is_form(const struct stream *s)
{
	for (int hour = 0; hour < 24; hour++)
		if (s->usual_all[hour] > FORM_HOUR)
			return false;
	return s->kind == STREAM_SCRIPT && s->calls > FORM_CALLS && s->last - s->born > FORM_AGE;
}

float stream_total(const struct stream *s)
{
	float sum = 0;

	for (int f = 0; f < FAMILIES; f++)
		sum += s->score[f];
	return sum;
}

/* ---- lists ---- */

static uint32_t minutes(usec_t t)
{
	return (uint32_t)(t / USEC_MINUTE);
}

/* Hash of an address' first bytes, by its kind; 0: it is none. */
static uint32_t prefix_of(struct str ip, size_t bytes4, size_t bytes6)
{
	char text[64];
	unsigned char a[16];
	uint32_t hash;

	if (!ip.n || ip.n >= sizeof(text))
		return 0;
	memcpy(text, ip.p, ip.n);
	text[ip.n] = 0;
	if (inet_pton(AF_INET, text, a) == 1)
		hash = (uint32_t)str_hash((struct str){ (char *)a, bytes4 }, 4);
	else if (inet_pton(AF_INET6, text, a) == 1)
		hash = (uint32_t)str_hash((struct str){ (char *)a, bytes6 }, 6);
	else
		return 0;
	return hash ? hash : 1;
}

uint32_t stream_net_of(struct str ip)
{
	return prefix_of(ip, 2, 4);
}

static struct stream_net *net_entry(struct stream_net **list, uint8_t *n, int most, uint32_t net,
				    usec_t now, bool *fresh)
{
	struct stream_net *oldest = NULL;

	*fresh = false;
	for (int i = 0; i < *n; i++) {
		if ((*list)[i].net == net)
			return &(*list)[i];
		if (!oldest || (*list)[i].last < oldest->last)
			oldest = &(*list)[i];
	}
	*fresh = true;
	if (*n < most) {
		*list = xrealloc(*list, (size_t)(*n + 1) * sizeof(**list));
		oldest = &(*list)[(*n)++];
	}
	*oldest = (struct stream_net){ .net = net, .first = minutes(now), .last = minutes(now) };
	return oldest;
}

struct stream_net *stream_net(struct stream *s, uint32_t net, usec_t now, bool *fresh)
{
	return net_entry(&s->nets, &s->nnets, STREAM_MAX_NETS, net, now, fresh);
}

struct stream_net *stream_read(struct stream *s, uint32_t net, usec_t now, bool *fresh)
{
	return net_entry(&s->reads, &s->nreads, STREAM_MAX_READS, net, now, fresh);
}

/* A stable place to write to: the same path, else a new one, else the oldest's. */
void stream_enter(struct stream *s, const struct stream_entry *e)
{
	int i = 0;

	while (i < s->nentries &&
	       (s->entries[i].path != e->path || strcmp(s->entries[i].ip, e->ip) != 0))
		i++;
	if (i == s->nentries && i < STREAM_MAX_ENTRIES) {
		s->entries = xrealloc(s->entries, (size_t)(i + 1) * sizeof(*s->entries));
		s->nentries++;
	} else {
		i = i == s->nentries ? 0 : i;
		memmove(&s->entries[i], &s->entries[i + 1],
			(size_t)(s->nentries - i - 1) * sizeof(*s->entries));
	}
	s->entries[s->nentries - 1] = *e;
}

uint64_t stream_path_hash(struct str path)
{
	char text[1024] = "/";
	size_t n = 1;
	uint64_t hash;

	for (size_t i = 0; i < path.n && n < sizeof(text); i++)
		if (path.p[i] != '/' || text[n - 1] != '/')
			text[n++] = path.p[i];
	hash = str_hash((struct str){ text, n }, 9);
	return hash ? hash : 1;
}

const struct stream_word *stream_find_word(const struct stream_word *list, uint8_t n, uint32_t hash)
{
	for (int i = 0; i < n; i++)
		if (list[i].hash == hash)
			return &list[i];
	return NULL;
}

struct stream_word *stream_word(struct stream_word **list, uint8_t *n, uint32_t hash, usec_t now,
				bool *fresh)
{
	struct stream_word *oldest = NULL;

	*fresh = false;
	for (int i = 0; i < *n; i++) {
		if ((*list)[i].hash == hash)
			return &(*list)[i];
		if (!oldest || (*list)[i].last < oldest->last)
			oldest = &(*list)[i];
	}
	*fresh = true;
	if (*n < STREAM_MAX_WORDS) {
		*list = xrealloc(*list, (size_t)(*n + 1) * sizeof(**list));
		oldest = &(*list)[(*n)++];
	}
	*oldest = (struct stream_word){ hash, minutes(now), minutes(now), 0 };
	return oldest;
}

struct stream_form *stream_form(struct stream *s, uint64_t shape, usec_t now, bool *fresh)
{
	struct stream_form *oldest = NULL;

	*fresh = false;
	for (int i = 0; i < s->nforms; i++) {
		if (s->forms[i].shape == shape)
			return &s->forms[i];
		if (!oldest || s->forms[i].last < oldest->last)
			oldest = &s->forms[i];
	}
	*fresh = true;
	if (s->nforms < STREAM_MAX_FORMS) {
		s->forms = xrealloc(s->forms, (size_t)(s->nforms + 1) * sizeof(*s->forms));
		oldest = &s->forms[s->nforms++];
	}
	*oldest = (struct stream_form){ .shape = shape, .first = minutes(now),
					.last = minutes(now) };
	return oldest;
}

int stream_address(struct stream *s, struct str ip, usec_t now, bool *again)
{
	uint32_t hash = prefix_of(ip, 3, 8), minute = minutes(now);
	int n = 1;

	*again = false;
	for (int i = 0; i < s->naddresses; i++) {
		if (s->addresses[i].minute + 60 <= minute)
			continue;
		if (s->addresses[i].hash == hash) {
			s->addresses[i].minute = minute;
			*again = true;
		} else {
			n++;
		}
	}
	if (*again)
		return n;
	s->addresses[s->next_address].hash = hash;
	s->addresses[s->next_address].minute = minute;
	s->next_address = (uint8_t)((s->next_address + 1) % STREAM_MAX_ADDRESSES);
	s->naddresses += s->naddresses < STREAM_MAX_ADDRESSES;
	return n;
}

/* ---- life ---- */

static struct str eat_part(struct str *key)
{
	struct str part = str_head(*key, str_chr(*key, '\n'));

	*key = str_skip(*key, part.n + 1);
	return part;
}

static void first_habits(struct stream *s)
{
	s->novelty = 0.5f;
	s->failure = 0.03f;
}

struct stream *stream_new(struct str key)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	struct str rest, kind;

	s->key = str_dup(key);
	rest = (struct str){ s->key, key.n };
	kind = eat_part(&rest);
	s->account = eat_part(&rest);
	s->name = rest;
	for (int k = 0; k < STREAM_KINDS; k++)
		if (str_eq(kind, str_of(stream_kind_name[k])))
			s->kind = (enum stream_kind)k;
	first_habits(s);
	return s;
}

static void release(struct stream *s)
{
	free(s->nets);
	free(s->reads);
	free(s->entries);
	free(s->helos);
	free(s->domains);
	free(s->forms);
	free(s->tally);
	run_free(s->run);
	known_release(&s->known);
}

void stream_free(struct stream *s)
{
	if (!s)
		return;
	release(s);
	free(s->key);
	free(s);
}

size_t stream_bytes(const struct stream *s)
{
	size_t n = sizeof(*s) + s->account.n + s->name.n + 12;

	n += s->nreads * sizeof(*s->reads) + s->nentries * sizeof(*s->entries);
	n += s->nnets * sizeof(*s->nets) + s->nforms * sizeof(*s->forms);
	n += (size_t)(s->nhelos + s->ndomains) * sizeof(*s->helos);
	n += s->tally ? sizeof(*s->tally) : 0;
	n += s->run ? sizeof(*s->run) + s->run->strings.used : 0;
	return n + known_bytes(&s->known);
}

/* ---- the packed form: one list of members for both ways ---- */

/* N: a number, T: a time. */
#define NUMBERS(N, T) \
	T(born) T(last) N(messages) N(recipients) N(calls) N(script_line) N(plain_path) \
	T(php_seen) \
	N(hour) N(hour_tainted) T(scored) N(learned_results) T(last_known_source) \
	N(last_foreign) N(strangers) N(regulars[0]) N(regulars[1]) T(since) N(since_messages) \
	N(since_recipients) N(since_novel) N(refused_logins) T(refused_login) N(finding)
#define REALS(X) \
	X(hour_novel) X(hour_all) X(novelty) X(failure) X(switching) X(rate) X(run_of_novel) \
	X(total) X(bulk_rate) X(bad_list) X(pending) X(usual_sources)

/* Most times are soon before the newest one, or never. */
static void pack_time(struct packer *p, usec_t t, usec_t newest)
{
	uint64_t ago = (uint64_t)newest - (uint64_t)t;

	pack_number(p, t ? (int64_t)((ago << 1 ^ -(ago >> 63)) + 1) : 0);
}

static usec_t unpack_time(struct unpacker *u, usec_t newest)
{
	uint64_t v = (uint64_t)unpack_number(u), ago = (v - 1) >> 1 ^ -((v - 1) & 1);

	return v ? (usec_t)((uint64_t)newest - ago) : 0;
}

/* Most of a calm stream are 0. */
static void pack_sums(struct packer *p, const struct stream *s)
{
#define X(member) s->member,
	const float reals[] = { REALS(X) };
#undef X

	pack_reals(p, reals, sizeof(reals) / sizeof(reals[0]));
	pack_reals(p, s->score, FAMILIES);
}

static void unpack_sums(struct unpacker *u, struct stream *s, int64_t version)
{
#define X(member) &s->member,
	float *const to[] = { REALS(X) };
#undef X
	enum { REAL_COUNT = sizeof(to) / sizeof(to[0]) };
	float reals[REAL_COUNT];

	if (version > STATE_AT_LENGTH) {
		unpack_reals(u, reals, REAL_COUNT);
		unpack_reals(u, s->score, FAMILIES);
	} else {
		for (int i = 0; i < REAL_COUNT; i++)
			reals[i] = unpack_real(u);
		for (int f = 0; f < FAMILIES; f++)
			s->score[f] = unpack_real(u);
	}
	for (int i = 0; i < REAL_COUNT; i++)
		*to[i] = reals[i];
}

static void pack_words(struct packer *p, const struct stream_word *w, uint8_t n)
{
	pack_number(p, n);
	for (int i = 0; i < n; i++) {
		pack_number(p, w[i].hash);
		pack_number(p, w[i].first);
		pack_number(p, w[i].last);
		pack_number(p, w[i].count);
	}
}

static struct stream_word *unpack_words(struct unpacker *u, uint8_t *n)
{
	struct stream_word *w;

	*n = (uint8_t)unpack_count(u, STREAM_MAX_WORDS);
	w = *n ? xcalloc(*n, sizeof(*w)) : NULL;
	for (int i = 0; i < *n; i++) {
		w[i].hash = (uint32_t)unpack_number(u);
		w[i].first = (uint32_t)unpack_number(u);
		w[i].last = (uint32_t)unpack_number(u);
		w[i].count = (uint32_t)unpack_number(u);
	}
	return w;
}

static void pack_nets(struct packer *p, const struct stream_net *nets, uint8_t count)
{
	pack_number(p, count);
	for (int i = 0; i < count; i++) {
		const struct stream_net *n = &nets[i];

		pack_number(p, n->net);
		pack_number(p, n->asn);
		pack_number(p, n->first);
		pack_number(p, n->last);
		pack_number(p, n->days);
		pack_number(p, (unsigned char)n->country[0] << 8 | (unsigned char)n->country[1]);
	}
}

static struct stream_net *unpack_nets(struct unpacker *u, uint8_t *count, size_t most)
{
	struct stream_net *nets;

	*count = (uint8_t)unpack_count(u, most);
	nets = *count ? xcalloc(*count, sizeof(*nets)) : NULL;
	for (int i = 0; i < *count; i++) {
		struct stream_net *n = &nets[i];
		int64_t country;

		n->net = (uint32_t)unpack_number(u);
		n->asn = (uint32_t)unpack_number(u);
		n->first = (uint32_t)unpack_number(u);
		n->last = (uint32_t)unpack_number(u);
		n->days = (uint16_t)unpack_number(u);
		country = unpack_number(u);
		n->country[0] = (char)(country >> 8);
		n->country[1] = (char)country;
	}
	return nets;
}

static void pack_entries(struct packer *p, const struct stream *s)
{
	pack_number(p, s->nentries);
	for (int i = 0; i < s->nentries; i++) {
		const struct stream_entry *e = &s->entries[i];

		pack_number(p, (int64_t)e->path);
		pack_number(p, e->minute);
		pack_number(p, e->refused << 2 | e->ssh << 1 | e->strange);
		pack_number(p, (unsigned char)e->country[0] << 8 | (unsigned char)e->country[1]);
		pack_text(p, str_of(e->ip));
	}
}

static void unpack_entries(struct unpacker *u, struct stream *s)
{
	s->nentries = (uint8_t)unpack_count(u, STREAM_MAX_ENTRIES);
	s->entries = s->nentries ? xcalloc(s->nentries, sizeof(*s->entries)) : NULL;
	for (int i = 0; i < s->nentries; i++) {
		struct stream_entry *e = &s->entries[i];
		int64_t flags, country;
		struct str ip;

		e->path = (uint64_t)unpack_number(u);
		e->minute = (uint32_t)unpack_number(u);
		flags = unpack_number(u);
		e->strange = flags & 1;
		e->ssh = flags >> 1 & 1;
		e->refused = (uint16_t)(flags >> 2);
		country = unpack_number(u);
		e->country[0] = (char)(country >> 8);
		e->country[1] = (char)country;
		ip = str_head(unpack_text(u), sizeof(e->ip) - 1);
		if (ip.n)
			memcpy(e->ip, ip.p, ip.n);
	}
}

static void pack_addresses(struct packer *p, const struct stream *s)
{
	pack_number(p, s->naddresses);
	pack_number(p, s->next_address);
	for (int i = 0; i < s->naddresses; i++) {
		pack_number(p, s->addresses[i].hash);
		pack_number(p, s->addresses[i].minute);
	}
}

static void unpack_addresses(struct unpacker *u, struct stream *s)
{
	s->naddresses = (uint8_t)unpack_count(u, STREAM_MAX_ADDRESSES);
	s->next_address = (uint8_t)((uint64_t)unpack_number(u) % STREAM_MAX_ADDRESSES);
	for (int i = 0; i < s->naddresses; i++) {
		s->addresses[i].hash = (uint32_t)unpack_number(u);
		s->addresses[i].minute = (uint32_t)unpack_number(u);
	}
}

static void pack_forms(struct packer *p, const struct stream *s)
{
	pack_number(p, s->nforms);
	for (int i = 0; i < s->nforms; i++) {
		const struct stream_form *f = &s->forms[i];

		pack_number(p, (int64_t)f->shape);
		pack_number(p, f->names);
		pack_number(p, f->repeated);
		pack_number(p, f->first);
		pack_number(p, f->last);
		pack_number(p, f->count);
		pack_number(p, f->most_recipients << 1 | f->mixed);
	}
}

static void unpack_forms(struct unpacker *u, struct stream *s)
{
	s->nforms = (uint8_t)unpack_count(u, STREAM_MAX_FORMS);
	s->forms = s->nforms ? xcalloc(s->nforms, sizeof(*s->forms)) : NULL;
	for (int i = 0; i < s->nforms; i++) {
		struct stream_form *f = &s->forms[i];
		int64_t last;

		f->shape = (uint64_t)unpack_number(u);
		f->names = (uint32_t)unpack_number(u);
		f->repeated = (uint32_t)unpack_number(u);
		f->first = (uint32_t)unpack_number(u);
		f->last = (uint32_t)unpack_number(u);
		f->count = (uint32_t)unpack_number(u);
		last = unpack_number(u);
		f->most_recipients = (uint16_t)(last >> 1);
		f->mixed = last & 1;
	}
}

static void pack_tally(struct packer *p, const struct tally *t)
{
	pack_number(p, t != NULL);
	if (!t)
		return;
	pack_number(p, t->fine_at);
	pack_number(p, t->coarse_at);
	for (int w = 0; w < TALLY_WHATS; w++) {
		for (int i = 0; i < TALLY_FINE; i++)
			pack_number(p, t->fine[w][i]);
		for (int i = 0; i < TALLY_COARSE; i++)
			pack_number(p, t->coarse[w][i]);
	}
}

static struct tally *unpack_tally(struct unpacker *u)
{
	struct tally *t;

	if (!unpack_number(u))
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->fine_at = unpack_number(u);
	t->coarse_at = unpack_number(u);
	for (int w = 0; w < TALLY_WHATS; w++) {
		for (int i = 0; i < TALLY_FINE; i++)
			t->fine[w][i] = (uint32_t)unpack_number(u);
		for (int i = 0; i < TALLY_COARSE; i++)
			t->coarse[w][i] = (uint32_t)unpack_number(u);
	}
	return t;
}

struct str stream_pack(const struct stream *s, struct arena *to)
{
	char room[STATE_USUAL];
	struct packer p = { .arena = to, .p = room, .room = sizeof(room) };

	pack_number(&p, STATE_VERSION);
	pack_number(&p, s->last);
#define N(member) pack_number(&p, (int64_t)s->member);
#define T(member) pack_time(&p, s->member, s->last);
	NUMBERS(N, T)
#undef N
#undef T
	pack_sums(&p, s);
	pack_reals(&p, s->usual_novel, 24);
	pack_reals(&p, s->usual_all, 24);
	pack_nets(&p, s->nets, s->nnets);
	pack_addresses(&p, s);
	pack_words(&p, s->helos, s->nhelos);
	pack_words(&p, s->domains, s->ndomains);
	pack_forms(&p, s);
	pack_tally(&p, s->tally);
	pack_text(&p, s->run ? run_pack(s->run, to) : STR_NONE);
	pack_nets(&p, s->reads, s->nreads);
	pack_entries(&p, s);
	known_pack(&s->known, &p);
	return pack_end(&p);
}

static void unpack_numbers(struct unpacker *u, struct stream *s, int64_t version)
{
	bool at_length = version <= STATE_AT_LENGTH;
	usec_t newest = at_length ? 0 : unpack_number(u);

#define N(member) s->member = (__typeof__(s->member))unpack_number(u);
#define T(member) s->member = at_length ? unpack_number(u) : unpack_time(u, newest);
	NUMBERS(N, T)
#undef N
#undef T
}

static bool unpack(struct stream *s, struct str packed)
{
	struct unpacker u = { .rest = packed };
	int64_t version = unpack_number(&u);
	struct str run;

	if (version < STATE_WITHOUT_VISITS || version > STATE_VERSION)
		return false;
	unpack_numbers(&u, s, version);
	unpack_sums(&u, s, version);
	unpack_reals(&u, s->usual_novel, 24);
	unpack_reals(&u, s->usual_all, 24);
	s->nets = unpack_nets(&u, &s->nnets, STREAM_MAX_NETS);
	unpack_addresses(&u, s);
	s->helos = unpack_words(&u, &s->nhelos);
	s->domains = unpack_words(&u, &s->ndomains);
	unpack_forms(&u, s);
	s->tally = unpack_tally(&u);
	run = unpack_text(&u);
	s->run = run.n ? run_unpack(run) : NULL;
	if (version > STATE_WITHOUT_VISITS) {
		s->reads = unpack_nets(&u, &s->nreads, STREAM_MAX_READS);
		unpack_entries(&u, s);
	}
	if (version > STATE_AT_LENGTH)
		known_unpack(&s->known, &u);
	else
		s->known.in_rows = true;
	return !u.bad && (!run.n || s->run);
}

bool stream_unpack(struct stream *s, struct str packed)
{
	struct stream fresh = { .id = s->id, .kind = s->kind, .key = s->key,
				.account = s->account, .name = s->name,
				.known = { .in_rows = true }, .stored = s->stored };

	if (unpack(s, packed))
		return true;
	release(s);
	*s = fresh;
	first_habits(s);
	return false;
}
