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

static int
bad_name(struct nmctx *ctx, const char *spec, int error, const char *why)
{
	nmctx_ferror(ctx, "%s: bad port name: %s", spec, why);
	errno = error;
	return -1;
}

int
nmreq_header_decode(const char **spec, struct nmreq_header *hdr, struct nmctx *ctx)
{
	const char *name = *spec, *s, *colon;
	size_t len;

	if (strncmp(name, "netmap:", 7) == 0) {
		name += 7;
	} else {
		/* Without the prefix it must be a switch's port: vale, word, colon. */
		colon = name;
		if (strncmp(name, NM_BDG_NAME, strlen(NM_BDG_NAME)) == 0)
			for (colon += strlen(NM_BDG_NAME); is_word(*colon); colon++)
				;
		if (colon == name || *colon != ':')
			return bad_name(ctx, *spec, EINVAL,
			    "it must begin with netmap: or be valeSWITCH:PORT");
		if (!is_name(colon[1]) || is_ring_mode(colon + 1))
			return bad_name(ctx, *spec, EINVAL, "no port after the switch");
	}
	for (s = name; is_name(*s) && !is_ring_mode(s); s++)
		;
	if (s == name)
		return bad_name(ctx, *spec, EINVAL, "it is empty");
	if (*s == '{' || *s == '}') {
		const char *id = ++s;

		while (is_word(*s))
			s++;
		if (s == id)
			return bad_name(ctx, *spec, EINVAL, "no pipe id after the brace");
	}
	if (*s != '\0' && strchr("-^*/@", *s) == NULL)
		return bad_name(ctx, s, EINVAL, "unexpected character");
	len = (size_t)(s - name);
	if (len >= sizeof(hdr->nr_name))
		return bad_name(ctx, *spec, ENAMETOOLONG, "longer than 63 characters");
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

static int
bad_mode(struct nmctx *ctx, const char *at, const char *why)
{
	nmctx_ferror(ctx, "%s: bad mode of a port: %s", at, why);
	errno = EINVAL;
	return -1;
}

int
nmreq_register_decode(const char **mode, struct nmreq_register *reg, struct nmctx *ctx)
{
	const char *s = *mode;
	uint32_t nr_mode = NR_REG_ALL_NIC, ring = 0, mem_id = reg->nr_mem_id;
	uint64_t flags = reg->nr_flags;

	if (*s == '-') {
		s++;
		nr_mode = NR_REG_ONE_NIC;
		if (take_number(&s, UINT16_MAX, &ring) != 0)
			return bad_mode(ctx, *mode, "no ring number, 0 to 65535, after the dash");
	} else if (*s == '^') {
		s++;
		nr_mode = NR_REG_SW;
		if (is_digit(*s)) {
			nr_mode = NR_REG_ONE_SW;
			if (take_number(&s, UINT16_MAX, &ring) != 0)
				return bad_mode(ctx, *mode, "ring number above 65535");
		}
	} else if (*s == '*') {
		s++;
		nr_mode = NR_REG_NIC_SW;
	}
	if (*s == '/') {
		if (s[1] == '\0' || s[1] == '@')
			return bad_mode(ctx, s, "no flag after the slash");
		for (s++; *s != '\0' && *s != '@'; s++) {
			if (flag_of(*s) == 0)
				return bad_mode(ctx, s, "the flags are x, z, t, r, R, T");
			flags |= flag_of(*s);
		}
		/* A zero-copy monitor that does not say of what is one of both directions. */
		if ((flags & NR_ZCOPY_MON) && !(flags & (NR_MONITOR_TX | NR_MONITOR_RX)))
			flags |= NR_MONITOR_TX | NR_MONITOR_RX;
		if ((flags & NR_RX_RINGS_ONLY) && (flags & NR_TX_RINGS_ONLY))
			return bad_mode(ctx, *mode, "R and T exclude each other");
	}
	if (*s == '@' && is_digit(s[1])) {
		s++;
		if (take_number(&s, UINT16_MAX, &mem_id) != 0)
			return bad_mode(ctx, s, "region id above 65535");
	}
	if (*s != '\0' && *s != '@')
		return bad_mode(ctx, s, "unexpected character");
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
		if (strcmp(p->name, text) == 0)
			return read_keys(p, keys, token, ctx);
	}
	return bad_option(ctx, text, "", "no such option");
}

int
nmreq_options_decode(const char *opt, struct nmreq_opt_parser *parsers, void *token,
		     struct nmctx *ctx)
{
	const char *end;
	char *copy;
	int ret = 0, error;

	while (ret == 0 && *opt != '\0') {
		if (*opt++ != '@') {
			nmctx_ferror(ctx, "%s: an option begins with @", opt - 1);
			errno = EINVAL;
			return -1;
		}
		end = opt + strcspn(opt, "@");
		copy = nmctx_malloc(ctx, (size_t)(end - opt) + 1);
		if (copy == NULL) {
			errno = ENOMEM;
			return -1;
		}
		memcpy(copy, opt, (size_t)(end - opt));
		copy[end - opt] = '\0';
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
