// SPDX-License-Identifier: MIT
/* Native events: never a crash, always the same events, all within their limits. */

#include "source_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	oracle_run("events", ls_slice((const char *)data, size));
	return 0;
}
