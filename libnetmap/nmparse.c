/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of ports, from left to right:
 *
 *	netmap: eth0 {1 -2 /xR @3 @conf:rings=4
 *	---------------               prefix, name, pipe id   nmreq_header_decode()
 *	                -- --- --     mode, flags, region     nmreq_register_decode()
 *	                          --  options                 nmreq_options_decode()
 *
 * Every function either takes its whole part and moves the caller's pointer, or
 * fails and leaves pointer and results as they were.  What does not belong to the
 * language is refused, never skipped.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Letters of an identifier: of a switch, a pipe id, an option, a key. */
static int
is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Letters of the name of an interface or of a switch's port. */
static int
is_name(char c)
{
	return is_word(c) || c == '.' || c == ':' || c == '-' || c == '+';
}

/* "-K" is a mode only if nothing but digits stands up to the end of mode. */
static int
is_ring_mode(const char *s)
{
	if (s[0] != '-' || !is_digit(s[1]))
		return 0;
	for (s++; is_digit(*s); s++)
		;
	return *s == '\0' || *s == '/' || *s == '@';
}

/* Complain about what stands at `at` in a text. */
static int
bad(struct nmctx *ctx, const char *what, const char *text, const char *at, int error,
    const char *why)
{
	if (*at != '\0')
		nmctx_ferror(ctx, "%s: bad %s: %s at \"%s\"", text, what, why, at);
	else
		nmctx_ferror(ctx, "%s: bad %s: %s at its end", text, what, why);
	errno = error;
	return -1;
}

/* Length of "valeSWITCH:" at the start of a name, 0 when it is not there. */
static size_t
switch_length(const char *name)
{
	size_t n = strlen(NM_BDG_NAME);

	if (strncmp(name, NM_BDG_NAME, n) != 0)
		return 0;
	while (is_word(name[n]))
		n++;
	return name[n] == ':' ? n + 1 : 0;
}

int
nmreq_header_decode(const char **spec, struct nmreq_header *hdr, struct nmctx *ctx)
{
	static const char what[] = "port name";
	const char *name = *spec, *s;
	size_t len;

	if (strncmp(name, "netmap:", 7) == 0)
		name += 7;
	else if (switch_length(name) == 0)
		return bad(ctx, what, *spec, *spec, EINVAL,
		    "neither netmap: nor valeSWITCH:PORT");
	s = name + switch_length(name);
	if (!is_name(*s) || is_ring_mode(s))
		return bad(ctx, what, *spec, s, EINVAL,
		    s == name ? "no name" : "no port of the switch");
	while (is_name(*s) && !is_ring_mode(s))
		s++;
	if (*s == '{' || *s == '}') {
		if (!is_word(*++s))
			return bad(ctx, what, *spec, s, EINVAL, "no pipe id");
		while (is_word(*s))
			s++;
	}
	if (*s != '\0' && strchr("-^*/@", *s) == NULL)
		return bad(ctx, what, *spec, s, EINVAL, "unexpected character");
	len = (size_t)(s - name);
	if (len >= sizeof(hdr->nr_name))
		return bad(ctx, what, *spec, name + sizeof(hdr->nr_name) - 1, ENAMETOOLONG,
		    "more than 63 characters");
	memset(hdr->nr_name, 0, sizeof(hdr->nr_name));
	memcpy(hdr->nr_name, name, len);
	*spec = s;
	return 0;
}

/* Take a decimal number <= max off the string at *s; 0, or -1. */
static int
take_number(const char **s, uint32_t max, uint32_t *value)
{
	const char *p = *s;
	uint64_t v = 0;

	if (!is_digit(*p))
		return -1;
	for (; is_digit(*p); p++) {
		v = v * 10 + (uint64_t)(*p - '0');
		if (v > max)
			return -1;
	}
	*s = p;
	*value = (uint32_t)v;
	return 0;
}

/* Bits of one flag letter, 0 for none. */
static uint64_t
flag_of(char c)
{
	switch (c) {
	case 'x':
		return NR_EXCLUSIVE;
	case 'z':
		return NR_ZCOPY_MON;
	case 't':
		return NR_MONITOR_TX;
	case 'r':
		return NR_MONITOR_RX;
	case 'R':
		return NR_RX_RINGS_ONLY;
	case 'T':
		return NR_TX_RINGS_ONLY;
	default:
		return 0;
	}
}

int
nmreq_register_decode(const char **mode, struct nmreq_register *reg, struct nmctx *ctx)
{
	static const char what[] = "mode of a port";
	const char *s = *mode;
	uint32_t nr_mode = NR_REG_ALL_NIC, ring = 0, mem_id = reg->nr_mem_id;
	uint64_t flags = reg->nr_flags;

	if (*s == '-') {
		nr_mode = NR_REG_ONE_NIC;
		s++;
		if (take_number(&s, UINT16_MAX, &ring) != 0)
			return bad(ctx, what, *mode, s, EINVAL, "no ring number, 0 to 65535,");
	} else if (*s == '^') {
		s++;
		nr_mode = is_digit(*s) ? NR_REG_ONE_SW : NR_REG_SW;
		if (is_digit(*s) && take_number(&s, UINT16_MAX, &ring) != 0)
			return bad(ctx, what, *mode, s, EINVAL, "no ring number, 0 to 65535,");
	} else if (*s == '*') {
		s++;
		nr_mode = NR_REG_NIC_SW;
	}
	if (*s == '/') {
		s++;
		do {
			if (flag_of(*s) == 0)
				return bad(ctx, what, *mode, s, EINVAL, "none of the flags x z t r R T");
			flags |= flag_of(*s++);
			if ((flags & NR_RX_RINGS_ONLY) && (flags & NR_TX_RINGS_ONLY))
				return bad(ctx, what, *mode, s - 1, EINVAL, "R and T exclude each other,");
		} while (*s != '\0' && *s != '@');
		/* A zero-copy monitor that does not say of what is one of both directions. */
		if ((flags & NR_ZCOPY_MON) && !(flags & (NR_MONITOR_TX | NR_MONITOR_RX)))
			flags |= NR_MONITOR_TX | NR_MONITOR_RX;
	}
	if (*s == '@' && is_digit(s[1])) {
		s++;
		if (take_number(&s, UINT16_MAX, &mem_id) != 0)
			return bad(ctx, what, *mode, s, EINVAL, "no region, 0 to 65535,");
	}
	if (*s != '\0' && *s != '@')
		return bad(ctx, what, *mode, s, EINVAL, "unexpected character");
	reg->nr_mode = nr_mode;
	reg->nr_ringid = (uint16_t)ring;
	reg->nr_mem_id = (uint16_t)mem_id;
	reg->nr_flags = flags;
	*mode = s;
	return 0;
}

static int
bad_option(struct nmctx *ctx, const char *option, const char *key, const char *why)
{
	nmctx_ferror(ctx, "@%s: %s%s%s", option, key, *key != '\0' ? ": " : "", why);
	errno = EINVAL;
	return -1;
}

static int
find_key(const struct nmreq_opt_parser *p, const char *name)
{
	int i;

	for (i = 0; i < p->n_keys; i++) {
		if (strcmp(p->keys[i].name, name) == 0)
			return i;
	}
	return -1;
}

/*
 * Read KEY=VALUE,... of one option.  The text is the caller's copy and is cut
 * into strings in place.
 */
static int
read_keys(const struct nmreq_opt_parser *p, char *text, void *token, struct nmctx *ctx)
{
	const char *values[NMREQ_OPT_KEYS_MAX] = { NULL };
	int i;

	while (text != NULL) {
		char *item = text, *value;

		text = strchr(item, ',');
		if (text != NULL)
			*text++ = '\0';
		value = strchr(item, '=');
		if (value != NULL)
			*value++ = '\0';
		i = find_key(p, item);
		if (i < 0 && value == NULL && p->default_key >= 0 && *item != '\0') {
			value = item;
			i = p->default_key;
		}
		if (i < 0)
			return bad_option(ctx, p->name, item, "no such key");
		if (values[i] != NULL)
			return bad_option(ctx, p->name, p->keys[i].name, "given twice");
		if ((value == NULL || *value == '\0') && !(p->keys[i].flags & NMREQ_OPT_KEY_BARE))
			return bad_option(ctx, p->name, p->keys[i].name, "needs a value");
		values[i] = value != NULL ? value : "";
	}
	for (i = 0; i < p->n_keys; i++) {
		if (values[i] == NULL && (p->keys[i].flags & NMREQ_OPT_KEY_REQUIRED))
			return bad_option(ctx, p->name, p->keys[i].name, "is required");
	}
	return p->apply(token, values, ctx);
}

/* Apply the option in text, NAME:KEYS, which is the caller's copy. */
static int
apply_option(char *text, struct nmreq_opt_parser *parsers, void *token, struct nmctx *ctx)
{
	struct nmreq_opt_parser *p;
	char *keys = strchr(text, ':');

	if (keys != NULL)
		*keys++ = '\0';
	for (p = parsers; p != NULL; p = p->next) {
		if (strcmp(p->name, text) != 0)
			continue;
		if (p->n_keys > NMREQ_OPT_KEYS_MAX)
			return bad_option(ctx, text, "", "its parser has too many keys");
		return read_keys(p, keys, token, ctx);
	}
	return bad_option(ctx, text, "", "no such option");
}

/* Whether an option of the name that at begins with stands between start and at. */
static int
is_repeated(const char *start, const char *at)
{
	size_t n = strcspn(at, ":@");
	const char *s;

	for (s = start; s < at; s += strcspn(s, "@") + 1) {
		if (strcspn(s, ":@") == n && strncmp(s, at, n) == 0)
			return 1;
	}
	return 0;
}

int
nmreq_options_decode(const char *opt, struct nmreq_opt_parser *parsers, void *token,
		     struct nmctx *ctx)
{
	const char *start = opt + 1, *end;
	char *copy;
	int ret = 0, error;

	if (*opt != '\0' && *opt != '@') {
		nmctx_ferror(ctx, "%s: an option begins with @", opt);
		errno = EINVAL;
		return -1;
	}
	while (ret == 0 && *opt != '\0') {
		opt++;
		end = opt + strcspn(opt, "@");
		copy = nmctx_malloc(ctx, (size_t)(end - opt) + 1);
		if (copy == NULL) {
			nmctx_ferror(ctx, "@%s: no memory to read the option", opt);
			errno = ENOMEM;
			return -1;
		}
		memcpy(copy, opt, (size_t)(end - opt));
		copy[end - opt] = '\0';
		if (is_repeated(start, opt))
			ret = bad_option(ctx, copy, "", "given twice");
		else
			ret = apply_option(copy, parsers, token, ctx);
		error = errno;
		nmctx_free(ctx, copy);
		errno = error;
		opt = end;
	}
	return ret;
}

int
nm_parse_u64(const char *text, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (!is_digit(*text))
		return -1;
	for (; is_digit(*text); text++) {
		uint64_t digit = (uint64_t)(*text - '0');

		if (v > (max - digit) / 10)
			return -1;
		v = v * 10 + digit;
	}
	if (*text != '\0')
		return -1;
	*value = v;
	return 0;
}
