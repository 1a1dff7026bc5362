# The bench: oxd beside the same service as one would build it today (bench/README.md).
ROUNDS  ?= 3
SECONDS ?= 8
CASES   ?=
BENCH_NPM := $(patsubst %,%/node_modules/.package-lock.json,bench bench/peer)

.PHONY: bench
bench: ## oxd against Fastify + BullMQ, side by side, to bench/RESULTS.md; ROUNDS=3 SECONDS=8 CASES=a,b
	@scripts/deps.sh bench
	@+$(MAKE) -j$(NPROC) all $(BENCH_NPM)
	@OXD=$(CURDIR)/$(B)/oxd scripts/servers.sh tmp -- node bench/run.mjs \
	  --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(CASES),--cases $(CASES))

$(BENCH_NPM): %/node_modules/.package-lock.json: %/package-lock.json
	@echo "  NPM $*"
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@
