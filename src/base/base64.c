// SPDX-License-Identifier: MIT
/* Base64 and hex. Decoding checks everything before it writes anything, and each byte string has
 * exactly one text that it accepts (but for the case of hex digits). */

#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex_digits[] = "0123456789abcdef";

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ls_ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
ls_base64_encode(const void *data, size_t len, char *out)
{
	const uint8_t *p = data;
	for (; len >= 3; len -= 3, p += 3) {
		uint32_t group = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = alphabet[group >> 6 & 63];
		*out++ = alphabet[group & 63];
	}
	if (len > 0) {
		uint32_t group = (uint32_t)p[0] << 16 | (len == 2 ? (uint32_t)p[1] << 8 : 0);
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = len == 2 ? alphabet[group >> 6 & 63] : '=';
		*out++ = '=';
	}
	*out = '\0';
}

/* Alphabet, padding and, in the last group, no bits that no byte takes. */
static bool
base64_well_formed(struct ls_slice text, size_t len)
{
	if (len > SIZE_MAX / 4 * 3 - 3 || text.len != LS_BASE64_LEN(len))
		return false;
	size_t pad = (3 - len % 3) % 3, letters = text.len - pad;
	for (size_t i = 0; i < letters; i++) {
		if (base64_value(text.data[i]) < 0)
			return false;
	}
	for (size_t i = letters; i < text.len; i++) {
		if (text.data[i] != '=')
			return false;
	}
	return pad == 0 || (base64_value(text.data[letters - 1]) & (pad == 1 ? 0x03 : 0x0f)) == 0;
}

int
ls_base64_decode(struct ls_slice text, void *out, size_t len)
{
	if (!base64_well_formed(text, len))
		return LS_ERR_INVALID;
	uint8_t *to = out;
	uint32_t bits = 0;
	unsigned count = 0;
	for (size_t i = 0, done = 0; done < len; i++) {
		bits = bits << 6 | (uint32_t)base64_value(text.data[i]);
		count += 6;
		if (count >= 8) {
			count -= 8;
			to[done++] = (uint8_t)(bits >> count);
		}
	}
	return LS_OK;
}

void
ls_hex_encode(const void *data, size_t len, char *out)
{
	const uint8_t *p = data;
	for (size_t i = 0; i < len; i++) {
		*out++ = hex_digits[p[i] >> 4];
		*out++ = hex_digits[p[i] & 15];
	}
	*out = '\0';
}

int
ls_hex_decode(struct ls_slice text, void *out, size_t len)
{
	if (text.len / 2 != len || text.len % 2 != 0)
		return LS_ERR_INVALID;
	for (size_t i = 0; i < text.len; i++) {
		if (hex_value(text.data[i]) < 0)
			return LS_ERR_INVALID;
	}
	uint8_t *to = out;
	for (size_t i = 0; i < len; i++)
		to[i] = (uint8_t)(hex_value(text.data[2 * i]) << 4 |
				  hex_value(text.data[2 * i + 1]));
	return LS_OK;
}
