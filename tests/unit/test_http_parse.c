// SPDX-License-Identifier: MIT
/* http_parse: what is taken, what is refused with which status, and that cutting the input anywhere
 * changes nothing. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http_drive.h"

#define MORE 0
#define OK   1 /* one complete request */
#define TWO  2

struct sample {
	const char *name;
	const char *bytes;
	size_t len;
	int expect;           /* a status, or how many requests */
	const char *contains; /* in the transcript */
};

#define T(name, expect, contains, bytes)                                                           \
	{                                                                                          \
		name, bytes, sizeof(bytes) - 1, expect, contains                                   \
	}
#define GET_(headers)  "GET / HTTP/1.1\r\nHost: a\r\n" headers "\r\n"
#define POST_(headers) "POST /p HTTP/1.1\r\nHost: a\r\n" headers "\r\n"
#define CHUNKED(body)  POST_("Transfer-Encoding: chunked\r\n") body
#define TEN(x)         x x x x x x x x x x

/* clang-format off */
static const struct sample good[] = {
	T("plain", OK, "GET /|/||a|1.1 keep\nHost=a\nbody 0:", GET_("")),
	T("no request yet", MORE, "", ""),
	T("incomplete line", MORE, "more", "GET / HT"),
	T("incomplete head", MORE, "more", "GET / HTTP/1.1\r\nHost: a\r\n"),
	T("incomplete end", MORE, "more", "GET / HTTP/1.1\r\nHost: a\r\n\r"),
	T("query", OK, "GET /a/b?c=d&e|/a/b|c=d&e|a", "GET /a/b?c=d&e HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("empty query", OK, "GET /?|/||a", "GET /? HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("question mark in the query", OK, "|/|a?b|", "GET /?a?b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("escapes", OK, "|/%41%c3%a9%2F|", "GET /%41%c3%a9%2F HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("browser's bytes", OK, "|/|a={\"x\":[1]}|b|",
		"GET /?a={\"x\":[1]}|b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("bare percent in the query", OK, "|/|u=100%|", "GET /?u=100% HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("double slash", OK, "|//a|", "GET //a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("dots are the router's", OK, "|/../a|", "GET /../a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("absolute form", OK, "GET /p?q|/p|q|b:80|",
		"GET http://b:80/p?q HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("absolute form, https", OK, "GET /p|/p||b|", "GET HTTPS://b/p HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("absolute form, no path", OK, "GET /|/||b|", "GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("absolute form, query only", OK, "GET ?x|/|x|b|",
		"GET http://b?x HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("asterisk", OK, "OPTIONS *|*||a|", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("asterisk, absolute", OK, "OPTIONS *|*||b|", "OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("options with a path", OK, "OPTIONS /x|/x|", "OPTIONS /x HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("unknown method", OK, "PROPFIND /", "PROPFIND / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("token method", OK, "M-SEARCH! /", "M-SEARCH! / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("higher minor version", OK, "|1.1 keep", "GET / HTTP/1.9\r\nHost: a\r\n\r\n"),
	T("1.0", OK, "|1.0\n", "GET / HTTP/1.0\r\n\r\n"),
	T("1.0 with Host", OK, "|a|1.0\n", "GET / HTTP/1.0\r\nHost: a\r\n\r\n"),
	T("1.0 keep-alive", OK, "|1.0 keep", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"),
	T("1.0 keep-alive and close", OK, "|1.0\n",
		"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
	T("close", OK, "|1.1\n", GET_("Connection: close\r\n")),
	T("close in a list", OK, "|1.1\n", GET_("Connection: te , CLOSE\r\nTE: trailers\r\n")),
	T("close in a second field", OK, "|1.1\n", GET_("Connection: te\r\nConnection: close\r\n")),
	T("not close", OK, "|1.1 keep", GET_("Connection: closed\r\n")),
	T("one empty line before", OK, "GET /", "\r\n" GET_("")),
	T("two empty lines before", OK, "GET /", "\r\n\r\n" GET_("")),
	T("empty lines between", TWO, "GET /", GET_("") "\r\n\r\n" GET_("")),
	T("pipelined", TWO, "GET /", GET_("") GET_("")),
	T("pipelined behind a body", TWO, "body 3:abc\nGET /", POST_("Content-Length: 3\r\n") "abc" GET_("")),
	T("pipelined behind chunks", TWO, "body 3:abc\nGET /", CHUNKED("3\r\nabc\r\n0\r\n\r\n") GET_("")),
	T("half a second one", OK, "more", GET_("") "GET /"),
	T("body", OK, "body 5:hello", POST_("Content-Length: 5\r\n") "hello"),
	T("binary body", OK, "body 4:", POST_("Content-Length: 4\r\n") "\0\r\n\xff"),
	T("empty body", OK, "body 0:", POST_("Content-Length: 0\r\n")),
	T("body on GET", OK, "GET /|/||a|1.1 keep\nHost=a\nContent-Length=1\nbody 1:x", GET_("Content-Length: 1\r\n") "x"),
	T("POST without length", OK, "body 0:", POST_("")),
	T("leading zeros", OK, "body 5:hello", POST_("Content-Length: 0005\r\n") "hello"),
	T("padded length", OK, "body 5:hello", POST_("Content-Length: \t 5 \t\r\n") "hello"),
	T("incomplete body", MORE, "more", POST_("Content-Length: 5\r\n") "hell"),
	T("empty value", OK, "X=\n", GET_("X:\r\n")),
	T("blank value", OK, "X=\n", GET_("X:  \t \r\n")),
	T("value is trimmed", OK, "X=a b\n", GET_("X: \ta b\t \r\n")),
	T("colons in a value", OK, "X=:a:\n", GET_("X::a:\r\n")),
	T("tab in a value", OK, "X=a\tb\n", GET_("X: a\tb\r\n")),
	T("high bytes in a value", OK, "X=\xc3\xa9\xff\n", GET_("X: \xc3\xa9\xff\r\n")),
	T("odd name", OK, "!#$%&'*+-.^_`|~09aZ=1\n", GET_("!#$%&'*+-.^_`|~09aZ: 1\r\n")),
	T("underscore in a name", OK, "X_Y=1\n", GET_("X_Y: 1\r\n")),
	T("doubled fields stay", OK, "X=1\nX=2\n", GET_("X: 1\r\nX: 2\r\n")),
	T("as many fields as allowed", OK, "G=7", GET_("A:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\nF:6\r\nG:7\r\n")),
	T("expect", OK, " expect\n", POST_("Expect: 100-Continue\r\nContent-Length: 1\r\n") "x"),
	T("expect in 1.0 is ignored", OK, "|1.0\n", "GET / HTTP/1.0\r\nExpect: the-unexpected\r\n\r\n"),
	T("gzip", OK, " gzip\n", GET_("Accept-Encoding: gzip, deflate, br\r\n")),
	T("gzip with weight", OK, " gzip\n", GET_("Accept-Encoding: br;q=1, GZip ; q=0.1\r\n")),
	T("any", OK, " gzip\n", GET_("Accept-Encoding: *\r\n")),
	T("no gzip", OK, "1.1 keep\n", GET_("Accept-Encoding: gzip;q=0, *\r\n")),
	T("no gzip, long", OK, "1.1 keep\n", GET_("Accept-Encoding: gzip;q=0.000\r\n")),
	T("not any", OK, "1.1 keep\n", GET_("Accept-Encoding: br, *;q=0\r\n")),
	T("identity only", OK, "1.1 keep\n", GET_("Accept-Encoding: identity\r\n")),
	T("host with port", OK, "|a.b-c.example:8080|", "GET / HTTP/1.1\r\nHost: a.b-c.example:8080\r\n\r\n"),
	T("host with empty port", OK, "|a:|", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n"),
	T("host IPv4", OK, "|127.0.0.1|", "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
	T("host IPv6", OK, "|[::1]:80|", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
	T("host, mapped", OK, "|[::ffff:1.2.3.4]|", "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]\r\n\r\n"),
	T("host with escapes", OK, "|%41b|", "GET / HTTP/1.1\r\nHost: %41b\r\n\r\n"),
	T("host name in capitals", OK, "|A|", "GET / HTTP/1.1\r\nhOsT: A\r\n\r\n"),
	T("chunks", OK, "body 9:hello you", CHUNKED("5\r\nhello\r\n4\r\n you\r\n0\r\n\r\n")),
	T("CHUNKED", OK, "body 1:x", POST_("Transfer-Encoding: ChunKed\r\n") "1\r\nx\r\n0\r\n\r\n"),
	T("no chunks", OK, "body 0:", CHUNKED("0\r\n\r\n")),
	T("many zeros", OK, "body 0:", CHUNKED("0000000000000000\r\n\r\n")),
	T("hexadecimal", OK, "body 10:0123456789", CHUNKED("a\r\n0123456789\r\n0\r\n\r\n")),
	T("HEXADECIMAL", OK, "body 11:0123456789x", CHUNKED("00B\r\n0123456789x\r\n00\r\n\r\n")),
	T("extension", OK, "body 1:x", CHUNKED("1;a=b;c=\"d;\\\"\\\\\";e\r\nx\r\n0;last\r\n\r\n")),
	T("spaced extension", OK, "body 1:x", CHUNKED("1 ; a = \"b\" ;c\r\nx\r\n0\r\n\r\n")),
	T("trailers", OK, "body 1:x", CHUNKED("1\r\nx\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n")),
	T("CR LF in a chunk", OK, "body 4:\r\n\r\n", CHUNKED("4\r\n\r\n\r\n\r\n0\r\n\r\n")),
	T("incomplete chunk", MORE, "more", CHUNKED("5\r\nhel")),
	T("incomplete trailers", MORE, "more", CHUNKED("0\r\nA: b\r\n")),
};

static const struct sample bad[] = {
	/* request line */
	T("space before", 400, "method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("two spaces", 400, "", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("two spaces behind", 400, "", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("space at the end", 400, "", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"),
	T("tab", 400, "", "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("tab in the target", 400, "target", "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("space in the target", 400, "", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("0.9", 400, "", "GET /\r\n"),
	T("0.9 with a space", 400, "", "GET / \r\n"),
	T("method alone", 400, "", "GET\r\n"),
	T("method with a colon", 400, "method", "GE:T / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("method with a high byte", 400, "method", "G\xc3T / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("long method", 501, "", TEN("METHOD") " / HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("CONNECT", 501, "", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("HTTP/2 preface", 505, "", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	T("HTTP/3", 505, "", "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
	T("HTTP/0.9", 505, "", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"),
	T("http/1.1", 400, "", "GET / http/1.1\r\nHost: a\r\n\r\n"),
	T("HTTP/1.10", 400, "", "GET / HTTP/1.10\r\nHost: a\r\n\r\n"),
	T("HTTP/11.1", 400, "", "GET / HTTP/11.1\r\nHost: a\r\n\r\n"),
	T("HTTP/1", 400, "", "GET / HTTP/1\r\nHost: a\r\n\r\n"),
	T("HTTP/1,1", 400, "", "GET / HTTP/1,1\r\nHost: a\r\n\r\n"),
	T("HTTP 1.1", 400, "", "GET / HTTP 1.1\r\nHost: a\r\n\r\n"),
	T("HTTP/x.y", 400, "", "GET / HTTP/x.y\r\nHost: a\r\n\r\n"),
	T("HTTP/1.x", 400, "", "GET / HTTP/1.x\r\nHost: a\r\n\r\n"),
	T("HTTPS/1.1", 400, "", "GET / HTTPS/1.1\r\nHost: a\r\n\r\n"),
	T("three empty lines", 400, "empty lines", "\r\n\r\n\r\n" GET_("")),
	T("bare LF before", 400, "", "\n" GET_("")),
	T("bare LF", 400, "bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
	T("bare CR", 400, "bare CR", "GET / HTTP/1.1\rHost: a\r\n\r\n"),
	T("two CR", 400, "", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"),
	T("NUL in the line", 400, "", "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("NUL first", 400, "control", "\0"),
	T("TLS on a plain port", 400, "control", "\x16\x03\x01\x02"),
	T("DEL in the target", 400, "", "GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("escape character", 400, "", "GET /\x1b[31m HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("long line", 414, "", "GET /" TEN(TEN("abc")) " HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("long line without end", 414, "", TEN(TEN("abcd"))),
	/* target */
	T("fragment", 400, "target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("fragment in the query", 400, "target", "GET /?a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("raw UTF-8", 400, "target", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("bad escape", 400, "target", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("half an escape", 400, "target", "GET /%4 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("percent at the end", 400, "target", "GET /% HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("percent before the query", 400, "target", "GET /%?41 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("escaped NUL", 400, "target", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("escaped NUL in the query", 400, "target", "GET /?a=%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("no slash", 400, "target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("query alone", 400, "target", "GET ?a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("asterisk for GET", 400, "target", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("two asterisks", 400, "target", "OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("other scheme", 400, "target", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("scheme with one slash", 400, "target", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("scheme without host", 400, "target", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("user in the target", 400, "target", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("authority form", 400, "target", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("backslash", 400, "target", "GET \\a HTTP/1.1\r\nHost: a\r\n\r\n"),
	T("bad escape, absolute", 400, "target", "GET http://a/%g0 HTTP/1.1\r\nHost: a\r\n\r\n"),
	/* host */
	T("no host", 400, "Host", "GET / HTTP/1.1\r\n\r\n"),
	T("no host, absolute", 400, "Host", "GET http://a/ HTTP/1.1\r\n\r\n"),
	T("two hosts", 400, "Host", GET_("Host: a\r\n")),
	T("two hosts in 1.0", 400, "Host", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"),
	T("empty host", 400, "Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
	T("host list", 400, "Host", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
	T("host with a space", 400, "Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
	T("host with a slash", 400, "Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
	T("host with a user", 400, "Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
	T("host with a scheme", 400, "Host", "GET / HTTP/1.1\r\nHost: http://a\r\n\r\n"),
	T("host with a query", 400, "Host", "GET / HTTP/1.1\r\nHost: a?b\r\n\r\n"),
	T("host with a high byte", 400, "Host", "GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n"),
	T("host with a bad escape", 400, "Host", "GET / HTTP/1.1\r\nHost: a%4\r\n\r\n"),
	T("host with a bad port", 400, "Host", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"),
	T("host with a high port", 400, "Host", "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"),
	T("host with two ports", 400, "Host", "GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"),
	T("port alone", 400, "Host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"),
	T("bare IPv6", 400, "Host", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"),
	T("open bracket", 400, "Host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"),
	T("name in brackets", 400, "Host", "GET / HTTP/1.1\r\nHost: [a.example]\r\n\r\n"),
	T("text behind brackets", 400, "Host", "GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"),
	/* fields */
	T("space before the colon", 400, "field", GET_("X : 1\r\n")),
	T("tab before the colon", 400, "field", GET_("X\t: 1\r\n")),
	T("space in a name", 400, "field", GET_("X Y: 1\r\n")),
	T("no colon", 400, "field", GET_("X\r\n")),
	T("no name", 400, "field", GET_(": 1\r\n")),
	T("folded", 400, "field", GET_("X: 1\r\n 2\r\n")),
	T("folded with a tab", 400, "field", GET_("X: 1\r\n\t2\r\n")),
	T("folded first", 400, "field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
	T("blank line of spaces", 400, "field", GET_(" \r\n")),
	T("name in brackets", 400, "field", GET_("[X]: 1\r\n")),
	T("name in quotes", 400, "field", GET_("\"X\": 1\r\n")),
	T("slash in a name", 400, "field", GET_("X/Y: 1\r\n")),
	T("high byte in a name", 400, "field", GET_("X\xc3: 1\r\n")),
	T("NUL in a name", 400, "control", GET_("X\0: 1\r\n")),
	T("NUL in a value", 400, "control", GET_("X: a\0b\r\n")),
	T("control in a value", 400, "control", GET_("X: a\x01\r\n")),
	T("DEL in a value", 400, "control", GET_("X: a\x7f\r\n")),
	T("vertical tab", 400, "control", GET_("X:\x0b 1\r\n")),
	T("bare CR in a value", 400, "bare CR", GET_("X: a\rb\r\n")),
	T("bare LF in a value", 400, "bare LF", GET_("X: a\nY: b\r\n")),
	T("bare LF at the end", 400, "bare LF", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
	T("CR CR LF at the end", 400, "bare CR", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"),
	T("too many fields", 431, "", GET_("A:\r\nB:\r\nC:\r\nD:\r\nE:\r\nF:\r\nG:\r\nH:\r\n")),
	T("long field", 431, "", GET_("X: " TEN(TEN("0123456789")) "\r\n")),
	T("long field without end", 431, "", "GET / HTTP/1.1\r\n" TEN(TEN("0123456789")) "x"),
	T("unknown expectation", 417, "", POST_("Expect: 200-ok\r\n")),
	T("empty expectation", 417, "", POST_("Expect:\r\n")),
	T("two expectations", 417, "", POST_("Expect: 100-continue, 100-continue\r\n")),
	/* framing */
	T("two lengths", 400, "Content-Length", POST_("Content-Length: 1\r\nContent-Length: 2\r\n") "x"),
	T("two equal lengths", 400, "Content-Length", POST_("Content-Length: 1\r\nContent-Length: 1\r\n") "x"),
	T("length list", 400, "Content-Length", POST_("Content-Length: 1, 1\r\n") "x"),
	T("empty length", 400, "Content-Length", POST_("Content-Length:\r\n")),
	T("+5", 400, "Content-Length", POST_("Content-Length: +5\r\n") "hello"),
	T("-1", 400, "Content-Length", POST_("Content-Length: -1\r\n")),
	T("-0", 400, "Content-Length", POST_("Content-Length: -0\r\n")),
	T("0x5", 400, "Content-Length", POST_("Content-Length: 0x5\r\n") "hello"),
	T("5.0", 400, "Content-Length", POST_("Content-Length: 5.0\r\n") "hello"),
	T("5 5", 400, "Content-Length", POST_("Content-Length: 5 5\r\n") "hello"),
	T("5;", 400, "Content-Length", POST_("Content-Length: 5;\r\n") "hello"),
	T("quoted length", 400, "Content-Length", POST_("Content-Length: \"5\"\r\n") "hello"),
	T("underscored length is another name, no body", 400, "refused",
		POST_("Content_Length: 5\r\n") "hello \r\n"),
	T("length beyond 64 bits", 413, "", POST_("Content-Length: 18446744073709551616\r\n")),
	T("length of 30 digits", 413, "", POST_("Content-Length: 100000000000000000000000000000\r\n")),
	T("length above the limit", 413, "", POST_("Content-Length: 2001\r\n")),
	T("length and coding", 400, "", POST_("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") "0\r\n\r\n"),
	T("coding and length", 400, "", POST_("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") "0\r\n\r\n"),
	T("two codings", 400, "", POST_("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
	T("identity and chunked", 400, "", POST_("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")),
	T("coding in 1.0", 400, "1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	T("gzip, chunked", 501, "", POST_("Transfer-Encoding: gzip, chunked\r\n")),
	T("gzip", 400, "", POST_("Transfer-Encoding: gzip\r\n")),
	T("xchunked", 400, "", POST_("Transfer-Encoding: xchunked\r\n")),
	T("identity", 400, "", POST_("Transfer-Encoding: identity\r\n")),
	T("chunked, identity", 400, "", POST_("Transfer-Encoding: chunked, identity\r\n")),
	T("chunked, chunked", 400, "", POST_("Transfer-Encoding: chunked, chunked\r\n")),
	T("empty coding", 400, "", POST_("Transfer-Encoding:\r\n")),
	T("comma chunked", 400, "", POST_("Transfer-Encoding: , chunked\r\n")),
	T("chunked comma", 400, "", POST_("Transfer-Encoding: chunked,\r\n")),
	T("chunked with a parameter", 400, "", POST_("Transfer-Encoding: chunked;q=1\r\n")),
	T("quoted chunked", 400, "", POST_("Transfer-Encoding: \"chunked\"\r\n")),
	T("vertical tab chunked", 400, "", POST_("Transfer-Encoding: \x0b" "chunked\r\n")),
	T("folded coding", 400, "", POST_("Transfer-Encoding:\r\n chunked\r\n")),
	T("spaced coding", 400, "", POST_("Transfer-Encoding : chunked\r\n")),
	/* chunks */
	T("chunk 0x5", 400, "chunk size", CHUNKED("0x5\r\nhello\r\n0\r\n\r\n")),
	T("chunk +5", 400, "chunk size", CHUNKED("+5\r\nhello\r\n0\r\n\r\n")),
	T("chunk -5", 400, "chunk size", CHUNKED("-5\r\nhello\r\n0\r\n\r\n")),
	T("chunk without size", 400, "chunk size", CHUNKED("\r\nhello\r\n0\r\n\r\n")),
	T("extension without size", 400, "chunk size", CHUNKED(";a\r\nhello\r\n0\r\n\r\n")),
	T("chunk size with a space", 400, "chunk size", CHUNKED("5 \r\nhello\r\n0\r\n\r\n")),
	T("space before a chunk size", 400, "chunk size", CHUNKED(" 5\r\nhello\r\n0\r\n\r\n")),
	T("space in a chunk size", 400, "chunk size", CHUNKED("0 5\r\nhello\r\n0\r\n\r\n")),
	T("chunk size with an underscore", 400, "chunk size", CHUNKED("0_5\r\nhello\r\n0\r\n\r\n")),
	T("chunk size of 17 digits", 400, "chunk size", CHUNKED("00000000000000005\r\nhello\r\n0\r\n\r\n")),
	T("chunk size overflow", 400, "chunk size", CHUNKED("10000000000000005\r\nhello\r\n0\r\n\r\n")),
	T("huge chunk", 413, "", CHUNKED("ffffffffffffffff\r\n")),
	T("chunk above the limit", 413, "", CHUNKED("7d1\r\n")),
	T("chunk sum above the limit", 413, "", CHUNKED("1\r\nx\r\n7d0\r\n")),
	T("chunk with bare LF", 400, "chunk", CHUNKED("5\nhello\r\n0\r\n\r\n")),
	T("chunk with bare CR", 400, "chunk", CHUNKED("5\rhello\r\n0\r\n\r\n")),
	T("chunk longer", 400, "longer", CHUNKED("4\r\nhello\r\n0\r\n\r\n")),
	T("chunk shorter", 400, "longer", CHUNKED("6\r\nhello\r\n0\r\n\r\n")),
	T("chunk ends with LF", 400, "longer", CHUNKED("5\r\nhello\n0\r\n\r\n")),
	T("chunk ends with CR", 400, "longer", CHUNKED("5\r\nhello\r0\r\n\r\n")),
	T("chunk ends with two CR", 400, "longer", CHUNKED("5\r\nhello\r\r\n0\r\n\r\n")),
	T("extension without name", 400, "chunk size", CHUNKED("5;\r\nhello\r\n0\r\n\r\n")),
	T("extension without value", 400, "chunk size", CHUNKED("5;a=\r\nhello\r\n0\r\n\r\n")),
	T("extension with an open quote", 400, "chunk size", CHUNKED("5;a=\"b\r\nhello\r\n0\r\n\r\n")),
	T("extension with an escaped end", 400, "chunk size", CHUNKED("5;a=\"b\\\r\nhello\r\n0\r\n\r\n")),
	T("extension with a bare LF", 400, "bare LF", CHUNKED("5;a=b\nx\r\nhello\r\n0\r\n\r\n")),
	T("extension with NUL", 400, "control", CHUNKED("5;a=\0\r\nhello\r\n0\r\n\r\n")),
	T("long extension", 400, "extensions", CHUNKED("5;" TEN(TEN("0123456789a")) "\r\nhello\r\n0\r\n\r\n")),
	T("last chunk without end", 400, "trailer", CHUNKED("0\r\nGET / HTTP/1.1\r\n\r\n")),
	T("folded trailer", 400, "trailer", CHUNKED("0\r\nA: b\r\n c\r\n\r\n")),
	T("spaced trailer", 400, "trailer", CHUNKED("0\r\nA : b\r\n\r\n")),
	T("trailer with bare LF", 400, "bare LF", CHUNKED("0\r\nA: b\n\r\n")),
	T("trailer with NUL", 400, "control", CHUNKED("0\r\nA: \0\r\n\r\n")),
	T("long trailer", 431, "", CHUNKED("0\r\nA: " TEN(TEN("0123456789a")) "\r\n\r\n")),
};
/* clang-format on */

static void
check(const struct sample *s, const struct drive *d)
{
	bool fine = s->expect >= 400 ? d->refused : !d->refused && (int)d->requests == s->expect;
	char status[16];
	(void)snprintf(status, sizeof status, "refused %d ", s->expect);
	if (s->expect >= 400 && fine)
		fine = strstr(d->out.data, status) != NULL;
	if (fine && s->contains != NULL && memchr(s->bytes, '\0', s->len) == NULL)
		fine = strstr(d->out.data, s->contains) != NULL;
	if (!fine)
		fail_msg("%s: expected %d %s, found:\n%s", s->name, s->expect, s->contains,
			d->out.data);
}

static void
run_samples(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct drive d;
		drive_init(&d);
		drive_feed(&d, samples[i].bytes, samples[i].len);
		drive_end(&d);
		check(&samples[i], &d);
		drive_fini(&d);
	}
}

static void
good_requests(void **state)
{
	(void)state;
	run_samples(good, LS_ARRAY_LEN(good));
}

static void
bad_requests(void **state)
{
	(void)state;
	run_samples(bad, LS_ARRAY_LEN(bad));
}

/* `first` and `second` are where to cut; `step` above 0 cuts into pieces of that many bytes */
static void
compare_cut(const struct sample *s, const struct drive *whole, size_t first, size_t step)
{
	struct drive d;
	drive_init(&d);
	if (step > 0) {
		for (size_t at = 0; at < s->len; at += step)
			drive_feed(&d, s->bytes + at, LS_MIN(step, s->len - at));
	} else {
		drive_feed(&d, s->bytes, first);
		drive_feed(&d, s->bytes + first, s->len - first);
	}
	drive_end(&d);
	if (d.out.len != whole->out.len || memcmp(d.out.data, whole->out.data, d.out.len) != 0)
		fail_msg("%s: cut at %zu, step %zu:\n%s\nwhole:\n%s", s->name, first, step,
			d.out.data, whole->out.data);
	drive_fini(&d);
}

static void
cut_samples(const struct sample *samples, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct drive whole;
		drive_init(&whole);
		drive_feed(&whole, samples[i].bytes, samples[i].len);
		drive_end(&whole);
		for (size_t at = 1; at < samples[i].len; at++)
			compare_cut(&samples[i], &whole, at, 0);
		for (size_t step = 1; step <= 7; step++)
			compare_cut(&samples[i], &whole, 0, step);
		drive_fini(&whole);
	}
}

static void
cutting_changes_nothing(void **state)
{
	(void)state;
	cut_samples(good, LS_ARRAY_LEN(good));
	cut_samples(bad, LS_ARRAY_LEN(bad));
}

/* one byte at a time must not look at every byte again and again: the work, in bytes looked at, is
 * what the state tells */
static void
scan_goes_on_where_it_stopped(void **state)
{
	(void)state;
	char text[900];
	struct ls_http_header headers[DRIVE_FIELDS];
	struct ls_http_head head = { .headers = headers };
	struct ls_http_scan scan = { 0 };
	size_t n =
		(size_t)snprintf(text, sizeof text, "GET /%0200d HTTP/1.1\r\nHost: %0500d", 7, 7);
	for (size_t len = 1; len <= n; len++) {
		assert_int_equal(
			ls_http_parse_head(&scan, ls_slice(text, len), &drive_limits, &head),
			LS_HTTP_MORE);
		assert_in_range(scan.at, len > 1 ? len - 1 : 0, len);
	}
}

/* many small extensions or trailers add up: `line` comes 40 times */
static void
repeat_line(const char *before, const char *line, const char *why)
{
	static const char head[] = CHUNKED("");
	struct drive d;
	drive_init(&d);
	drive_feed(&d, head, sizeof head - 1);
	drive_feed(&d, before, strlen(before));
	for (int i = 0; i < 40; i++) {
		assert_true(i > 30 || !d.refused);
		drive_feed(&d, line, strlen(line));
	}
	drive_end(&d);
	assert_non_null(strstr(d.out.data, why));
	drive_fini(&d);
}

static void
overhead_is_bounded(void **state)
{
	(void)state;
	repeat_line(
		"", "1;" TEN("0123456789ab") "\r\nx\r\n", "refused 400 chunk extensions too long");
	repeat_line("0\r\n", "A: " TEN("0123456789ab") "\r\n", "refused 431 trailers too large");
}

/* limits are exact: as much as allowed passes, one byte more does not */
static void
limits_are_exact(void **state)
{
	(void)state;
	char text[2000];
	struct ls_http_header headers[DRIVE_FIELDS];
	const struct ls_http_limits limits = { .line = 100, .head = 200, .fields = DRIVE_FIELDS };
	for (int extra = 0; extra < 2; extra++) {
		struct ls_http_head head = { .headers = headers };
		struct ls_http_scan scan = { 0 };
		/* "GET /" and " HTTP/1.1" are 14 bytes */
		int n = snprintf(
			text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", 86 + extra, 1);
		enum ls_http_verdict verdict =
			ls_http_parse_head(&scan, ls_slice(text, (size_t)n), &limits, &head);
		assert_true(verdict == (extra ? LS_HTTP_REFUSED : LS_HTTP_DONE));
		assert_true(extra == 0 || head.status == 414);
		/* "Host: a" CR LF "X:" and the last CR LF are 9 + 2 + 2 bytes, the CR LF in the end
		 * begins at the limit */
		scan = (struct ls_http_scan){ 0 };
		n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\nX:%0*d\r\n\r\n",
			187 + extra, 1);
		verdict = ls_http_parse_head(&scan, ls_slice(text, (size_t)n), &limits, &head);
		assert_true(verdict == (extra ? LS_HTTP_REFUSED : LS_HTTP_DONE));
		assert_true(extra == 0 || head.status == 431);
	}
}

static void
response_fields(void **state)
{
	(void)state;
	assert_true(ls_http_field_valid(LS_S("Location"), LS_S("https://a/?b=c d\xc3\xa9\t")));
	assert_true(ls_http_field_valid(LS_S("X"), ls_slice(NULL, 0)));
	assert_false(ls_http_field_valid(LS_S(""), LS_S("a")));
	assert_false(ls_http_field_valid(LS_S("X Y"), LS_S("a")));
	assert_false(ls_http_field_valid(LS_S("X:"), LS_S("a")));
	assert_false(ls_http_field_valid(LS_S("X"), LS_S("a\r\nSet-Cookie: b")));
	assert_false(ls_http_field_valid(LS_S("X"), LS_S("01234567\n")));
	assert_false(ls_http_field_valid(LS_S("X"), LS_S("\0")));
}

static void
queries(void **state)
{
	(void)state;
	struct ls_arena arena;
	ls_arena_init(&arena, 1u << 20);
	const struct ls_http_request req = {
		.query = LS_S("a&b=2&&c=x+y%41&=z&%64=%zz%4&b=3&e=1=2&100%=f"),
		.arena = &arena,
	};
	assert_true(ls_slice_eq(ls_http_query(&req, "a"), LS_S("")));
	assert_non_null(ls_http_query(&req, "a").data);
	assert_true(ls_slice_eq(ls_http_query(&req, "b"), LS_S("2")));
	assert_true(ls_slice_eq(ls_http_query(&req, "c"), LS_S("x yA")));
	assert_true(ls_slice_eq(ls_http_query(&req, "d"), LS_S("%zz%4")));
	assert_true(ls_slice_eq(ls_http_query(&req, "e"), LS_S("1=2")));
	assert_true(ls_slice_eq(ls_http_query(&req, "100%"), LS_S("f")));
	assert_null(ls_http_query(&req, "f").data);
	const struct ls_http_request none = { .arena = &arena };
	assert_null(ls_http_query(&none, "a").data);
	ls_arena_fini(&arena);
}

static void
unescaping(void **state)
{
	(void)state;
	struct ls_arena arena;
	ls_arena_init(&arena, 1u << 20);
	assert_true(ls_slice_eq(
		ls_http_unescape(&arena, LS_S("a%20b+c%C3%a9%2f")), LS_S("a b+c\xc3\xa9/")));
	assert_non_null(ls_http_unescape(&arena, LS_S("")).data);
	const char *const refused[] = { "%", "%4", "%zz", "a%00", "%0a", "%7f", "%c3", "%ff",
		"%C0%AF" };
	for (size_t i = 0; i < LS_ARRAY_LEN(refused); i++)
		assert_null(ls_http_unescape(&arena, ls_slice_str(refused[i])).data);
	ls_arena_fini(&arena);
}

static void
header_lookup(void **state)
{
	(void)state;
	const struct ls_http_header headers[] = { { LS_S("Host"), LS_S("a") },
		{ LS_S("X-A"), LS_S("1") }, { LS_S("x-a"), LS_S("2") } };
	const struct ls_http_request req = { .headers = headers, .header_count = 3 };
	assert_true(ls_slice_eq(ls_http_header(&req, "x-a"), LS_S("1")));
	assert_null(ls_http_header(&req, "x-b").data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_requests),
		cmocka_unit_test(bad_requests),
		cmocka_unit_test(cutting_changes_nothing),
		cmocka_unit_test(scan_goes_on_where_it_stopped),
		cmocka_unit_test(overhead_is_bounded),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(response_fields),
		cmocka_unit_test(queries),
		cmocka_unit_test(unescaping),
		cmocka_unit_test(header_lookup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
