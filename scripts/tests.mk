# Tests. A unit test is one Criterion program: tests/unit/ROOM/FILE_test.c -> $(B)/tests/unit/ROOM/FILE_test
TEST_LIBS := -lcriterion
UNIT_C  := $(wildcard tests/unit/*/*_test.c)
UNIT    := $(UNIT_C:%.c=$(B)/%)
INTEG_C := $(wildcard tests/integration/*_test.c)
INTEG   := $(INTEG_C:%.c=$(B)/%)
$(UNIT) $(INTEG): $(B)/%: $(B)/%.o $(B)/libox.a
	$(CC) -o $@ $< $(B)/libox.a -pie -rdynamic $(LDFLAGS) $(LIBS) $(TEST_LIBS)
