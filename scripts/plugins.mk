# Plugins: shared objects that see include/ox/ and nothing else of ours.
.PHONY: plugins
plugins:
