// SPDX-License-Identifier: MIT
/* The strict HTTP/1.1 request parser. Works line by line: a line's bytes are checked as they come,
 * its meaning when it is complete, so where the input was split never matters. A head that came in
 * pieces is gone over once more when it is complete, which fills the header table without keeping
 * one for each connection. */

#include "io/http_parse.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MAX_BLANK      2u  /* RFC 9112 section 2.2: "at least one" is to be tolerated */
#define MAX_METHOD     24u /* longer than any method there is */
#define MAX_OVERHEAD   4096u
#define MAX_SIZE_LINE  1024u
#define MAX_HEX_DIGITS 16u

enum seen {
	SEEN_HOST = 1u << 0,
	SEEN_LENGTH = 1u << 1,
	SEEN_CODING = 1u << 2,
	SEEN_CLOSE = 1u << 3,
	SEEN_KEEP_ALIVE = 1u << 4,
	SEEN_EXPECT = 1u << 5,
};

/* classes of bytes */
enum {
	TCHAR = 1, /* RFC 9110 section 5.6.2 */
	HEX = 2,
	REG_NAME = 4, /* RFC 3986 section 3.2.2 without '%' */
	TARGET = 8,   /* visible ASCII but '#', '%' and '?' */
};

#define D (TCHAR | HEX | REG_NAME | TARGET) /* digits, a-f */
#define A (TCHAR | REG_NAME | TARGET)       /* other letters, ! $ & ' * + - . _ ~ */

static const uint8_t classes[256] = {
	/* clang-format off */
	['0'] = D, ['1'] = D, ['2'] = D, ['3'] = D, ['4'] = D, ['5'] = D, ['6'] = D, ['7'] = D,
	['8'] = D, ['9'] = D,
	['A'] = D, ['B'] = D, ['C'] = D, ['D'] = D, ['E'] = D, ['F'] = D,
	['G'] = A, ['H'] = A, ['I'] = A, ['J'] = A, ['K'] = A, ['L'] = A, ['M'] = A, ['N'] = A,
	['O'] = A, ['P'] = A, ['Q'] = A, ['R'] = A, ['S'] = A, ['T'] = A, ['U'] = A, ['V'] = A,
	['W'] = A, ['X'] = A, ['Y'] = A, ['Z'] = A,
	['a'] = D, ['b'] = D, ['c'] = D, ['d'] = D, ['e'] = D, ['f'] = D,
	['g'] = A, ['h'] = A, ['i'] = A, ['j'] = A, ['k'] = A, ['l'] = A, ['m'] = A, ['n'] = A,
	['o'] = A, ['p'] = A, ['q'] = A, ['r'] = A, ['s'] = A, ['t'] = A, ['u'] = A, ['v'] = A,
	['w'] = A, ['x'] = A, ['y'] = A, ['z'] = A,
	['!'] = A, ['$'] = A, ['&'] = A, ['\''] = A, ['*'] = A, ['+'] = A, ['-'] = A, ['.'] = A,
	['_'] = A, ['~'] = A,
	['#'] = TCHAR, ['%'] = TCHAR,
	['^'] = TCHAR | TARGET, ['`'] = TCHAR | TARGET, ['|'] = TCHAR | TARGET,
	['('] = REG_NAME | TARGET, [')'] = REG_NAME | TARGET, [','] = REG_NAME | TARGET,
	[';'] = REG_NAME | TARGET, ['='] = REG_NAME | TARGET,
	/* browsers send these as they are */
	['"'] = TARGET, ['/'] = TARGET, [':'] = TARGET, ['<'] = TARGET, ['>'] = TARGET, ['@'] = TARGET,
	['['] = TARGET, ['\\'] = TARGET, [']'] = TARGET, ['{'] = TARGET, ['}'] = TARGET,
	/* clang-format on */
};
#undef D
#undef A

static inline bool
is(char c, unsigned class)
{
	return (classes[(unsigned char)c] & class) != 0;
}

static bool
all(struct ls_slice s, unsigned class)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is(s.data[i], class))
			return false;
	}
	return s.len > 0;
}

static inline bool
is_control(char c)
{
	return ((unsigned char)c < 0x20 && c != '\t') || c == 0x7f;
}

