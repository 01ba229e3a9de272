# SPDX-License-Identifier: BSD-2-Clause
# guest.mk - builds $(BUILD)/clickos.elf; included by the Makefile.
#
# Takes from it: BUILD, CC, CFLAGS, WARN, Q, say, find, and ROUTER, what both platforms share.

GUEST_SRC  := $(ROUTER) $(call find,control/*.c drivers/*.c platform/xen/*.c platform/xen/*.S)
GUEST_OBJ  := $(patsubst %,$(BUILD)/guest/%.o,$(basename $(GUEST_SRC)))
GUEST_LIBC ?= /usr/lib/x86_64-linux-musl/libc.a

# Exceptions push onto our stack in PV: the red zone below it is not ours. Addresses are fixed.
GUEST_CFLAGS = -std=gnu17 $(WARN) -I. -MMD -MP $(CFLAGS) -DPER_THREAD= \
    -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
    -isystem /usr/include/x86_64-linux-musl -idirafter /usr/include \
    -mno-red-zone -fno-pic -fno-pie -mcmodel=small -fno-asynchronous-unwind-tables \
    -ffunction-sections -fdata-sections -fno-strict-aliasing -fstack-protector-strong
GUEST_LDFLAGS := -nostdlib -static -Wl,-T,platform/xen/guest.ld -Wl,--gc-sections \
    -Wl,-z,noexecstack -Wl,-z,max-page-size=4096 -Wl,--build-id=none -Wl,--no-warn-rwx-segments

# The compiler would see malloc and memset in calloc() and make it call itself.
$(BUILD)/guest/platform/xen/heap.o: GUEST_CFLAGS += -fno-builtin

$(BUILD)/guest/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(BUILD)/guest/%.o: %.S
	@mkdir -p $(@D)
	$(call say,AS,$@)
	$(Q)$(CC) -I. -idirafter /usr/include -MMD -MP -c -o $@ $<

# The guest has no operating system below it: an image that holds a `syscall` links something of
# libc that does not belong here. (Hypercalls go through a page that Xen fills at start.)
$(BUILD)/clickos.debug $(BUILD)/clickos-counted.debug: $(GUEST_OBJ) platform/xen/guest.ld
	$(call say,LINK,$@)
	$(Q)$(CC) $(GUEST_PLACE) $(GUEST_LDFLAGS) -o $@ $(GUEST_OBJ) $(GUEST_LIBC) \
	    $(shell $(CC) -print-libgcc-file-name)
	@if objdump -d --no-show-raw-insn $@ | grep -E '^ *[0-9a-f]+:[[:space:]]+(syscall|sysenter|int +\$$0x80)'; then \
	    echo "$@: the instructions above must not be reachable in a guest"; rm -f $@; exit 1; fi

# The same at an address where nothing else in a Xen host runs code, so that its instructions can be counted alone
# (bench/netfront_count.c). Wants memory up to 50 MB at least.
$(BUILD)/clickos-counted.debug: GUEST_PLACE = -Wl,--defsym,image_base=0x3000000

$(BUILD)/clickos.elf $(BUILD)/clickos-counted.elf: %.elf: %.debug
	$(call say,STRIP,$@)
	$(Q)strip -o $@ $<
