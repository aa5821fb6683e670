/* SPDX-License-Identifier: BSD-2-Clause */
#include "os.h"
#include "params.h"

#define NM_PARAM_DEFINE(name, def, min, max, rw, help) int netmap_##name = def;
NM_PARAMS(NM_PARAM_DEFINE)
