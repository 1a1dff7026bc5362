# Chaos: the daemon with its fail-points compiled in, under faults, judged by a checker that knows only what was
# promised (tests/chaos/README.md).
SEED    ?=
CYCLES  ?=
LANES   ?= 4
MUTANT_LANES ?= 3
MUTANTS ?=
CHAOS_B := build/chaos

.PHONY: chaos chaos-quick chaos-mutants chaos-parts outages
chaos-parts: tests/e2e/node_modules/.package-lock.json
	@scripts/deps.sh test
	@+$(MAKE) -j$(NPROC) CHAOS=1 all $(CHAOS_B)/shim.so

chaos: chaos-parts ## faults by a seed, under load, judged; SEED=n repeats one, CYCLES=1000 for a night
	@OXD=$(CURDIR)/$(CHAOS_B)/oxd node tests/chaos/run.mjs --lanes $(LANES) \
	  $(if $(SEED),--seed $(SEED)) $(if $(CYCLES),--cycles $(CYCLES))

chaos-quick: chaos-parts ## the whole fault matrix once and a fresh seed: a part of make test
	@OXD=$(CURDIR)/$(CHAOS_B)/oxd node tests/chaos/run.mjs --lanes $(LANES) --quick

chaos-mutants: chaos-parts ## takes out one guard at a time: the checker must notice; MUTANTS=name,name
	@OXD=$(CURDIR)/$(CHAOS_B)/oxd node tests/chaos/hunt.mjs --lanes $(MUTANT_LANES) --write \
	  $(if $(MUTANTS),--only $(MUTANTS))

outages: all tests/e2e/node_modules/.package-lock.json ## PostgreSQL and Redis stopped for OUTAGE_MS (30000), RESTARTS (10)
	@scripts/deps.sh test
	@OXD=$(CURDIR)/$(B)/oxd OUTAGE_MS=$(or $(OUTAGE_MS),30000) RESTARTS=$(or $(RESTARTS),10) \
	  scripts/servers.sh tmp -- node --test tests/e2e/outages.test.mjs

$(CHAOS_B)/shim.so: tests/chaos/shim.c
	@echo "  LD $@"
	@mkdir -p $(@D)
	@$(CC) -std=c11 -Wall -Wextra -Wconversion -Werror -O2 -fPIC -shared -o $@ $< -ldl

tests/e2e/node_modules/.package-lock.json: tests/e2e/package-lock.json
	@echo "  NPM tests/e2e"
	@cd tests/e2e && npm ci --silent --no-audit --no-fund
	@touch $@
