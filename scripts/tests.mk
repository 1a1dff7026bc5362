# Tests, each a program of its own:
#   tests/unit/ROOM/FILE_test.c, tests/integration/FILE_test.c   Criterion, linked with all rooms
#   tests/threads/NAME_test.c   a plain main() for TSan, which crashes inside Criterion
#   tests/web/NAME.test.mjs     the dashboard's modules without DOM, on node
#   tests/fuzz/NAME_fuzz.c      libFuzzer, with a seed corpus in tests/fuzz/corpus/NAME/ if there is one
UNIT    := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/*/*_test.c))
INTEG   := $(patsubst %.c,$(B)/%,$(wildcard tests/integration/*_test.c))
THREADS := $(patsubst %.c,$(B)/%,$(wildcard tests/threads/*_test.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_SECONDS ?= 60
SUITES  ?= $(if $(filter thread,$(SAN)),threads e2e,unit $(if $(SAN),,web threads) integration e2e postman $(if $(VARIANT),,model chaos))

C_FILES  = $(shell git ls-files '*.c' '*.h')
TIDY_C   = $(filter src/% workers/% executors/%,$(filter %.c,$(C_FILES)))

.PHONY: test limiter recovery coverage fuzz-quick fuzz-syntax lint tests threads fuzzers
LINK_TEST = $(CC) -o $@ $< $(B)/libox.a -pie -rdynamic $(LDFLAGS)
$(UNIT) $(INTEG): $(B)/%: $(B)/%.o $(B)/libox.a
	@echo "  LD $@"
	@$(LINK_TEST) $(LIBS) -lcriterion
$(THREADS): $(B)/%: $(B)/%.o $(B)/libox.a
	@echo "  LD $@"
	@$(LINK_TEST) $(LIBS)
$(FUZZERS): $(B)/%: $(B)/%.o $(B)/libox.a
	@echo "  LD $@"
	@$(LINK_TEST) -fsanitize=fuzzer $(LIBS)
-include $(patsubst %,%.d,$(UNIT) $(INTEG) $(THREADS) $(FUZZERS))

tests: all $(UNIT) $(INTEG)
	@:
threads: $(THREADS)
	@:
fuzzers: $(FUZZERS)
	@:

test: ## all tests, against private servers; SAN=address,undefined or SUITES="unit e2e" as you like
	@scripts/deps.sh test
	@+$(MAKE) -j$(NPROC) $(if $(filter thread,$(SAN)),all $(TEST_PLUGINS),tests)
	@+$(if $(filter threads,$(SUITES)),$(MAKE) -j$(NPROC) SAN=thread threads,:)
	@+$(if $(filter chaos,$(SUITES)),$(MAKE) chaos-parts,:)
	@B=$(B) SAN=$(SAN) SUITES="$(SUITES)" scripts/servers.sh tmp -- scripts/test.sh

limiter: all ## 600 orders, 100 in 10 s, on two and four workers, with restarts and a wiped Redis
	@LONG=1 OXD=$(CURDIR)/$(B)/oxd scripts/servers.sh tmp -- node --test --test-reporter=spec \
	  tests/e2e/limiter_load.test.mjs

recovery: all ## how long a killed worker's orders stand still, with the default lease too
	@LONG=1 OXD=$(CURDIR)/$(B)/oxd scripts/servers.sh tmp -- node --test --test-reporter=spec \
	  tests/e2e/recovery.test.mjs

coverage: ## line coverage of src/ workers/ executors/ by all tests; fails under 80 %
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	@+$(MAKE) COV=1 SUITES="unit integration e2e postman" test
	@gcovr --root . --object-directory build/coverage --filter src/ --filter workers/ \
	  --filter executors/ --exclude-unreachable-branches --fail-under-line 80 build/coverage

fuzz-quick: ## each fuzzer for FUZZ_SECONDS (60)
	@scripts/deps.sh test
	@+$(MAKE) -j$(NPROC) FUZZ=1 fuzzers
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh build/fuzz/tests/fuzz/*_fuzz

fuzz-syntax: $(GEN) ## whether clang takes the fuzzers and all they are linked with
	@printf '%s\n' $(CORE_C) $(FUZZERS:$(B)/%=%.c) | xargs -P$(NPROC) -n16 clang -fsyntax-only -w \
	  $(filter-out -MMD -MP,$(CPPFLAGS)) $(INCLUDES) -std=c11 -D_GNU_SOURCE

lint: ## format, include rules, sizes, banned calls; clang-tidy as advice
	@scripts/deps.sh lint
	@bad=0; scripts/check-deps || bad=1; clang-format --dry-run -Werror $(C_FILES) || bad=1; \
	clang-tidy --quiet $(TIDY_C) -- -std=c11 -D_GNU_SOURCE -DOX_VERSION='"0"' $(INCLUDES) \
	  2>/dev/null || true; exit $$bad
