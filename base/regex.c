/* Regular expressions, by PCRE2's 8-bit library.
 *
 * Invariant: whatever pattern and text are, a match ends within the limits of
 * regex.h, and going over one is "no match". The just-in-time compiler is used
 * where the system lets us have it (a service with MemoryDenyWriteExecute= does
 * not); the result is the same without. */
#include "base/regex.h"

#include "base/regex_need.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

struct regex {
	pcre2_code *code;
	pcre2_match_data *data; /* of the last match */
	pcre2_match_context *limits;
	bool compiled; /* to machine code */
	struct need need;
};

static uint64_t limits_hit;

static pcre2_code *compile(struct str pattern, bool caseless, struct error *err)
{
	uint32_t options = PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF |
			   PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR why[160] = "";
	pcre2_code *code;
	size_t at;
	int number;

	if (caseless)
		options |= PCRE2_CASELESS;
	code = pcre2_compile((PCRE2_SPTR)(pattern.n ? pattern.p : ""), pattern.n, options,
			     &number, &at, NULL);
	if (code)
		return code;
	pcre2_get_error_message(number, why, sizeof(why));
	error_set(err, EXIT_CONFIG, "%s, at byte %zu of %.*s", (const char *)why, at + 1,
		  (int)(pattern.n < 100 ? pattern.n : 100), pattern.n ? pattern.p : "");
	return NULL;
}

struct regex *regex_new(struct str pattern, bool caseless, struct error *err)
{
	struct regex *re;
	pcre2_code *code;

	if (pattern.n > REGEX_MAX_PATTERN) {
		error_set(err, EXIT_CONFIG, "an expression longer than %d bytes",
			  REGEX_MAX_PATTERN);
		return NULL;
	}
	code = compile(pattern, caseless, err);
	if (!code)
		return NULL;
	re = xcalloc(1, sizeof(*re));
	re->code = code;
	re->data = pcre2_match_data_create(1, NULL);
	re->limits = pcre2_match_context_create(NULL);
	if (!re->data || !re->limits)
		bug("out of memory");
	pcre2_set_match_limit(re->limits, REGEX_MAX_STEPS);
	pcre2_set_depth_limit(re->limits, REGEX_MAX_DEPTH);
	pcre2_set_heap_limit(re->limits, REGEX_MAX_HEAP);
	re->compiled = pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0;
	need_read(pattern, &re->need);
	return re;
}

void regex_free(struct regex *re)
{
	if (!re)
		return;
	pcre2_match_context_free(re->limits);
	pcre2_match_data_free(re->data);
	pcre2_code_free(re->code);
	free(re);
}

bool regex_match(const struct regex *re, struct str text, struct str *found)
{
	const size_t *ends = pcre2_get_ovector_pointer(re->data);
	PCRE2_SPTR bytes = (PCRE2_SPTR)(text.n ? text.p : "");
	int rc = (re->compiled ? pcre2_jit_match : pcre2_match)(re->code, bytes, text.n, 0, 0,
								re->data, re->limits);

	if (rc < 0) {
		if (rc != PCRE2_ERROR_NOMATCH)
			limits_hit++;
		return false;
	}
	/* "\K" in a look-ahead, which PCRE2 took until 10.38, puts the start behind the end. */
	if (found && ends[0] <= ends[1])
		*found = str_head(str_skip(text, ends[0]), ends[1] - ends[0]);
	else if (found)
		*found = STR_NONE;
	return true;
}

bool regex_try(const struct regex *re, const struct regex_text *text)
{
	return need_met(&re->need, text) && regex_match(re, text->text, NULL);
}

uint64_t regex_limits_hit(void)
{
	return limits_hit;
}
