# The protocol as a model, explored exhaustively by spin (docs/model/README.md).
.PHONY: model model-quick drain
model: ## spin: the protocol's model for every order of events, and each of its guards taken out
	@scripts/deps.sh model
	@B=$(B) scripts/model.sh all

model-quick: ## the same with fewer faults and no mutants: a part of make test
	@scripts/deps.sh model
	@B=$(B) scripts/model.sh quick

DRAIN_ROUNDS ?= 100
drain: ## SIGTERM under load, 100 times
	@+$(MAKE) test SUITES=e2e ONLY=drain DRAIN_ROUNDS=$(DRAIN_ROUNDS)
