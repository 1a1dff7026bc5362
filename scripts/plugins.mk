# Plugins: shared objects that see include/ox/ and nothing else of ours, with their data beside them.
#   executors/*.c     -> $(B)/plugins/NAME.so, each from the objects listed here
#   tests/plugin/*.c  -> $(B)/tests/plugin/NAME.so: bad ones, for the registry's tests
GOODS   := goods_plugin delivery parcel record fields amount pointer rfc3339 writer
MARKET  := market_plugin market limit sniper watch quote swap router payload pointer tokens datafile \
           amount rfc3339 writer form
SIM     := sim_plugin sim sim_config sim_price sim_land sim_trade sim_fault sim_api sim_topic \
           ledger ledger_db ledger_page \
           tx draw raydium meteora meteora_live flow split real pools price tokens datafile \
           board board_db scenario faults db form pointer amount writer
PLUGIN_DATA := $(patsubst executors/%,$(B)/plugins/%,$(wildcard executors/*.json))
PLUGIN_LIBS := -Wl,--as-needed -ljansson -lpq -lcrypto -pthread
TEST_PLUGINS := $(patsubst %.c,$(B)/%.so,$(wildcard tests/plugin/*.c))

.PHONY: plugins
plugins: $(B)/plugins/goods.so $(B)/plugins/market.so $(B)/plugins/sim.so $(PLUGIN_DATA)

COMPILE_PLUGIN = $(CC) -MMD -MP -Iinclude $(CFLAGS) -fPIC -fvisibility=hidden -c $< -o $@
LINK_PLUGIN = $(CC) -shared -o $@ $(filter %.o,$^) $(LDFLAGS) $(PLUGIN_LIBS)

$(B)/plugins/goods.so: $(GOODS:%=$(B)/executors/%.o)
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
$(patsubst %,$(B)/executors/%.o,db ledger_db ledger_page board_db board): CFLAGS += -I/usr/include/postgresql

# Tests of their parts link these; the plugins' entry points have one name, so only market's is in.
$(B)/executors.a: $(patsubst %,$(B)/executors/%.o,$(sort $(filter-out sim_plugin goods_plugin,$(MARKET) $(SIM) $(GOODS))))
	@rm -f $@
	@ar rcs $@ $^
EXECUTOR_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/executors/*_test.c \
                  tests/integration/ledger_test.c tests/integration/board_test.c \
                  tests/integration/sim_test.c tests/integration/sim_fault_test.c \
                  tests/threads/ledger_test.c tests/threads/board_test.c))
$(EXECUTOR_TESTS): $(B)/executors.a
$(EXECUTOR_TESTS): LIBS := $(B)/executors.a $(LIBS)

$(B)/tests/unit/plugin/registry_test: $(TEST_PLUGINS)
$(B)/tests/plugin/%.so: tests/plugin/%.c
	@echo "  LD $@"
	@mkdir -p $(@D)
	@$(CC) -shared -MMD -MP -Iinclude $(CFLAGS) -fPIC -fvisibility=hidden $< -o $@ $(LDFLAGS)

-include $(wildcard $(B)/executors/*.d $(B)/tests/plugin/*.d)
