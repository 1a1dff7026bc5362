# ox. `make help` lists the targets. Variants: SAN=address,undefined | SAN=thread | COV=1, each in a
# build directory of its own.
SHELL   := /bin/bash
.DEFAULT_GOAL := all
CC      ?= gcc
comma   := ,
VARIANT := $(if $(SAN),$(subst $(comma),-,$(SAN)),$(if $(COV),coverage))
B       := build$(if $(VARIANT),/$(VARIANT))
VERSION := 0.1.0

WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Wformat=2 -Werror
HARDEN  := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
           $(if $(SAN)$(COV),,-D_FORTIFY_SOURCE=3)
OPT     := $(if $(COV),-O0 --coverage,$(if $(SAN),-O1 -fno-omit-frame-pointer,-O2))
CFLAGS  += -std=c11 -D_GNU_SOURCE -g $(OPT) $(WARN) $(HARDEN) $(if $(SAN),-fsanitize=$(SAN))
LDFLAGS += -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=$(SAN)) $(if $(COV),--coverage)
CPPFLAGS += -MMD -MP -DOX_VERSION='"$(VERSION)"'
INCLUDES := -Isrc -I. -Iinclude -I$(B)/gen -I/usr/include/postgresql
LIBS    := -lwebsockets -luv -lhiredis -lpq -ljansson -lhttp_parser -lcrypto -lm -ldl -pthread

GEN     := $(B)/gen/migrations.c $(B)/gen/lua.c
CORE_C  := $(filter-out src/main.c,$(wildcard src/*/*.c)) $(filter-out src/ctl/%,$(wildcard workers/*.c))
CORE_O  := $(CORE_C:%.c=$(B)/%.o) $(GEN:%.c=%.o)

.PHONY: all clean help
all: $(B)/oxd plugins

# ── the daemon ───────────────────────────────────────────────────────────────────────────────────
$(B)/libox.a: $(CORE_O)
	@rm -f $@
	@ar rcs $@ $^
$(B)/oxd: $(B)/src/main.o $(B)/libox.a
	$(CC) -o $@ $(B)/src/main.o $(B)/libox.a -pie -rdynamic $(LDFLAGS) $(LIBS)
$(B)/%.o: %.c | $(GEN)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(INCLUDES) $(CFLAGS) -fPIE -c $< -o $@
$(B)/gen/%.o: $(B)/gen/%.c
	$(CC) $(CPPFLAGS) $(INCLUDES) $(CFLAGS) -fPIE -c $< -o $@
$(B)/gen/migrations.c: scripts/embed $(wildcard sql/*.sql)
	@mkdir -p $(@D) && scripts/embed migrations sql/*.sql > $@
$(B)/gen/lua.c: scripts/embed $(wildcard src/queue/lua/*.lua)
	@mkdir -p $(@D) && scripts/embed lua src/queue/lua/*.lua > $@

-include $(shell find build -name '*.d' 2>/dev/null)
include scripts/plugins.mk scripts/tests.mk

clean:
	rm -rf build
