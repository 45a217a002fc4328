// SPDX-License-Identifier: MIT
/* Writes problem documents. */

#include "service/problem.h"

#include "base/json_write.h"

#define BODY_MAX (64u << 10)

const char *
ls_http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 422, "Unprocessable Content" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};
	for (size_t i = 0; i < LS_ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == status)
			return reasons[i].reason;
	}
	return "Error";
}

static void
write_faults(struct ls_jsonw *w, const struct ls_decoded *decoded)
{
	ls_jsonw_karray(w, "errors");
	for (size_t i = 0; i < decoded->fault_count; i++) {
		const struct ls_fault *fault = &decoded->faults[i];
		ls_jsonw_object(w);
		ls_jsonw_kstring(w, "pointer",
			ls_slice(fault->pointer.len > 0 ? fault->pointer.data : "",
				fault->pointer.len));
		ls_jsonw_kstring(w, "detail", fault->what);
		if (fault->offset != SIZE_MAX)
			ls_jsonw_ku64(w, "offset", fault->offset);
		ls_jsonw_object_end(w);
	}
	ls_jsonw_array_end(w);
	if (decoded->more_faults > 0)
		ls_jsonw_ku64(w, "more_errors", decoded->more_faults);
}

void
ls_problem_faults(struct ls_arena *arena, int status, const char *detail,
	const struct ls_decoded *decoded, struct ls_http_response *out)
{
	struct ls_buf buf;
	struct ls_jsonw w;
	ls_buf_init(&buf, BODY_MAX);
	ls_jsonw_init(&w, &buf);
	ls_jsonw_object(&w);
	ls_jsonw_kstring(&w, "type", LS_S("about:blank"));
	ls_jsonw_kstring(&w, "title", ls_slice_str(ls_http_reason(status)));
	ls_jsonw_ki64(&w, "status", status);
	if (detail != NULL)
		ls_jsonw_kstring(&w, "detail", ls_slice_str(detail));
	if (decoded != NULL && decoded->fault_count > 0)
		write_faults(&w, decoded);
	ls_jsonw_object_end(&w);
	out->status = status;
	if (buf.err == LS_OK) {
		out->body = ls_arena_copy(arena, ls_buf_slice(&buf));
		out->content_type = out->body.data != NULL ? "application/problem+json" : NULL;
	}
	ls_buf_fini(&buf);
}

void
ls_problem(struct ls_arena *arena, int status, const char *detail, struct ls_http_response *out)
{
	ls_problem_faults(arena, status, detail, NULL, out);
}
