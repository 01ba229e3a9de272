# ClickOS: the router as a Linux program (build/click), as a Xen guest (build/clickos.elf), and
# the command that manages guests (build/clickos). `make help` lists the targets.
#
# Objects stand in $(BUILD), one folder per flavour: process, guest, test (ASan and UBSan).
# The lists of sources below are the architecture: what both answers to platform.h share.

BUILD  ?= build
CC     ?= gcc
PREFIX ?= /usr/local
V      ?= 0

CFLAGS ?= -O2 -g
WARN    = -Wall -Wextra -Wshadow -Wstrict-prototypes
BASE    = -std=gnu17 $(WARN) -I. -MMD -MP
# -fno-strict-aliasing: headers in frames are read through structs laid over bytes.
BASE   += -fno-strict-aliasing

Q       = $(if $(filter 1,$(V)),,@)
say     = $(if $(filter 1,$(V)),@:,@printf '  %-5s %s\n' $(1) $(2:$(BUILD)/%=%))

find    = $(filter-out %_test.c %/fuzz_%.c,$(wildcard $(1)))
ROUTER  := $(call find,router/*.c language/*.c elements/*/*.c)
CONTROL := $(call find,control/*.c)
PROCESS := $(ROUTER) $(call find,platform/linux/*.c platform/linux/elements/*.c)
TESTS   := $(wildcard router/*_test.c language/*_test.c elements/*/*_test.c control/*_test.c \
             drivers/*_test.c platform/*/*_test.c cli/*_test.c)

all: process guest cli

process: $(BUILD)/click

# ---- the process ----

PROCESS_OBJ := $(PROCESS:%.c=$(BUILD)/process/%.o)

$(BUILD)/click: $(PROCESS_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(BUILD)/process/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) -c -o $@ $<

# ---- unit tests: every *_test.c is a program, linked with everything but the two mains ----

SANITIZE  = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TEST_OBJ := $(patsubst %.c,$(BUILD)/test/%.o,$(filter-out platform/linux/main.c,$(PROCESS)) $(CONTROL))
TEST_BIN := $(TESTS:%.c=$(BUILD)/test/%)

$(BUILD)/test/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) -O1 -g $(SANITIZE) -c -o $@ $<

$(TEST_BIN): %: %.o $(TEST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -lcmocka $(TEST_LIBS)

unit-tests: $(TEST_BIN)
	$(Q)for t in $(TEST_BIN); do $$t || exit 1; done

-include platform/xen/guest.mk cli/cli.mk

clean:
	rm -rf $(BUILD)

.PHONY: all process guest cli unit-tests clean
.SECONDARY:
-include $(shell find $(BUILD)/process $(BUILD)/test $(BUILD)/guest -name '*.d' 2>/dev/null)
