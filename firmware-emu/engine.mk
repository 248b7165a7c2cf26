# SPDX-License-Identifier: MIT
ENGINE_DIR := firmware-emu/engine
ENGINE_SRC := $(addprefix $(ENGINE_DIR)/, \
	engine.c decode.c operand.c tile.c sync.c fill.c copy.c convert.c pack.c prepare.c \
	matmul.c matmul_plan.c matmul_pack.c matmul_round.c epilogue.c onednn.c kernels.c \
	kernels/plain.c kernels/avx2_convert.c kernels/avx2_gemm.c kernels/avx2_gemv.c \
	kernels/avx512_convert.c kernels/avx512_gemm.c kernels/avx512_gemv.c \
	kernels/amx_gemm.c)
ENGINE_SRC += $(addprefix $(ENGINE_DIR)/, \
	attention.c attention_keys.c attention_tile.c \
	kernels/plain_attention.c kernels/avx2_attention.c \
	kernels/avx2_attention_few.c kernels/avx2_attention_block.c \
	kernels/avx512_attention.c kernels/avx512_attention_few.c \
	kernels/avx512_attention_block.c)
ENGINE_SRC += $(addprefix $(ENGINE_DIR)/, \
	rows.c norm.c rope.c softmax.c kernels/plain_rows.c kernels/avx2_rows.c \
	kernels/avx2_rope.c kernels/avx512_rows.c kernels/bf16_rows.c kernels/avx512_softmax.c)
ENGINE_SRC += $(addprefix $(ENGINE_DIR)/, index.c gather.c scatter.c elementwise.c)
ENGINE_SRC += $(addprefix $(ENGINE_DIR)/kernels/, plain_elementwise.c avx2_elementwise.c \
	avx512_elementwise.c bf16_elementwise.c \
	plain_reduce.c avx2_reduce.c avx512_reduce.c)
ENGINE_SRC += $(addprefix $(ENGINE_DIR)/, reduce.c sort.c)
ENGINE_LIBS := -ldnnl -lgomp -lm

# The loops per ISA level; nothing else is built for more than the baseline.
$(B)/obj/$(ENGINE_DIR)/kernels/%.o: CFLAGS += -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math
$(B)/obj/$(ENGINE_DIR)/kernels/avx2_%.o: CFLAGS += -mavx2 -mfma -mf16c
$(B)/obj/$(ENGINE_DIR)/kernels/avx512_%.o: CFLAGS += -mavx2 -mfma -mf16c \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
$(B)/obj/$(ENGINE_DIR)/kernels/bf16_%.o: CFLAGS += -mavx2 -mfma -mf16c \
	-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx512bf16
$(B)/obj/$(ENGINE_DIR)/kernels/amx_%.o: CFLAGS += -mamx-tile -mamx-bf16 -mamx-int8
$(B)/obj/$(ENGINE_DIR)/pack.o: CFLAGS += -O3
$(B)/obj/$(ENGINE_DIR)/epilogue.o: CFLAGS += -O3 -ffp-contract=off
$(B)/obj/$(ENGINE_DIR)/reduce.o: CFLAGS += -O3 -ffp-contract=off -fno-trapping-math
