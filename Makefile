# SPDX-License-Identifier: MIT
# The face of the build; meson and ninja do the work, in folders of their own:
#
#     make run      install what is missing, build, and start the chat server
#     make test     the same, and run the tests
#
#     make asan | tsan                     the tests under sanitizers
#     make explore                         every order of the steps of what waits, every fault
#     make fuzz [FUZZ_SECONDS=3600]        any bytes at what reads them, each target so long
#     make lint | format                   what a reviewer need not say
#     make bench | check-long              measure; all that takes long
#     make install [PREFIX=... LIBDIR=... DESTDIR=...]
#
# SETUP="-Dwerror=true" goes to meson setup, ARGS="--port 4000" to the program that runs.

PREFIX = /usr/local
# Where Debian looks for libraries. Left alone, meson takes lib64 there unless dpkg-dev is installed.
LIBDIR = $(if $(wildcard /etc/debian_version),lib)
BUILD = build
SETUP =
ARGS =
FUZZ_SECONDS = 3600

CLANG = $(firstword $(shell command -v clang-19 clang-14 clang))
CLANGXX = $(subst clang,clang++,$(CLANG))
SANITIZED = -Dtests=enabled -Db_lundef=false -Db_sanitize
# These run compilers and scripts; a sanitizer in the library tells nothing new about them.
NATIVE_SUITES = --no-suite headers --no-suite house

.PHONY: all run test explore fuzz bench asan tsan install format lint check-long clean
.PHONY: build-packages test-packages bench-packages

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

run: $(BUILD)/build.ninja
	@ninja -C $(BUILD) weft
	@echo 'weft: the command is $(BUILD)/weft; Ctrl-C stops the server'
	@exec $(BUILD)/weft serve $(ARGS)

test: $(BUILD)/with-tests
	@tools/run_tests $(BUILD)

asan: build-asan/with-tests
	@tools/run_tests build-asan --timeout-multiplier 4 $(NATIVE_SUITES)

tsan: build-tsan/with-tests
	@TSAN_OPTIONS="halt_on_error=1 $$TSAN_OPTIONS" \
	tools/run_tests build-tsan --timeout-multiplier 8 $(NATIVE_SUITES)

explore: $(BUILD)/with-tests
	@tools/explore $(BUILD)

fuzz: build-fuzz/with-tests
	@tools/fuzz build-fuzz $(FUZZ_SECONDS)

bench: build-bench/with-peers
	@meson test -C build-bench --benchmark --verbose

install: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX)) $(LIBDIR:%=-Dlibdir=%)
	@meson compile -C $(BUILD) weft:executable weft:shared_library weft:static_library \
	    weft_explore:static_library completions
	@meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))
	@test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || ldconfig # or programs do not find it
	@test -z "$(SUDO_UID)" || chown -R "$(SUDO_UID):$(SUDO_GID)" $(BUILD) # or only root builds there

format: | test-packages
	@tools/format --write

lint: $(BUILD)/with-tests
	@tools/lint $(BUILD)

check-long: | test-packages
	@tools/check_long

clean:
	rm -rf $(BUILD) build-asan build-tsan build-fuzz build-bench build-long-*

# ---- setting up ----------------------------------------------------------------------------

build-packages:
	@tools/deps build
test-packages:
	@tools/deps test
bench-packages:
	@tools/deps bench

$(BUILD)/build.ninja: | build-packages
	@meson setup $(BUILD) $(SETUP)

# A folder that was made to run only has no tests in it yet.
$(BUILD)/with-tests: | test-packages $(BUILD)/build.ninja
	@meson setup --reconfigure $(BUILD) $(SETUP) -Dtests=enabled -Dprograms=enabled
	@touch $@

build-asan/with-tests: | test-packages
	@meson setup build-asan $(SETUP) $(SANITIZED)=address,undefined
	@touch $@

build-fuzz/with-tests: | test-packages
	@CC=$(CLANG) meson setup build-fuzz $(SETUP) -Dfuzz=true $(SANITIZED)=address,undefined
	@touch $@

# Of their own: else every build would need the peers' compilers.
build-bench/with-peers: | bench-packages
	@meson setup $(if $(wildcard build-bench/build.ninja),--reconfigure) build-bench $(SETUP) \
	    -Dbuildtype=release -Dtests=disabled -Dbench=true
	@touch $@

# clang's: gcc 12 and clang 14 stop on kernels that randomize more of the address space.
build-tsan/with-tests: | test-packages
	@CC=$(CLANG) CXX=$(CLANGXX) meson setup build-tsan $(SETUP) $(SANITIZED)=thread
	@touch $@
