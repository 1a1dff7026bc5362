# The bench: oxd beside the same service as one would build it today, and the machine's own limits
# (bench/README.md).
SECONDS ?= 5
MINUTES ?= 25
CASES   ?=
BENCH_NPM := $(patsubst %,%/node_modules/.package-lock.json,bench bench/peer)

PARTS   ?= idle,waiting,history
HISTORY ?= 10000,100000,1000000,10000000
WAITING ?= 10000,100000,1000000

.PHONY: bench figures scale bench-router
bench: ROUNDS ?= 5
bench: ## oxd, Fastify + BullMQ and raw limits in turn, to bench/RESULTS.md; ROUNDS=5 SECONDS=5 MINUTES=25 CASES=a,b
	@scripts/deps.sh bench
	@+$(MAKE) -j$(NPROC) all $(B)/bench/bare_http $(BENCH_NPM)
	@OXD=$(CURDIR)/$(B)/oxd BARE_HTTP=$(CURDIR)/$(B)/bench/bare_http scripts/servers.sh tmp -- \
	  node bench/run.mjs --rounds $(ROUNDS) --seconds $(SECONDS) --minutes $(MINUTES) \
	  $(if $(CASES),--cases $(CASES))
	@+$(MAKE) figures

figures: ## the README's table of figures anew, from bench/RESULTS.md
	@scripts/figures README.md >README.md.new && mv README.md.new README.md

scale: ROUNDS ?= 3
scale: ## what grows with ox: 10k listeners, 1M waiting, 10M of history, to bench/SCALE.md; PARTS=… needs 25 GB
	@scripts/deps.sh bench
	@+$(MAKE) -j$(NPROC) all $(BENCH_NPM)
	@export PG_SHARED_BUFFERS=$$(awk '/^MemTotal/ { print int($$2 / 4) "kB" }' /proc/meminfo); \
	OXD=$(CURDIR)/$(B)/oxd scripts/servers.sh $(if $(SERVERS),run $(SERVERS),tmp) -- node bench/scale.mjs \
	  --parts $(PARTS) --history $(HISTORY) --waiting $(WAITING) --rounds $(ROUNDS)

$(BENCH_NPM): %/node_modules/.package-lock.json: %/package-lock.json
	@echo "  NPM $*"
	@cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

$(B)/bench/bare_http: bench/bare_http.c
	@mkdir -p $(@D)
	@$(CC) -MMD -MP $(CFLAGS) $< -o $@ $(LDFLAGS) -lwebsockets

bench-router: $(B)/bench/router_bench ## how long a routing decision takes, in ns and cycles
	@$<
$(B)/bench/router_bench: bench/router_bench.c $(B)/executors.a
	@mkdir -p $(@D)
	@$(CC) -MMD -MP $(INCLUDES) $(CFLAGS) $< -o $@ $(B)/executors.a $(LDFLAGS) $(LIBS)
-include $(B)/bench/router_bench.d $(B)/bench/bare_http.d
