# What can be done here; `make` alone lists it.

.DEFAULT_GOAL := help
.PHONY: help build demo targets test check fmt bench ci clean

help: ## list these
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build cicada and the stand-in targets (target/release)
	cargo build --release --locked -p local

demo: build ## stand-in targets, and six user classes sending them traffic
	target/release/cicada --demo

targets: build ## only the stand-in targets, on ports 8000 and 8001
	target/release/stand-in-targets

test: ## all tests; installs what they compare with (Locust, into .tools)
	scripts/tools.sh locust
	cargo test --locked --workspace --all-features

check: ## what must hold before a commit: format, lints, docs
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features --quiet
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; \
	else echo "cargo-deny is not installed: licences and sources were not checked"; fi

fmt: ## format everything
	cargo fmt --all

bench: ## measure speed beside bare reqwest, Goose and Locust (half an hour)
	scripts/tools.sh locust
	scripts/tools.sh nginx
	cargo build --profile dist --locked -p local --bin cicada
	python3 bench/run.py

ci: ## what the continuous integration runs
	.ci/run

clean: ## remove what was built
	cargo clean
	rm -rf bench/target test-output
