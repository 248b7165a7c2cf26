// SPDX-License-Identifier: MIT
#include <dnnl.h>
#include <errno.h>
#include <stdio.h>

#include "firmware-emu/engine/kernels.h"
#include "firmware-emu/engine/onednn.h"

static char version[32];

int onednn_init(uint32_t level)
{
	static const dnnl_cpu_isa_t limits[] = {
		[KERNELS_PLAIN] = dnnl_cpu_isa_sse41,
		[KERNELS_AVX2] = dnnl_cpu_isa_avx2,
		[KERNELS_VNNI] = dnnl_cpu_isa_avx512_core_vnni,
		[KERNELS_BF16] = dnnl_cpu_isa_avx512_core_bf16,
	};
	const dnnl_version_t *v = dnnl_version();

	snprintf(version, sizeof(version), "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
	/* Refused when the library has run already: then its limit stays what it was. */
	dnnl_set_max_cpu_isa(limits[level]);
	return 0;
}

const char *onednn_version(void)
{
	return version;
}
