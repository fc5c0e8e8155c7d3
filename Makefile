# The short way in. `make help` lists what there is; tools/dev takes the same words.
export PATH := $(CURDIR)/build/node/bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help run demo build test bench format lint fuzz asan tsan clean

help: ## what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

run: build ## install what is missing, build, and serve at http://localhost:8080
	@tools/run

demo: build ## the same with a site that has a month of traffic
	@tools/demo

build: ## the release binary: build/release/mainstay
	@tools/setup run
	@tools/build release mainstay

test: ## every test; the last line counts them
	@tools/setup test
	@tools/test

bench: ## the figures, beside their peers
	@tools/setup bench
	@tools/bench

format: ## lay out the C++ sources
	@tools/dev format

lint: ## layers, text rules, error codes, layout, clang-tidy
	@tools/setup test
	@tools/lint

fuzz: ## every fuzzer for FUZZ_SECONDS (60) seconds
	@tools/setup test
	@tools/fuzz $(or $(FUZZ_SECONDS),60)

asan: ## C++ tests under AddressSanitizer and UBSan
	@tools/setup test
	@tools/sanitize asan

tsan: ## C++ tests under ThreadSanitizer
	@tools/setup test
	@tools/sanitize tsan

clean: ## remove what was built
	rm -rf build web/dist web-script/dist
