# ox. `make help` lists the targets. Variants, each in a build directory of its own:
# SAN=address,undefined | SAN=thread | COV=1 | FUZZ=1 | CHAOS=1
SHELL   := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory
comma   := ,
VERSION := 0.1.0
VARIANT := $(if $(SAN),$(subst $(comma),-,$(SAN)),$(if $(COV),coverage,$(if $(FUZZ),fuzz,$(if $(CHAOS),chaos))))
B       := build$(if $(VARIANT),/$(VARIANT))
DIR     ?= /opt/ox
NPROC   := $(shell nproc 2>/dev/null || echo 2)

CC      := $(if $(FUZZ),clang,$(if $(filter default,$(origin CC)),gcc,$(CC)))
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wvla -Wformat=2 \
           $(if $(findstring clang,$(CC)),-Wno-sign-conversion,-Werror $(if $(VARIANT),-Wno-format-truncation))
HARDEN  := -fstack-protector-strong -fstack-clash-protection \
           $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) \
           $(if $(VARIANT),,-D_FORTIFY_SOURCE=3)
SANITIZE := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all) \
           $(if $(FUZZ),-fsanitize=fuzzer-no-link$(comma)address$(comma)undefined) \
           $(if $(COV),--coverage)
OPT     := $(if $(COV),-O0 -fprofile-update=atomic,$(if $(VARIANT),-O1 -fno-omit-frame-pointer,-O2))
CFLAGS  += -std=c11 -D_GNU_SOURCE -g $(OPT) $(WARN) $(HARDEN) $(SANITIZE)
LDFLAGS += -Wl,-z,relro,-z,now $(SANITIZE)
CPPFLAGS += -MMD -MP -DOX_VERSION='"$(VERSION)"' $(if $(CHAOS),-DOX_CHAOS)
INCLUDES := -Isrc -I. -Iinclude -I$(B)/gen -I/usr/include/postgresql
HTTP_PARSER := $(if $(wildcard /usr/include/llhttp.h),-lllhttp,-lhttp_parser)
LIBS    := -lwebsockets -luv -lhiredis -lpq -ljansson $(HTTP_PARSER) -lcrypto -lm -ldl -pthread

API     := $(B)/gen/openapi.json $(B)/gen/asyncapi.json
WEB     := $(sort $(shell find web -name '*.*' ! -name '*.md' ! -name package.json))
# URL-PATH=FILE: what is served as it is. web/docs/index.html is /docs, the rest of web/ as it is called.
FILES   := $(foreach f,$(API),/$(notdir $f)=$f) $(foreach f,$(WEB),$(or $(patsubst web%,%,$(f:/index.html=)),/)=$f)
GEN     := $(B)/gen/migrations.c $(B)/gen/lua.c $(B)/gen/files.c
CORE_C  := $(filter-out src/ctl/%,$(wildcard src/*/*.c)) $(wildcard workers/*.c)
CORE_O  := $(CORE_C:%.c=$(B)/%.o) $(GEN:%.c=%.o)
COMPILE  = $(CC) $(CPPFLAGS) $(INCLUDES) $(CFLAGS) -fPIE -c $< -o $@

.PHONY: all run install clean help
all: $(B)/oxd $(B)/oxctl plugins ## build everything
	@:

run: ## install what is missing, build, start private servers, serve on http://127.0.0.1:3000
	@scripts/deps.sh run
	@+$(MAKE) -j$(NPROC) all
	@scripts/run.sh

# ── the daemon ───────────────────────────────────────────────────────────────────────────────────
$(B)/libox.a: $(CORE_O)
	@rm -f $@
	@ar rcs $@ $^
$(B)/oxd: $(B)/src/main.o $(B)/libox.a
	@echo "  LD $@"
	@$(CC) -o $@ $(B)/src/main.o $(B)/libox.a -pie -rdynamic $(LDFLAGS) $(LIBS)
$(B)/%.o: %.c | $(GEN)
	@echo "  CC $<"
	@mkdir -p $(@D)
	@$(COMPILE)
$(B)/gen/%.o: $(B)/gen/%.c
	@$(COMPILE)
$(B)/gen/migrations.c: scripts/embed $(wildcard sql/*.sql) sql # the folder: a file may be renamed
	@mkdir -p $(@D) && scripts/embed migrations sql/*.sql > $@.new && mv $@.new $@
$(B)/gen/lua.c: scripts/embed $(wildcard src/queue/lua/*.lua) src/queue/lua
	@mkdir -p $(@D) && scripts/embed lua src/queue/lua/*.lua > $@.new && mv $@.new $@

$(B)/gen/%.json: docs/api/%.json scripts/api-document $(wildcard docs/api/*.json docs/api/*/*.json)
	@mkdir -p $(@D) && scripts/api-document $* > $@.new && mv $@.new $@
$(B)/gen/files.c: scripts/embed $(API) $(WEB) $(shell find web -type d)
	@mkdir -p $(@D) && scripts/embed files $(FILES) > $@.new && mv $@.new $@

include scripts/plugins.mk scripts/ctl.mk scripts/tests.mk
include scripts/bench.mk scripts/chaos.mk scripts/model.mk
-include $(patsubst %.o,%.d,$(CORE_O) $(B)/src/main.o)

install: all man ## the daemon, its client, its plugins and the manual into DIR (/opt/ox)
	@install -d $(DIR)/plugins $(DIR)/share/man/man1 $(DIR)/share/man/man8
	@install -m 755 $(B)/oxd $(B)/oxctl scripts/ready.sh $(DIR)
	@install -m 644 $(B)/plugins/*.so $(B)/plugins/*.json $(DIR)/plugins
	@install -m 644 $(B)/man/oxctl.1 $(DIR)/share/man/man1
	@install -m 644 $(B)/man/oxd.8 $(DIR)/share/man/man8

clean: ## remove what was built; .run/ with its data stays
	rm -rf build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile scripts/*.mk |\
	  sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t18
