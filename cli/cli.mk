# The clickos command for dom0, its manual page and its bash completion. Included by the Makefile.

CLI_SRC  := $(call find,cli/*.c) control/protocol.c
CLI_OBJ  := $(CLI_SRC:%.c=$(BUILD)/cli/%.o)
# `clickos check` and its kin look at configurations with the process's language, router and elements.
CLI_PROCESS := $(filter-out platform/linux/main.c,$(PROCESS))
CLI_LIBS  = -lxenlight -lxlutil -lxentoollog -lxenstore -ljansson -lncursesw -lm
CLI_DEFS  = -DKERNEL_DEFAULT='"$(PREFIX)/lib/clickos/clickos.elf"'

cli: $(BUILD)/clickos $(BUILD)/clickos.1 $(BUILD)/clickos.bash

$(BUILD)/clickos: $(CLI_OBJ) $(CLI_PROCESS:%.c=$(BUILD)/process/%.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(CLI_LIBS)

# The image's path is compiled in: another PREFIX, on `make install` say, makes the command anew.
$(BUILD)/cli/prefix: FORCE
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' >$@
$(CLI_OBJ): $(BUILD)/cli/prefix
FORCE:

$(BUILD)/cli/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) $(CLI_DEFS) $(CFLAGS) -c -o $@ $<

$(BUILD)/clickos.1: $(BUILD)/clickos
	$(Q)$< --generate-man >$@

$(BUILD)/clickos.bash: $(BUILD)/clickos
	$(Q)$< --generate-completion >$@

install-cli: cli
	install -D -m 755 $(BUILD)/clickos $(DESTDIR)$(PREFIX)/bin/clickos
	install -D -m 644 $(BUILD)/clickos.1 $(DESTDIR)$(PREFIX)/share/man/man1/clickos.1
	install -D -m 644 $(BUILD)/clickos.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/clickos

# Tests of the command also need the parts of it that have no Xen in them.
CLI_PURE  := options print profile_json figures exposition toolstack top_view
CLI_TESTS := $(patsubst %.c,$(BUILD)/test/%,$(wildcard cli/*_test.c))
$(CLI_TESTS): $(CLI_PURE:%=$(BUILD)/test/cli/%.o)
$(CLI_TESTS): TEST_LIBS = -ljansson

.PHONY: install-cli FORCE
-include $(shell find $(BUILD)/cli -name '*.d' 2>/dev/null)
