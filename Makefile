# SPDX-License-Identifier: BSD-2-Clause
#
# ClickOS: the router as a Linux program (build/click), as a Xen guest (build/clickos.elf), and
# the command that manages guests (build/clickos). `make help` lists what can be made.
#
# Objects stand in $(BUILD), a folder per flavour: process, guest, cli, test (ASan and UBSan).
# The lists of sources below are the architecture: what both answers to platform.h share.

BUILD  ?= build
CC      = gcc
PREFIX ?= /usr/local
# Debian's own: its packages of pytest and scapy are not those of a python that stands before it in PATH.
PYTHON ?= /usr/bin/python3
V      ?= 0

CFLAGS ?= -O2 -g
WARN    = -Wall -Wextra -Wshadow -Wstrict-prototypes
# -fno-strict-aliasing: headers in frames are read through structs laid over bytes.
# PER_THREAD: platform.h; local-exec: these variables are the program's own, one instruction away.
BASE    = -std=gnu17 $(WARN) -I. -MMD -MP -fno-strict-aliasing -pthread \
    -DPER_THREAD=_Thread_local -ftls-model=local-exec

Q       = $(if $(filter 1,$(V)),,@)
say     = $(if $(filter 1,$(V)),@:,@printf '  %-5s %s\n' $(1) $(2:$(BUILD)/%=%))

