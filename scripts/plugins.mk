# Plugins: shared objects that see include/ox/ and nothing else of ours, with their data beside them.
#   executors/*.c     -> $(B)/plugins/NAME.so, each from the objects listed here
#   tests/plugin/*.c  -> $(B)/tests/plugin/NAME.so: bad ones, for the registry's tests
MARKET  := market router payload tokens datafile amount writer
SIM     := sim_plugin sim ledger ledger_db tx draw pools raydium meteora tokens datafile
PLUGIN_DATA := $(patsubst executors/%,$(B)/plugins/%,$(wildcard executors/*.json))
PLUGIN_LIBS := -Wl,--as-needed -ljansson -lpq -lcrypto -pthread
TEST_PLUGINS := $(patsubst %.c,$(B)/%.so,$(wildcard tests/plugin/*.c))

.PHONY: plugins
plugins: $(B)/plugins/market.so $(B)/plugins/sim.so $(PLUGIN_DATA)

COMPILE_PLUGIN = $(CC) -MMD -MP -Iinclude $(CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@
LINK_PLUGIN = $(CC) -shared -o $@ $(filter %.o,$^) $(LDFLAGS) $(PLUGIN_LIBS)

$(B)/plugins/market.so: $(MARKET:%=$(B)/executors/%.o)
$(B)/plugins/sim.so: $(SIM:%=$(B)/executors/%.o)
$(B)/plugins/%.so:
	@echo "  LD $@"
	@mkdir -p $(@D)
	@$(LINK_PLUGIN)
$(B)/plugins/%.json: executors/%.json
	@mkdir -p $(@D)
	@cp $< $@
$(B)/executors/%.o: executors/%.c
	@echo "  CC $<"
	@mkdir -p $(@D)
	@$(COMPILE_PLUGIN)
$(B)/executors/ledger_db.o: CFLAGS += -I/usr/include/postgresql

# Tests of their parts link these; both plugins' entry points have one name, so sim's is left out.
$(B)/executors.a: $(patsubst %,$(B)/executors/%.o,$(sort $(filter-out sim_plugin,$(MARKET) $(SIM))))
	@rm -f $@
	@ar rcs $@ $^
EXECUTOR_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/executors/*_test.c \
                  tests/integration/ledger_test.c tests/integration/sim_test.c tests/threads/ledger_test.c))
$(EXECUTOR_TESTS): $(B)/executors.a
$(EXECUTOR_TESTS): LIBS := $(B)/executors.a $(LIBS)

$(B)/tests/unit/plugin/registry_test: $(TEST_PLUGINS)
$(B)/tests/plugin/%.so: tests/plugin/%.c
	@echo "  LD $@"
	@mkdir -p $(@D)
	@$(CC) -shared -MMD -MP -Iinclude $(CFLAGS) -fPIC -fvisibility=hidden $< -o $@ $(LDFLAGS)

-include $(wildcard $(B)/executors/*.d $(B)/tests/plugin/*.d)