/* Which of the 16 bytes at `p` may be a control character, tab included: bit i for byte i. */
static inline unsigned
suspects(const char *p)
{
#ifdef __SSE2__
	__m128i bytes, low = _mm_set1_epi8(0x1f);
	memcpy(&bytes, p, sizeof bytes);
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, low), bytes);
	__m128i del = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f));
	return (unsigned)_mm_movemask_epi8(_mm_or_si128(control, del));
#else
	unsigned found = 0;
	for (unsigned i = 0; i < 16; i++)
		found |= (unsigned)((unsigned char)p[i] < 0x20 || p[i] == 0x7f) << i;
	return found;
#endif
}

/* the first control character but tab, or `end` */
static size_t
find_control(const char *data, size_t at, size_t end)
{
	while (end - at >= 16) {
		unsigned found = suspects(data + at);
		if (found == 0) {
			at += 16;
			continue;
		}
		at += (unsigned)__builtin_ctz(found);
		if (data[at] != '\t')
			return at;
		at++;
	}
	while (at < end && !is_control(data[at]))
		at++;
	return at;
}

enum line { LINE_MORE, LINE_DONE, LINE_LONG, LINE_BAD };

/* Looks for the end of the line from `*at` on; a line reaching beyond `limit` is too long.
 * LINE_DONE: `*at` is the position of its CR LF. */
static enum line
find_line(struct ls_slice bytes, size_t limit, size_t *at)
{
	size_t end = LS_MIN(bytes.len, limit + 1);
	if (*at > limit)
		return LINE_LONG;
	*at = find_control(bytes.data, *at, end);
	if (*at >= end)
		return end > limit ? LINE_LONG : LINE_MORE;
	if (bytes.data[*at] != '\r')
		return LINE_BAD;
	if (*at + 1 == bytes.len)
		return LINE_MORE;
	return bytes.data[*at + 1] == '\n' ? LINE_DONE : LINE_BAD;
}

static enum ls_http_verdict
refuse(struct ls_http_head *head, int status, const char *why)
{
	head->status = status;
	head->why = why;
	return LS_HTTP_REFUSED;
}

static bool
ipv6_chars(struct ls_slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is(s.data[i], HEX) && s.data[i] != ':' && s.data[i] != '.')
			return false;
	}
	return s.len >= 2 && ls_slice_find(s, ':') < s.len;
}

/* digits whose value 64 bits hold for certain */
static inline bool
small_number(struct ls_slice s, uint64_t *out)
{
	uint64_t value = 0;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)(unsigned char)s.data[i] - '0';
		if (digit > 9)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return s.len > 0 && s.len < 19;
}

static bool
port_valid(struct ls_slice port)
{
	uint64_t number;
	return port.len == 0 || (small_number(port, &number) && number <= 65535);
}

bool
ls_http_host_valid(struct ls_slice host)
{
	size_t i = 0;
	if (host.len > 0 && host.data[0] == '[') {
		i = ls_slice_find(host, ']');
		if (i == host.len || !ipv6_chars(ls_slice(host.data + 1, i - 1)))
			return false;
		i++;
	} else {
		for (; i < host.len && host.data[i] != ':'; i++) {
			if (is(host.data[i], REG_NAME))
				continue;
			if (host.data[i] != '%' || host.len - i < 3 || !is(host.data[i + 1], HEX) ||
				!is(host.data[i + 2], HEX))
				return false;
			i += 2;
		}
		/* RFC 9110 section 4.2.1: an empty host is to be rejected */
		if (i == 0)
			return false;
	}
	if (i == host.len)
		return true;
	return host.data[i] == ':' && port_valid(ls_slice(host.data + i + 1, host.len - i - 1));
}

/* Checks bytes and escapes of a path and query, and splits them. In the query a '%' that is no
 * escape passes, because browsers send it (WHATWG URL); NUL never does. */
static bool
split_target(struct ls_slice target, struct ls_http_head *head)
{
	size_t query = target.len;
	for (size_t i = 0; i < target.len; i++) {
		char c = target.data[i];
		if (LS_LIKELY(is(c, TARGET)))
			continue;
		if (c == '?') {
			query = LS_MIN(query, i);
		} else if (c == '%') {
			bool escape = target.len - i >= 3 && is(target.data[i + 1], HEX) &&
				      is(target.data[i + 2], HEX);
			if (!escape && i < query)
				return false;
			if (escape && target.data[i + 1] == '0' && target.data[i + 2] == '0')
				return false;
		} else {
			return false;
		}
	}
	head->path = ls_slice(target.data, query);
	head->query = ls_slice(NULL, 0);
	if (query < target.len)
		head->query = ls_slice(target.data + query + 1, target.len - query - 1);
	return true;
}

