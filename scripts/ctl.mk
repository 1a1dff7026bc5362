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

# Manual pages: prose from docs/man, options from the programs' own tables.
.PHONY: man
man: $(B)/man/oxctl.1 $(B)/man/oxd.8 ## the manual pages, with the options that the programs have
	@:
$(B)/man/oxctl.1: docs/man/oxctl.1 scripts/man $(B)/oxctl
	@mkdir -p $(@D) && scripts/man $< $(B)/oxctl > $@.new && mv $@.new $@
$(B)/man/oxd.8: docs/man/oxd.8 scripts/man $(B)/oxd
	@mkdir -p $(@D) && scripts/man $< $(B)/oxd > $@.new && mv $@.new $@

.PHONY: configuration
configuration: $(B)/oxd ## docs/configuration.md anew, from oxd --help
	@scripts/configuration $< >docs/configuration.md.new && mv docs/configuration.md.new docs/configuration.md

-include $(CTL_O:.o=.d)