find    = $(filter-out %_test.c,$(foreach f,$(wildcard $(1)),$(if $(filter fuzz_%,$(notdir $(f))),,$(f))))
ROUTER  := $(call find,router/*.c language/*.c elements/*/*.c)
PROCESS := $(ROUTER) $(call find,platform/linux/*.c platform/linux/elements/*.c)
TESTS   := $(wildcard */*_test.c */*/*_test.c */*/*/*_test.c)
FUZZERS := $(wildcard */fuzz_*.c */*/fuzz_*.c */*/*/fuzz_*.c)

all: process guest cli man ## the program, the guest, the command and their manual pages

include platform/xen/guest.mk
include cli/cli.mk

# ---- the process ----

PROCESS_OBJ := $(PROCESS:%.c=$(BUILD)/process/%.o)

process: $(BUILD)/click ## build/click, the router as a Linux program
$(BUILD)/click: $(PROCESS_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lm

$(BUILD)/process/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) -c -o $@ $<

guest: $(BUILD)/clickos.elf ## build/clickos.elf, the same router as a Xen guest

# ---- manual pages: written by the programs, from the tables they work by ----

man: $(BUILD)/click.1 $(BUILD)/clickos-elements.7 $(BUILD)/clickos.1 ## manual pages
$(BUILD)/click.1: $(BUILD)/click
	$(Q)$< --generate-man >$@
$(BUILD)/clickos-elements.7: $(BUILD)/click
	$(Q)$< --generate-elements-man >$@

install: all install-cli ## into $(DESTDIR)$(PREFIX)
	install -D -m 755 $(BUILD)/click $(DESTDIR)$(PREFIX)/bin/click
	install -D -m 644 $(BUILD)/clickos.elf $(DESTDIR)$(PREFIX)/lib/clickos/clickos.elf
	install -D -m 644 $(BUILD)/click.1 $(DESTDIR)$(PREFIX)/share/man/man1/click.1
	install -D -m 644 $(BUILD)/clickos-elements.7 $(DESTDIR)$(PREFIX)/share/man/man7/clickos-elements.7

# ---- tests ----

# Every *_test.c is a program of its own, linked with all but the mains.
SANITIZE  = -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
TEST_OBJ := $(patsubst %.c,$(BUILD)/test/%.o,$(filter-out platform/linux/main.c,$(PROCESS)) \
              $(call find,control/*.c))
TEST_BIN := $(TESTS:%.c=$(BUILD)/test/%)

$(BUILD)/test/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) -O1 -g $(SANITIZE) -c -o $@ $<

$(TEST_BIN): %: %.o $(TEST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -lcmocka -lm $(TEST_LIBS)

# What the proof of the classifiers needs besides; without sanitizers it gets through millions of pairs.
PROOF_SRC := tests/proof/meaning.c tests/proof/rule_sets.c
$(BUILD)/test/tests/proof/classify_proof_test: $(PROOF_SRC:%.c=$(BUILD)/test/%.o)

$(BUILD)/process/tests/proof/classify_proof_test: $(PROOF_SRC:%.c=$(BUILD)/process/%.o) \
    $(BUILD)/process/tests/proof/classify_proof_test.o $(filter-out %/linux/main.o,$(PROCESS_OBJ))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -lm

classify-proof: $(BUILD)/process/tests/proof/classify_proof_test ## classifiers against what rules mean: PAIRS (10000000), SEED (1)
	$(Q)CLASSIFY_PROOF_PAIRS=$(or $(PAIRS),10000000) CLASSIFY_PROOF_SEED=$(or $(SEED),1) $<

# The program under sanitizers, on which conformance runs.
$(BUILD)/test/click: $(TEST_OBJ) $(BUILD)/test/platform/linux/main.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -lm

# The program under ThreadSanitizer. It does not know fences; that they are there is its users' to see (notifier.h).
TSAN     = -fsanitize=thread -Wno-tsan -Wno-maybe-uninitialized
TSAN_OBJ := $(PROCESS:%.c=$(BUILD)/tsan/%.o)

$(BUILD)/tsan/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)gcc $(BASE) -O1 -g $(TSAN) -c -o $@ $<

$(BUILD)/tsan/click: $(TSAN_OBJ)
	$(call say,LINK,$@)
	$(Q)gcc -fsanitize=thread -pthread -o $@ $^ -lm

thread-tests: $(BUILD)/tsan/click $(BUILD)/click ## several threads, also under ThreadSanitizer
	$(Q)BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -rs tests/test_threads.py $(PYTEST_ARGS)

unit-tests: $(TEST_BIN) ## every *_test.c, under ASan and UBSan
	$(Q)for t in $(TEST_BIN); do echo "$$t"; $$t || exit 1; done

# ---- fuzz targets: X/fuzz_NAME.c, X/fuzz_NAME.dict if it has words, tests/corpus/NAME/ ----

FUZZ_TEST := $(FUZZERS:%.c=$(BUILD)/test/%)
FUZZ_LIVE := $(FUZZERS:%.c=$(BUILD)/fuzz/%)
fuzz_name = $(patsubst fuzz_%,%,$(notdir $(1)))

$(FUZZ_TEST): %: %.o $(BUILD)/test/tests/replay.o $(TEST_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(SANITIZE) -o $@ $^ -lm

corpus: $(FUZZ_TEST) ## inputs that fuzzing found, once through each target, under ASan and UBSan
	$(Q)$(foreach f,$(FUZZ_TEST),$(f) tests/corpus/$(call fuzz_name,$(f))/* &&) true

$(BUILD)/fuzz/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)clang $(BASE) -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link -c -o $@ $<

$(FUZZ_LIVE): %: %.o $(TEST_OBJ:$(BUILD)/test/%=$(BUILD)/fuzz/%)
	$(call say,LINK,$@)
	$(Q)clang $(SANITIZE) -fsanitize=fuzzer -o $@ $^ -lm

# What is new is kept in $(BUILD)/corpus; "make corpus-merge" takes what reaches new code into tests/corpus.
fuzz: $(FUZZ_LIVE) ## searches for inputs that fail, FUZZ_SECONDS (60) for each target
	$(Q)$(foreach f,$(FUZZ_LIVE),mkdir -p $(BUILD)/corpus/$(call fuzz_name,$(f)) && \
	    $(f) -max_total_time=$(or $(FUZZ_SECONDS),60) -max_len=2000 -timeout=5 -print_final_stats=1 \
	    $(addprefix -dict=,$(wildcard $(f:$(BUILD)/fuzz/%=%).dict)) \
	    $(BUILD)/corpus/$(call fuzz_name,$(f)) tests/corpus/$(call fuzz_name,$(f)) &&) true

corpus-merge: $(FUZZ_LIVE)
	$(Q)$(foreach f,$(FUZZ_LIVE),mkdir -p tests/corpus/$(call fuzz_name,$(f)) && \
	    $(f) -merge=1 -max_len=2000 tests/corpus/$(call fuzz_name,$(f)) $(BUILD)/corpus/$(call fuzz_name,$(f)) &&) true

conformance: $(BUILD)/test/click $(BUILD)/click ## configurations with expected output
	$(Q)CLICK=$(abspath $(BUILD))/test/click $(PYTHON) -m pytest -q tests/conformance.py $(PYTEST_ARGS)

process-tests: $(BUILD)/click $(BUILD)/tsan/click ## examples with real clients, in network namespaces
	$(Q)BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -rs tests --ignore=tests/lab $(PYTEST_ARGS)

lab-tests: all netfront-instructions-needs ## the guest on real Xen, with real frames and clients; also the slow tests
	$(Q)BUILD=$(abspath $(BUILD)) $(PYTHON) -m pytest -q -rs tests/lab $(PYTEST_ARGS)

# Both compilers, every warning an error.
warnings:
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/gcc CC=gcc CFLAGS='-O2 -g -Werror' process guest cli
	$(Q)$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang CFLAGS='-O2 -g -Werror' process guest cli

packages: ## installs the Debian packages that are missing
	$(Q)./need-packages packages lab/packages

test: packages ## everything but the lab tests marked slow: about 20 minutes on two cores
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all $(TEST_BIN) $(FUZZ_TEST) $(BUILD)/test/click
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) warnings
	$(Q)$(MAKE) --no-print-directory unit-tests
	$(Q)$(MAKE) --no-print-directory corpus
	$(Q)$(MAKE) --no-print-directory conformance
	$(Q)$(MAKE) --no-print-directory process-tests
	$(Q)$(MAKE) --no-print-directory lab-tests PYTEST_ARGS="-m 'not slow'"

demo: packages ## a firewall VM on real Xen filters real frames
	$(Q)$(MAKE) --no-print-directory -j$$(nproc) all
	$(Q)BUILD=$(abspath $(BUILD)) $(PYTHON) lab/demo.py

# ---- benchmarks: bench/README.md ----

bench: process ## what a packet costs; beside others with CLICK=path, FASTCLICK=path
	$(Q)BUILD=$(abspath $(BUILD)) bench/bench.py $(BENCH_ARGS)

bench-threads: process ## what a second thread brings
	$(Q)BUILD=$(abspath $(BUILD)) bench/threads.py $(BENCH_ARGS)

bench-instructions: process ## instructions a packet, by valgrind
	$(Q)./need-packages bench/packages
	$(Q)BUILD=$(abspath $(BUILD)) bench/instructions.py $(BENCH_ARGS)

$(BUILD)/process/bench/routes: $(BUILD)/process/bench/routes.o $(BUILD)/process/elements/ip/lpm.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

bench-routes: $(BUILD)/process/bench/routes ## what changes of 500,000 routes take
	$(Q)$<

bench-plots: process ## throughput over numbers of rules, flows, elements: SVG and PNG in build/bench/plots
	$(Q)./need-packages bench/packages
	$(Q)BUILD=$(abspath $(BUILD)) bench/plots.py $(BENCH_ARGS)

bench-cycles: process ## where the cycles of a packet go, class by class
	$(Q)BUILD=$(abspath $(BUILD)) bench/cycles.py $(BENCH_ARGS)

# A plugin for QEMU and programs for dom0.
$(BUILD)/bench/netfront_count.so: bench/netfront_count.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) $(CFLAGS) -fPIC -shared -o $@ $<

NETFRONT_DOM0 := $(addprefix $(BUILD)/bench/netfront_,mark send watch)
$(NETFRONT_DOM0): $(BUILD)/bench/%: $(BUILD)/process/bench/%.o
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $<

netfront-instructions-needs: cli $(BUILD)/clickos-counted.elf $(BUILD)/bench/netfront_count.so $(NETFRONT_DOM0)

bench-netfront-instructions: netfront-instructions-needs ## instructions a packet in the guest, with each mechanism of netfront
	$(Q)BUILD=$(abspath $(BUILD)) bench/netfront_instructions.py $(BENCH_ARGS)

bench-netfront: all $(NETFRONT_DOM0) ## frames a second on Xen with each mechanism of netfront, beside a Linux guest: the paper's Figure 3
	$(Q)./need-packages bench/packages
	$(Q)BUILD=$(abspath $(BUILD)) bench/netfront.py $(BENCH_ARGS)

bench-bridge: all $(NETFRONT_DOM0) ## TCP through a VM that bridges two vifs, beside a Linux guest that does
	$(Q)BUILD=$(abspath $(BUILD)) bench/bridge.py $(BENCH_ARGS)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

clean: ## removes what was built
	rm -rf $(BUILD)

.PHONY: all process guest cli man install test unit-tests classify-proof corpus corpus-merge fuzz conformance \
    process-tests thread-tests lab-tests warnings packages demo bench bench-threads bench-instructions bench-cycles bench-plots bench-routes \
    netfront-instructions-needs bench-netfront-instructions bench-netfront bench-bridge help clean
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD)/process $(BUILD)/guest $(BUILD)/test $(BUILD)/tsan $(BUILD)/fuzz -name '*.d' 2>/dev/null)