/* RFC 9112 section 3.2.2: the authority replaces the Host header's */
static bool
absolute_target(struct ls_slice target, struct ls_http_head *head)
{
	size_t scheme = ls_slice_find(target, ':');
	if ((!ls_slice_eq_nocase(ls_slice(target.data, scheme), LS_S("http")) &&
		    !ls_slice_eq_nocase(ls_slice(target.data, scheme), LS_S("https"))) ||
		!ls_slice_starts(ls_slice(target.data + scheme, target.len - scheme), LS_S("://")))
		return false;
	size_t start = scheme + 3, end = start;
	while (end < target.len && target.data[end] != '/' && target.data[end] != '?')
		end++;
	head->host = ls_slice(target.data + start, end - start);
	struct ls_slice rest = ls_slice(target.data + end, target.len - end);
	if (!ls_http_host_valid(head->host) || !split_target(rest, head))
		return false;
	head->target = rest;
	if (head->path.len > 0)
		return true;
	/* section 3.2.4: OPTIONS without path and query means "*" */
	head->path =
		rest.len == 0 && ls_slice_eq(head->method, LS_S("OPTIONS")) ? LS_S("*") : LS_S("/");
	if (rest.len == 0)
		head->target = head->path;
	return true;
}

static enum ls_http_verdict
parse_target(struct ls_slice target, struct ls_http_head *head)
{
	head->target = target;
	head->host = ls_slice(NULL, 0);
	if (ls_slice_eq(head->method, LS_S("CONNECT")))
		return refuse(head, 501, "CONNECT is not offered");
	if (target.len > 0 && target.data[0] == '/') {
		if (!split_target(target, head))
			return refuse(head, 400, "malformed request target");
		return LS_HTTP_DONE;
	}
	if (ls_slice_eq(target, LS_S("*")) && ls_slice_eq(head->method, LS_S("OPTIONS"))) {
		head->path = target;
		head->query = ls_slice(NULL, 0);
		return LS_HTTP_DONE;
	}
	if (!absolute_target(target, head))
		return refuse(head, 400, "malformed request target");
	return LS_HTTP_DONE;
}

