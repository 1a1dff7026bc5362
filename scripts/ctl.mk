# oxctl: src/ctl and src/base, and nothing else of ours.
CTL_C    := $(wildcard src/ctl/*.c)
CTL_O    := $(CTL_C:%.c=$(B)/%.o)
BASE_O   := $(patsubst %.c,$(B)/%.o,$(wildcard src/base/*.c))
CTL_LIBS := -lcurl -lwebsockets -luv -ljansson -lm -pthread

$(B)/oxctl: $(CTL_O) $(BASE_O)
	@echo "  LD $@"
	@$(CC) -o $@ $^ -pie $(LDFLAGS) $(CTL_LIBS)

# Its tests link all of it but main().
$(B)/ctl.a: $(filter-out %/main.o,$(CTL_O))
	@rm -f $@
	@ar rcs $@ $^
CTL_TESTS := $(patsubst %.c,$(B)/%,$(wildcard tests/unit/ctl/*_test.c))
$(CTL_TESTS): $(B)/ctl.a
$(CTL_TESTS): LIBS := $(B)/ctl.a $(B)/libox.a $(LIBS) -lcurl

-include $(CTL_O:.o=.d)