static enum ls_http_verdict
parse_request_line(struct ls_slice line, struct ls_http_scan *scan, struct ls_http_head *head)
{
	struct ls_slice rest = line, target, version;
	if (!ls_slice_cut(&rest, ' ', &head->method) || !all(head->method, TCHAR))
		return refuse(head, 400, "malformed method");
	if (!ls_slice_cut(&rest, ' ', &target) || rest.data == NULL)
		return refuse(head, 400, "malformed request line");
	version = rest;
	if (version.len != 8 || !ls_slice_starts(version, LS_S("HTTP/")) ||
		!ls_ascii_digit(version.data[5]) || version.data[6] != '.' ||
		!ls_ascii_digit(version.data[7]))
		return refuse(head, 400, "malformed request line");
	if (version.data[5] != '1')
		return refuse(head, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
	if (head->method.len > MAX_METHOD)
		return refuse(head, 501, "unknown method");
	/* RFC 9110 section 2.5: a higher minor version is served as the highest known */
	scan->minor = version.data[7] != '0';
	return parse_target(target, head);
}

static enum ls_http_verdict
parse_length(struct ls_slice value, struct ls_http_scan *scan, struct ls_http_head *head)
{
	if (scan->seen & SEEN_LENGTH)
		return refuse(head, 400, "more than one Content-Length");
	scan->seen |= SEEN_LENGTH;
	if (LS_LIKELY(small_number(value, &head->content_length)))
		return LS_HTTP_DONE;
	for (size_t i = 0; i < value.len; i++) {
		if (!ls_ascii_digit(value.data[i]))
			return refuse(head, 400, "malformed Content-Length");
	}
	if (value.len == 0)
		return refuse(head, 400, "malformed Content-Length");
	if (ls_slice_to_u64(value, &head->content_length) != LS_OK)
		return refuse(head, 413, "Content-Length beyond any limit");
	return LS_HTTP_DONE;
}

/* RFC 9112 section 6.3: a body whose last coding is not chunked has no end that can be trusted */
static enum ls_http_verdict
parse_coding(struct ls_slice value, struct ls_http_scan *scan, struct ls_http_head *head)
{
	struct ls_slice rest = value, part;
	size_t count = 0, chunked = 0;
	if (scan->seen & SEEN_CODING)
		return refuse(head, 400, "more than one Transfer-Encoding");
	scan->seen |= SEEN_CODING;
	if (LS_LIKELY(ls_slice_eq_nocase(value, LS_S("chunked"))))
		return LS_HTTP_DONE;
	bool last = false;
	while (ls_slice_cut(&rest, ',', &part)) {
		part = ls_slice_trim(part);
		if (!all(part, TCHAR))
			return refuse(head, 400, "malformed Transfer-Encoding");
		last = ls_slice_eq_nocase(part, LS_S("chunked"));
		chunked += last;
		count++;
	}
	if (!last || chunked != 1 || count < 2)
		return refuse(head, 400, "body without a trustworthy end");
	return refuse(head, 501, "unknown transfer coding");
}

static void
parse_connection(struct ls_slice value, struct ls_http_scan *scan)
{
	struct ls_slice part;
	while (ls_slice_cut(&value, ',', &part)) {
		part = ls_slice_trim(part);
		if (ls_slice_eq_nocase(part, LS_S("close")))
			scan->seen |= SEEN_CLOSE;
		else if (ls_slice_eq_nocase(part, LS_S("keep-alive")))
			scan->seen |= SEEN_KEEP_ALIVE;
	}
}

/* a weight is above zero when it has a digit other than zero; malformed ones count as 1 */
static bool
wanted(struct ls_slice params)
{
	struct ls_slice param;
	while (ls_slice_cut(&params, ';', &param)) {
		param = ls_slice_trim(param);
		if (param.len < 3 || ls_ascii_lower(param.data[0]) != 'q' || param.data[1] != '=')
			continue;
		for (size_t i = 2; i < param.len; i++) {
			if (param.data[i] != '0' && param.data[i] != '.')
				return true;
		}
		return false;
	}
	return true;
}

bool
ls_http_accepts_gzip(struct ls_slice value)
{
	struct ls_slice part, name;
	bool any = false;
	while (ls_slice_cut(&value, ',', &part)) {
		if (!ls_slice_cut(&part, ';', &name))
			continue;
		name = ls_slice_trim(name);
		if (ls_slice_eq_nocase(name, LS_S("gzip")) ||
			ls_slice_eq_nocase(name, LS_S("x-gzip")))
			return wanted(part);
		if (ls_slice_eq(name, LS_S("*")))
			any = wanted(part);
	}
	return any;
}

static enum ls_http_verdict
parse_host(struct ls_slice value, struct ls_http_scan *scan, struct ls_http_head *head)
{
	if (scan->seen & SEEN_HOST)
		return refuse(head, 400, "more than one Host");
	scan->seen |= SEEN_HOST;
	if (!ls_http_host_valid(value))
		return refuse(head, 400, "malformed Host");
	if (head->host.data == NULL)
		head->host = value;
	return LS_HTTP_DONE;
}

/* RFC 9110 section 10.1.1: an HTTP/1.0 client's Expect is to be ignored */
static enum ls_http_verdict
parse_expect(struct ls_slice value, struct ls_http_scan *scan, struct ls_http_head *head)
{
	if (scan->minor == 0)
		return LS_HTTP_DONE;
	if (!ls_slice_eq_nocase(value, LS_S("100-continue")))
		return refuse(head, 417, "unknown expectation");
	scan->seen |= SEEN_EXPECT;
	return LS_HTTP_DONE;
}

static inline uint64_t
load(const char *p, size_t size)
{
	uint64_t word = 0;
	memcpy(&word, p, size);
	return word;
}

/* Compares a name (tokens only) with one in lower case of the same length, 4 to 24 bytes. Bit 0x20
 * is what tells cases apart, and no two bytes of a token but letters differ in it alone, except '^'
 * and
 * '~', which no name here has. */
static inline bool
name_is(const char *name, const char *lower, size_t len)
{
	const uint64_t bits = UINT64_C(0x2020202020202020);
	size_t step = len >= 8 ? 8 : 4;
	for (size_t at = 0; at + step < len; at += step) {
		if ((load(name + at, step) | (bits >> (64 - 8 * step))) != load(lower + at, step))
			return false;
	}
	return (load(name + len - step, step) | (bits >> (64 - 8 * step))) ==
	       load(lower + len - step, step);
}

/* headers that decide about framing and connection; the length tells most of them apart */
static enum ls_http_verdict
known_field(
	const struct ls_http_header *field, struct ls_http_scan *scan, struct ls_http_head *head)
{
	const char *name = field->name.data;
	struct ls_slice value = field->value;
	switch (field->name.len) {
	case 4:
		return name_is(name, "host", 4) ? parse_host(value, scan, head) : LS_HTTP_DONE;
	case 6:
		return name_is(name, "expect", 6) ? parse_expect(value, scan, head) : LS_HTTP_DONE;
	case 10:
		if (name_is(name, "connection", 10))
			parse_connection(value, scan);
		return LS_HTTP_DONE;
	case 14:
		return name_is(name, "content-length", 14) ? parse_length(value, scan, head)
							   : LS_HTTP_DONE;
	case 15:
		if (name_is(name, "accept-encoding", 15))
			head->accepts_gzip = ls_http_accepts_gzip(value);
		return LS_HTTP_DONE;
	case 17:
		return name_is(name, "transfer-encoding", 17) ? parse_coding(value, scan, head)
							      : LS_HTTP_DONE;
	default:
		return LS_HTTP_DONE;
	}
}

static size_t
skip_blanks(struct ls_slice s, size_t i)
{
	while (i < s.len && (s.data[i] == ' ' || s.data[i] == '\t'))
		i++;
	return i;
}

/* name, colon, value: no space before the colon and no folded line (RFC 9112 section 5) */
static bool
split_field(struct ls_slice line, struct ls_http_header *field)
{
	size_t colon = 0;
	while (colon < line.len && is(line.data[colon], TCHAR))
		colon++;
	if (colon == 0 || colon == line.len || line.data[colon] != ':')
		return false;
	field->name = ls_slice(line.data, colon);
	size_t from = skip_blanks(line, colon + 1), to = line.len;
	while (to > from && (line.data[to - 1] == ' ' || line.data[to - 1] == '\t'))
		to--;
	field->value = ls_slice(line.data + from, to - from);
	return true;
}

static enum ls_http_verdict
parse_field(struct ls_slice line, size_t max, struct ls_http_scan *scan, struct ls_http_head *head)
{
	if (scan->fields == max)
		return refuse(head, 431, "too many header fields");
	struct ls_http_header *field = &head->headers[scan->fields++];
	if (!split_field(line, field))
		return refuse(head, 400, "malformed header field");
	return known_field(field, scan, head);
}

static enum ls_http_verdict
finish_head(const struct ls_http_scan *scan, struct ls_http_head *head)
{
	unsigned seen = scan->seen;
	if (scan->minor > 0 && !(seen & SEEN_HOST))
		return refuse(head, 400, "Host is missing");
	if ((seen & SEEN_CODING) && (seen & SEEN_LENGTH))
		return refuse(head, 400, "Content-Length and Transfer-Encoding");
	/* RFC 9112 section 6.1 */
	if ((seen & SEEN_CODING) && scan->minor == 0)
		return refuse(head, 400, "Transfer-Encoding in HTTP/1.0");
	head->minor = scan->minor;
	head->chunked = (seen & SEEN_CODING) != 0;
	head->has_length = (seen & SEEN_LENGTH) != 0;
	head->expect_continue = (seen & SEEN_EXPECT) != 0;
	head->keep_alive = !(seen & SEEN_CLOSE) && (scan->minor > 0 || (seen & SEEN_KEEP_ALIVE));
	head->header_count = scan->fields;
	return LS_HTTP_DONE;
}

static enum ls_http_verdict
take_line(struct ls_slice line, const struct ls_http_limits *limits, struct ls_http_scan *scan,
	struct ls_http_head *head)
{
	if (scan->fields_at != 0)
		return parse_field(line, limits->fields, scan, head);
	if (line.len == 0) {
		if (++scan->blank > MAX_BLANK)
			return refuse(head, 400, "empty lines instead of a request");
		return LS_HTTP_DONE;
	}
	scan->fields_at = (uint32_t)(scan->at + 2);
	return parse_request_line(line, scan, head);
}

static enum ls_http_verdict
bad_line(enum line line, const struct ls_http_scan *scan, struct ls_http_head *head)
{
	if (line == LINE_MORE)
		return LS_HTTP_MORE;
	if (line == LINE_BAD)
		return refuse(head, 400, "control character, bare CR or bare LF");
	if (scan->fields_at == 0)
		return refuse(head, 414, "request line too long");
	return refuse(head, 431, "header section too large");
}

static void
begin_head(struct ls_http_head *head)
{
	head->content_length = 0;
	head->accepts_gzip = false;
	head->header_count = 0;
	head->host = ls_slice(NULL, 0);
}

static enum ls_http_verdict
scan_head(struct ls_http_scan *scan, struct ls_slice bytes, const struct ls_http_limits *limits,
	struct ls_http_head *head)
{
	for (;;) {
		size_t at = scan->at;
		size_t limit = scan->fields_at != 0 ? scan->fields_at + limits->head
						    : scan->line + limits->line;
		enum line found = find_line(bytes, limit, &at);
		scan->at = (uint32_t)at;
		if (found != LINE_DONE)
			return bad_line(found, scan, head);
		struct ls_slice line = ls_slice(bytes.data + scan->line, at - scan->line);
		if (line.len == 0 && scan->fields_at != 0) {
			head->size = at + 2;
			return finish_head(scan, head);
		}
		enum ls_http_verdict verdict = take_line(line, limits, scan, head);
		if (verdict != LS_HTTP_DONE)
			return verdict;
		scan->at = scan->line = (uint32_t)(at + 2);
	}
}

enum ls_http_verdict
ls_http_parse_head(struct ls_http_scan *scan, struct ls_slice bytes,
	const struct ls_http_limits *limits, struct ls_http_head *head)
{
	bool resumed = scan->at > 0;
	if (!resumed)
		begin_head(head);
	enum ls_http_verdict verdict = scan_head(scan, bytes, limits, head);
	if (verdict != LS_HTTP_DONE || !resumed)
		return verdict;
	/* what was found in earlier calls pointed into bytes that may have moved since */
	*scan = (struct ls_http_scan){ 0 };
	begin_head(head);
	return scan_head(scan, bytes, limits, head);
}

bool
ls_http_field_valid(struct ls_slice name, struct ls_slice value)
{
	return all(name, TCHAR) && find_control(value.data, 0, value.len) == value.len;
}

enum chunk_state { CHUNK_SIZE, CHUNK_DATA, CHUNK_END, CHUNK_TRAILER };

void
ls_http_chunks_init(struct ls_http_chunks *chunks, uint64_t max_body)
{
	*chunks = (struct ls_http_chunks){ .room = max_body };
}

static enum ls_http_verdict
refuse_chunk(struct ls_http_chunks *chunks, uint16_t status, const char *why)
{
	chunks->status = status;
	chunks->why = why;
	return LS_HTTP_REFUSED;
}

static size_t
skip_token(struct ls_slice s, size_t i)
{
	while (i < s.len && is(s.data[i], TCHAR))
		i++;
	return i;
}

/* behind the closing quote, or 0 when there is none */
static size_t
skip_quoted(struct ls_slice s, size_t i)
{
	for (i++; i < s.len; i++) {
		if (s.data[i] == '"')
			return i + 1;
		if (s.data[i] == '\\')
			i++;
	}
	return 0;
}

/* *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ) */
static bool
extensions_valid(struct ls_slice s)
{
	size_t i = 0;
	while (i < s.len) {
		i = skip_blanks(s, i);
		if (i == s.len || s.data[i] != ';')
			return false;
		size_t name = skip_blanks(s, i + 1);
		i = skip_token(s, name);
		if (i == name)
			return false;
		size_t equals = skip_blanks(s, i);
		if (equals == s.len || s.data[equals] != '=')
			continue;
		size_t value = skip_blanks(s, equals + 1);
		bool quoted = value < s.len && s.data[value] == '"';
		i = quoted ? skip_quoted(s, value) : skip_token(s, value);
		if (i <= value)
			return false;
	}
	return true;
}

static enum ls_http_verdict
parse_chunk_size(struct ls_http_chunks *chunks, struct ls_slice line)
{
	size_t digits = 0;
	uint64_t size = 0;
	for (; digits < line.len && is(line.data[digits], HEX); digits++) {
		char c = ls_ascii_lower(line.data[digits]);
		if (digits == MAX_HEX_DIGITS)
			return refuse_chunk(chunks, 400, "malformed chunk size");
		size = size << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	struct ls_slice extensions = ls_slice(line.data + digits, line.len - digits);
	if (digits == 0 || !extensions_valid(extensions))
		return refuse_chunk(chunks, 400, "malformed chunk size");
	chunks->overhead += (uint32_t)extensions.len;
	if (chunks->overhead > MAX_OVERHEAD)
		return refuse_chunk(chunks, 400, "chunk extensions too long");
	if (size > chunks->room)
		return refuse_chunk(chunks, 413, "body too large");
	chunks->room -= size;
	chunks->left = size;
	chunks->state = size > 0 ? CHUNK_DATA : CHUNK_TRAILER;
	return LS_HTTP_DONE;
}

/* a size or a trailer; LS_HTTP_DONE: the line was taken, the body may go on */
static enum ls_http_verdict
chunk_line(struct ls_http_chunks *chunks, struct ls_slice bytes, size_t *used)
{
	struct ls_http_header trailer;
	size_t at = chunks->scanned;
	enum line found = find_line(bytes, MAX_SIZE_LINE, &at);
	chunks->scanned = (uint16_t)at;
	if (found == LINE_MORE)
		return LS_HTTP_MORE;
	if (found == LINE_BAD)
		return refuse_chunk(
			chunks, 400, "control character, bare CR or bare LF in a chunk");
	if (found == LINE_LONG)
		return chunks->state == CHUNK_SIZE
			       ? refuse_chunk(chunks, 400, "chunk extensions too long")
			       : refuse_chunk(chunks, 431, "trailers too large");
	struct ls_slice line = ls_slice(bytes.data, at);
	*used = at + 2;
	chunks->scanned = 0;
	if (chunks->state == CHUNK_SIZE)
		return parse_chunk_size(chunks, line);
	chunks->overhead += (uint32_t)line.len + 2;
	if (chunks->overhead > MAX_OVERHEAD)
		return refuse_chunk(chunks, 431, "trailers too large");
	if (line.len > 0 && !split_field(line, &trailer))
		return refuse_chunk(chunks, 400, "malformed trailer");
	return LS_HTTP_DONE;
}

/* the CR LF behind a chunk's data */
static enum ls_http_verdict
chunk_end(struct ls_http_chunks *chunks, struct ls_slice bytes, size_t *used)
{
	if ((bytes.len > 0 && bytes.data[0] != '\r') || (bytes.len > 1 && bytes.data[1] != '\n'))
		return refuse_chunk(chunks, 400, "chunk longer than its size");
	if (bytes.len < 2)
		return LS_HTTP_MORE;
	*used = 2;
	chunks->state = CHUNK_SIZE;
	return LS_HTTP_DONE;
}

static size_t
chunk_data(struct ls_http_chunks *chunks, char *to, const char *from, size_t len)
{
	size_t take = (size_t)LS_MIN((uint64_t)len, chunks->left);
	memmove(to, from, take);
	chunks->left -= take;
	if (chunks->left == 0)
		chunks->state = CHUNK_END;
	return take;
}

enum ls_http_verdict
ls_http_chunks_decode(
	struct ls_http_chunks *chunks, char *bytes, size_t len, size_t *used, size_t *made)
{
	enum ls_http_verdict verdict = LS_HTTP_MORE;
	size_t at = 0, out = 0;
	while (at < len) {
		struct ls_slice rest = ls_slice(bytes + at, len - at);
		size_t step = 0;
		bool trailer = chunks->state == CHUNK_TRAILER;
		if (chunks->state == CHUNK_DATA) {
			step = chunk_data(chunks, bytes + out, rest.data, rest.len);
			out += step;
			at += step;
			continue;
		}
		verdict = chunks->state == CHUNK_END ? chunk_end(chunks, rest, &step)
						     : chunk_line(chunks, rest, &step);
		at += step;
		if (verdict != LS_HTTP_DONE || (trailer && step == 2))
			break;
		verdict = LS_HTTP_MORE;
	}
	*used = at;
	*made = out;
	return verdict;
}
